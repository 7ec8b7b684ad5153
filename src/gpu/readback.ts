import { bufferUsage, MAP_READ } from '../core/webgpuFlags.ts';

/** A range of a GPU buffer, in bytes. */
export interface Region {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A staging buffer for regions of so many bytes together at most, mapped and unmapped again and again. */
export class Readback {
  readonly #staging: GPUBuffer;
  /** Of what was copied last. */
  #bytes = 0;
  /** Between `copy` and the end of `finish`, when no other copy may go there. */
  busy = false;

  constructor(device: GPUDevice, size: number) {
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

  /** The bytes, as soon as the GPU has them. It fails if the device is lost before. */
  async finish(): Promise<ArrayBuffer> {
    await this.#staging.mapAsync(MAP_READ, 0, this.#bytes);
    const bytes = this.#staging.getMappedRange(0, this.#bytes).slice(0);
    this.#staging.unmap();
    this.busy = false;
    return bytes;
  }

  destroy(): void {
    this.#staging.destroy();
  }
}

/** Reads regions once, one behind the other, and others behind a command: all in one submit, so with one wait. */
export async function readRegions(
  device: GPUDevice,
  regions: readonly Region[],
  command?: (encoder: GPUCommandEncoder) => void,
  others: readonly Region[] = [],
): Promise<ArrayBuffer[]> {
  const encoder = device.createCommandEncoder({ label: 'millrace read' });
  const readbackOf = (region: Region): Readback => {
    const readback = new Readback(device, region.size);
    readback.copy(encoder, region);
    return readback;
  };
  const readbacks = regions.map(readbackOf);
  command?.(encoder);
  readbacks.push(...others.map(readbackOf));
  device.queue.submit([encoder.finish()]);
  try {
    return await Promise.all(readbacks.map((readback) => readback.finish()));
  } finally {
    for (const readback of readbacks) readback.destroy();
  }
}
