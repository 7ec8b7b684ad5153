import { requestDevice } from '../../src/gpu/device.ts';
import type { Kernels } from '../../src/scheduler/kernelChoice.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { WasmBackend } from '../../src/scheduler/wasmBackend.ts';
import { Machine } from '../../src/wasm/machine.ts';

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

let machine: Promise<Machine> | undefined;

/** WebAssembly's memory and threads, the same for all test files of the process. */
export async function wasmBackend(): Promise<WasmBackend> {
  machine ??= Machine.open(2);
  return new WasmBackend(await machine);
}

export const sharedBackend = (): Promise<GpuBackend> => backendOn(sharedDevice);
