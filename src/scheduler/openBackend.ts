import { DeviceError } from '../core/errors.ts';
import type { Device } from '../core/globalTypes.ts';
import { requestDevice } from '../gpu/device.ts';
import type { Backend } from './backend.ts';
import { GpuBackend, type GpuOptions } from './gpuBackend.ts';

/** A backend that was opened. */
export interface OpenBackend {
  readonly backend: Backend;
  /** On which it runs; null on the CPU. */
  readonly device: Device | null;
  /** The same if nobody else has it: for whoever opened it to destroy. */
  readonly owned: Device | undefined;
  /** Why it is on the CPU, where `auto` would have taken a GPU. */
  readonly fallback?: string;
}

/** It is loaded when it is asked for. */
export async function onCpu(fallback?: string): Promise<OpenBackend> {
  const { CpuBackend } = await import('./cpuBackend.ts');
  return { backend: new CpuBackend(), device: null, owned: undefined, ...(fallback !== undefined && { fallback }) };
}

/** On a device that stays its owner's. */
export const onDevice = (device: Device, options: GpuOptions): OpenBackend => ({
  backend: new GpuBackend(device, options),
  device,
  owned: undefined,
});

/** Where something is to run, as `createTrainer` is told. */
export interface Wish {
  readonly backend?: 'webgpu' | 'cpu' | 'auto' | undefined;
  /** A device of the caller's. */
  readonly device?: Device | undefined;
}

/**
 * A backend as it is wished for: without a device on one of its own, or, where there is none and `auto` allows it, on the CPU.
 * @param retrySeconds as of `requestDevice`   @throws DeviceError where there is none
 */
export async function openBackend(
  { backend, device }: Wish,
  options: GpuOptions = {},
  retrySeconds = 0,
): Promise<OpenBackend> {
  if (backend === 'cpu') return onCpu();
  if (device) return onDevice(device, options);
  try {
    const owned = await requestDevice({ retrySeconds });
    return { ...onDevice(owned, options), owned };
  } catch (error) {
    if (backend === 'auto' && error instanceof DeviceError) return onCpu(error.message);
    throw error;
  }
}
