import { requestDevice } from '../../src/gpu/device.ts';
import type { Kernels } from '../../src/scheduler/kernelChoice.ts';
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
export const backendOn = async (open: () => Promise<GPUDevice>, kernels?: Kernels): Promise<GpuBackend> =>
  new GpuBackend(await open(), { fuse: false, kernels });

export const sharedBackend = (): Promise<GpuBackend> => backendOn(sharedDevice);
