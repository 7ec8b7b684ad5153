// How long this machine, as loaded as it is, takes for what tests spend most of their time on: opening a device, compiling
// kernels and running them. Started by itself, since a driver is found through the environment of a process; prints JSON.

import { create } from 'webgpu';

const KERNELS = 12;
const STORAGE = 0x80;

/** @param {number} salt so that no text comes twice: a driver may keep what it has compiled */
function textOf(salt) {
  const terms = Array.from({ length: 32 }, (_, at) => `  x = fract(x * ${at + 2}.5 + a[(i + ${at}u) % 64u]);`);
  return `
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
  var x = f32(${salt});
${terms.join('\n')}
  a[i] = x;
}`;
}

const began = performance.now();
// Dawn's instance must live as long as its device.
const gpu = create([]);
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
if (!adapter) throw new Error('[speed] there is no adapter');
const device = await adapter.requestDevice();
const buffer = device.createBuffer({ size: 256, usage: STORAGE });
const salt = Date.now() % 1e6;
for (let kernel = 0; kernel < KERNELS; kernel++) {
  const module = device.createShaderModule({ code: textOf(salt + kernel) });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const layout = pipeline.getBindGroupLayout(0);
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
}

const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ adapter: adapter.info.description || adapter.info.vendor, seconds }));
// Dawn's threads would keep the process.
process.exit();
