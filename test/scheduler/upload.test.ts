import { expect, test, vi } from 'vitest';
import { upload } from '../../src/scheduler/storage.ts';

test('what has no numbers is not written, at which Deno ends', () => {
  const writeBuffer = vi.fn<GPUQueue['writeBuffer']>();
  const device = { queue: { writeBuffer } } as unknown as GPUDevice;
  upload(device, {} as GPUBuffer, 0, new Float32Array(0));
  expect(writeBuffer).not.toHaveBeenCalled();
  upload(device, {} as GPUBuffer, 0, new Float32Array(1));
  expect(writeBuffer).toHaveBeenCalledOnce();
});
