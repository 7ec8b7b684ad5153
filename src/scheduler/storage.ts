import { bufferUsage } from '../core/flags.ts';
import { DeviceError } from '../core/errors.ts';
import { byteLength, type Dtype, type Numbers } from '../core/shape.ts';
import type { State } from '../graph/graph.ts';
import type { Region } from '../gpu/readback.ts';

/** Buffers must be large enough for one vec4f, whatever they hold. */
const SMALLEST_BUFFER = 16;

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/**
 * A storage buffer that copies may reach.
 * @throws DeviceError if it is larger than the device binds
 */
export function createStorage(device: GPUDevice, label: string, bytes: number): GPUBuffer {
  const most = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  if (bytes > most) {
    throw new DeviceError(
      `[memory] "${label}" needs ${megabytes(bytes)} in one buffer but this device binds at most ${megabytes(most)}: use a smaller batch or model`,
    );
  }
  return device.createBuffer({
    label: `millrace ${label}`,
    size: Math.max(SMALLEST_BUFFER, Math.ceil(bytes / 4) * 4),
    usage: bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyDestination,
  });
}

/** Numbers as bytes in whole words, in the spec's own dtype. */
export function upload(device: GPUDevice, buffer: GPUBuffer, offset: number, numbers: Numbers): void {
  const exact = numbers instanceof Float64Array ? Float32Array.from(numbers) : numbers;
  const rest = exact.byteLength % 4;
  if (rest === 0) {
    device.queue.writeBuffer(buffer, offset, exact as Numbers & ArrayBufferView<ArrayBuffer>);
    return;
  }
  const padded = new Uint8Array(exact.byteLength + 4 - rest);
  padded.set(exact);
  device.queue.writeBuffer(buffer, offset, padded);
}

/** Bytes that came back, as numbers. */
export function numbersOf(bytes: ArrayBuffer, dtype: Dtype, count: number): Numbers {
  switch (dtype) {
    case 'f32':
      return new Float32Array(bytes, 0, count);
    case 'i32':
      return new Int32Array(bytes, 0, count);
    case 'u32':
      return new Uint32Array(bytes, 0, count);
    case 'u8':
      return new Uint8Array(bytes, 0, count);
  }
}

/** The buffers of states: made when first asked for, with their initial numbers, and shared by all programs. */
export class Storage {
  readonly device: GPUDevice;
  readonly #buffers = new Map<State, GPUBuffer>();
  bytes = 0;
  #destroyed = false;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  bufferOf(state: State): GPUBuffer {
    if (this.#destroyed) throw new Error(`[storage] ${state.name} is asked for after it was destroyed`);
    let buffer = this.#buffers.get(state);
    if (!buffer) {
      const bytes = byteLength(state.spec);
      buffer = createStorage(this.device, state.name, bytes);
      this.#buffers.set(state, buffer);
      this.bytes += bytes;
      upload(this.device, buffer, 0, state.initial());
    }
    return buffer;
  }

  regionOf(state: State): Region {
    return { buffer: this.bufferOf(state), offset: 0, size: byteLength(state.spec) };
  }

  /** @param offset in elements of four bytes */
  write(state: State, numbers: Numbers, offset: number): void {
    upload(this.device, this.bufferOf(state), 4 * offset, numbers);
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
    this.#destroyed = true;
  }
}
