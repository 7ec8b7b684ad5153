import type { BackendName } from '../core/places.ts';
import { DeviceError } from '../core/errors.ts';
import type { Device } from '../core/globalTypes.ts';
import { requestDevice } from '../gpu/device.ts';
import type { Backend } from './backend.ts';
import { GpuBackend, type GpuOptions } from './gpuBackend.ts';
import type { WasmOptions } from './wasmBackend.ts';

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

/** What backends may be told. */
export type BackendOptions = GpuOptions & WasmOptions;

/** By WebAssembly on the CPU. It is loaded when it is asked for. @throws DeviceError where there is none */
export async function onWasm(options: WasmOptions, fallback?: string): Promise<OpenBackend> {
  const { WasmBackend } = await import('./wasmBackend.ts');
  const backend = await WasmBackend.open(options);
  return { backend, device: null, owned: undefined, ...(fallback !== undefined && { fallback }) };
}

/** On a device that stays its owner's. */
export const onDevice = (device: Device, options: GpuOptions): OpenBackend => ({
  backend: new GpuBackend(device, options),
  device,
  owned: undefined,
});

/** On the CPU: by WebAssembly, or by the references where there is none. @param why not on a GPU */
export async function onProcessor(options: WasmOptions, why: string): Promise<OpenBackend> {
  try {
    return await onWasm(options, why);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return onCpu(`${why}; ${error.message}`);
  }
}

/** Where something is to run, as `createTrainer` is told. */
export interface Wish {
  readonly backend?: BackendName | undefined;
  /** A device of the caller's. */
  readonly device?: Device | undefined;
}

/**
 * A backend as it is wished for: without a device on one of its own. `auto` takes a GPU, and where there is none, or a CPU
 * plays it, the CPU itself.
 * @param retrySeconds as of `requestDevice`   @throws DeviceError where there is none
 */
export async function openBackend(
  { backend, device }: Wish,
  options: BackendOptions = {},
  retrySeconds = 0,
): Promise<OpenBackend> {
  if (backend === 'cpu') return onCpu();
  if (backend === 'wasm') return onWasm(options);
  if (device) return onDevice(device, options);
  const isFree = backend === 'auto';
  try {
    const owned = await requestDevice({ retrySeconds, hardwareOnly: isFree });
    return { ...onDevice(owned, options), owned };
  } catch (error) {
    if (isFree && error instanceof DeviceError) return onProcessor(options, error.message);
    throw error;
  }
}
