#!/usr/bin/env bash
# Waiting for the GPU keeps a core of the CPU busy in Node: npm's webgpu asks Dawn for news by a chain of setImmediate, one
# in each turn of the event loop, for as long as any promise of it is open. While nothing but onSubmittedWorkDone() is
# awaited, the loop is busy all of the time, where a timer as long leaves it idle. Beside a driver in software, which
# compiles and runs kernels on the same cores, the wait takes from what it waits for.
# Seen on 2026-11-28: webgpu 0.6.2 on Node 20, SwiftShader of @sparticuz/chromium 147.0.0 (Linux x64):
#   a timer: busy for 0 % of the wait, 0 turns a second asked for
#   the GPU: busy for 100 % of the wait, 18391 turns a second asked for
# setImmediate is looked up anew each time, so a page of one's own may ask less often by replacing it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts=false webgpu@0.6.2 @sparticuz/chromium@147.0.0
mkdir driver
node -e "process.stdout.write(require('node:zlib').brotliDecompressSync(require('node:fs').readFileSync('node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')))" | tar -x -C driver
cat > wait.mjs <<'NODE'
import { create } from 'webgpu';

let turns = 0;
const { setImmediate } = globalThis;
globalThis.setImmediate = (...given) => {
  turns++;
  return setImmediate(...given);
};

async function busy(wait) {
  turns = 0;
  const before = performance.eventLoopUtilization();
  const began = performance.now();
  await wait();
  const { utilization } = performance.eventLoopUtilization(before);
  const seconds = (performance.now() - began) / 1000;
  return { share: utilization, seconds, perSecond: turns / seconds };
}

const gpu = create([]);
const adapter = await gpu.requestAdapter();
const device = await adapter.requestDevice();
const code = `
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  var x = a[id.x];
  for (var k = 0u; k < 6000u; k++) { x = fract(x * 1.7 + 0.3); }
  a[id.x] = x;
}`;
const compute = { module: device.createShaderModule({ code }) };
const pipeline = device.createComputePipeline({ layout: 'auto', compute });
const buffer = device.createBuffer({ size: 4 * 65536, usage: 0x80 });
const bindings = [{ binding: 0, resource: { buffer } }];
const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: bindings });
const submit = () => {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1024);
  pass.end();
  device.queue.submit([encoder.finish()]);
};
const work = await busy(() => (submit(), device.queue.onSubmittedWorkDone()));
const timer = await busy(() => new Promise((resolve) => setTimeout(resolve, 500)));
for (const [name, { share, seconds, perSecond }] of Object.entries({ 'a timer': timer, 'the GPU': work })) {
  console.log(
    `${name}: ${seconds.toFixed(1)} s, busy for ${Math.round(100 * share)} % of the wait, ${Math.round(perSecond)} turns a second asked for`,
  );
}
process.exit(work.share > 0.8 && work.perSecond > 1000 && timer.share < 0.2 ? 0 : 1);
NODE
VK_ICD_FILENAMES="$folder/driver/vk_swiftshader_icd.json" LD_LIBRARY_PATH="$folder/driver" node wait.mjs
