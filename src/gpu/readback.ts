import { DeviceError } from '../core/errors.ts';
import { bufferUsage, MAP_READ } from '../core/flags.ts';
import { summarize } from './device.ts';

/** A range of a GPU buffer, in bytes. */
export interface Region {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** How long a device may take to say that it was lost, once a copy has failed. */
const LOST_MS = 100;

/** Why a copy did not come: the device was lost, or else what WebGPU says of it. */
async function failureOf(device: GPUDevice, cause: unknown): Promise<unknown> {
  const late = new Promise<null>((resolve) => void setTimeout(resolve, LOST_MS, null));
  const lost = await Promise.race([device.lost, late]);
  if (!lost) return cause;
  return new DeviceError(
    `[device] ${summarize(device).name} was lost (${lost.message || lost.reason}), and what was on it is gone: create another trainer`,
    { cause },
  );
}

/** A staging buffer for regions of so many bytes together at most, mapped and unmapped again and again. */
export class Readback {
  readonly #device: GPUDevice;
  readonly #staging: GPUBuffer;
  /** Of what was copied last. */
  #bytes = 0;
  /** Between `copy` and the end of `finish`, when no other copy may go there. */
  busy = false;

  constructor(device: GPUDevice, size: number) {
    this.#device = device;
    this.#staging = device.createBuffer({
      label: 'millrace readback',
      size,
      usage: bufferUsage.mapRead | bufferUsage.copyDestination,
    });
  }

  /** Records the copy, one region behind the other; `finish` may be called once the encoder has been submitted. */
  copy(encoder: GPUCommandEncoder, ...regions: readonly Region[]): void {
    this.busy = true;
    this.#bytes = 0;
    for (const { buffer, offset, size } of regions) {
      encoder.copyBufferToBuffer(buffer, offset, this.#staging, this.#bytes, size);
      this.#bytes += size;
    }
  }

  /** The bytes, as soon as the GPU has them. @throws DeviceError if the device was lost before */
  async finish(): Promise<ArrayBuffer> {
    try {
      await this.#staging.mapAsync(MAP_READ, 0, this.#bytes);
    } catch (cause) {
      throw await failureOf(this.#device, cause);
    }
    const bytes = this.#staging.getMappedRange(0, this.#bytes).slice(0);
    this.#staging.unmap();
    this.busy = false;
    return bytes;
  }

  destroy(): void {
    this.#staging.destroy();
  }
}

/** Reads regions once, in one submit, one behind the other. */
export async function readRegions(device: GPUDevice, regions: readonly Region[]): Promise<ArrayBuffer[]> {
  const encoder = device.createCommandEncoder({ label: 'millrace read' });
  const readbacks = regions.map((region) => {
    const readback = new Readback(device, region.size);
    readback.copy(encoder, region);
    return readback;
  });
  device.queue.submit([encoder.finish()]);
  try {
    return await Promise.all(readbacks.map((readback) => readback.finish()));
  } finally {
    for (const readback of readbacks) readback.destroy();
  }
}
