import { expect, test, vi } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import { constant } from '../../src/graph/leaf.ts';
import { add } from '../../src/ops/index.ts';
import { upload } from '../../src/scheduler/storage.ts';
import { sharedBackend, wasmBackend } from '../support/device.ts';

test('what has no numbers is not written, at which Deno ends', () => {
  const writeBuffer = vi.fn<GPUQueue['writeBuffer']>();
  const device = { queue: { writeBuffer } } as unknown as GPUDevice;
  upload(device, {} as GPUBuffer, 0, new Float32Array(0));
  expect(writeBuffer).not.toHaveBeenCalled();
  upload(device, {} as GPUBuffer, 0, new Float32Array(1));
  expect(writeBuffer).toHaveBeenCalledOnce();
});

test.each([
  ['WebGPU', sharedBackend],
  ['WebAssembly', wasmBackend],
])('constants of f64 lie as f32 on %s', async (_, open) => {
  const backend = await open();
  const y = add(constant(Float64Array.of(1, 2, 3), spec([3])), 1);
  const program = await backend.compile({ outputs: { y }, writes: [] });
  backend.run([program]);
  expect([...(await backend.readOutput(program, 'y'))]).toEqual([2, 3, 4]);
  program.destroy();
  backend.destroy();
});
