import { requestDevice } from '../../src/gpu/device.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';

let device: Promise<GPUDevice> | undefined;

/** One device for all test files of the process: a software driver takes long to make one, and to fill its caches. */
export function sharedDevice(): Promise<GPUDevice> {
  device ??= requestDevice().then((made) => {
    made.addEventListener('uncapturederror', (event) => {
      throw new Error(`uncaptured WebGPU error: ${event.error.message}`);
    });
    return made;
  });
  return device;
}

/** Every op in launches of its own: kernels are judged one by one. */
export const sharedBackend = async (): Promise<GpuBackend> => new GpuBackend(await sharedDevice(), { fuse: false });
