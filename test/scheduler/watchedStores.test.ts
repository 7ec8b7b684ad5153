// What is looked at as it is stored: NaN and infinity are counted, whatever else a number is.

import { expect, test } from 'vitest';
import { bufferUsage } from '../../src/core/webgpuFlags.ts';
import type { Kernel } from '../../src/core/launch.ts';
import { pipelineOf } from '../../src/gpu/pipelines.ts';
import { readRegions } from '../../src/gpu/readback.ts';
import { BAD, ledgerWords } from '../../src/ops/training/badStepLedger.ts';
import { sharedDevice } from '../support/device.ts';
import lookAt from '../../shaders/functions/lookAt.wgsl?raw';

/** y = x, by its bits: one invocation stores all of it, another one returns. */
const storing = (element: string, bits: string): Kernel => ({
  name: 'storing',
  source: `
@group(0) @binding(0) var<storage, read> x: array<${bits}>;
@group(0) @binding(1) var<storage, read_write> y: array<${element}>;

@compute @workgroup_size(2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= 1u) {
    return;
  }
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= arrayLength(&x)) { break; }
    y[i] = bitcast<${element}>(x[i]);
  }
}`,
  includes: [lookAt],
  writes: { ledger: 'atomic<u32>' },
  watched: [1],
});

/** How many invocations found something bad in numbers of these bits. */
async function badIn(bits: readonly number[], element: string, type: string): Promise<number> {
  const device = await sharedDevice();
  const { pipeline, layout } = await pipelineOf(device, storing(element, type), ['read', 'read_write', 'read_write']);
  const { storage, copySource, copyDestination } = bufferUsage;
  const usage = storage | copySource | copyDestination;
  const buffers = [Uint32Array.from(bits), new Uint32Array(bits.length), ledgerWords('stop')].map((words) => {
    const buffer = device.createBuffer({ size: words.byteLength, usage });
    device.queue.writeBuffer(buffer, 0, words);
    return buffer;
  });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const [bad] = await readRegions(device, [{ buffer: buffers[2], offset: 4 * BAD, size: 4 }]);
  for (const buffer of buffers) buffer.destroy();
  return new Uint32Array(bad)[0];
}

const ONE = 0x3f800000;
// The largest of both signs, all of whose bits but one are an infinity's; the smallest, and zero.
const FINITE = [0x7f7fffff, 0xff7fffff, 0x00000001, 0x807fffff, 0x80000000, ONE, 0, 0xbf800000];
const BAD_BITS = [0x7f800000, 0xff800000, 0x7f800001, 0xff800001, 0x7fc00000, 0xffffffff];

test.each([
  ['f32', 'u32'],
  ['vec4f', 'vec4u'],
])('of numbers stored as %s those with all bits of the exponent are counted, once', async (element, type) => {
  expect(await badIn(FINITE, element, type)).toBe(0);
  for (const bad of BAD_BITS) {
    // First, last, and between.
    for (const at of [0, 2, FINITE.length - 1]) {
      expect([bad, at, await badIn(FINITE.with(at, bad), element, type)]).toEqual([bad, at, 1]);
    }
  }
});
