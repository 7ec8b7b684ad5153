import { DeviceError, DataError } from '../core/errors.ts';
import { byteLength } from '../core/shape.ts';
import { megabytes } from '../core/textFormat.ts';
import { bufferUsage } from '../core/webgpuFlags.ts';
import { largestBinding } from '../gpu/largestBinding.ts';
import { pipelineOf } from '../gpu/pipelines.ts';
import { requireUnmapped } from '../gpu/unmapped.ts';
import type { Region } from '../gpu/readback.ts';
import type { HostRegion, Purpose, State } from '../graph/graph.ts';

/** Whether a host's buffer cannot be bound, so that what is there is copied before it is read. */
export const isCopied = ({ buffer }: HostRegion): boolean => !(buffer.usage & bufferUsage.storage);

/** Binds a buffer, and makes nothing of it. */
const TOUCH = `@group(0) @binding(0) var<storage, read> x: array<u32>;

@compute @workgroup_size(1)
fn main() {
  _ = &x;
}`;

/** Whose buffers they are where they are copied. */
interface Owner {
  readonly device: GPUDevice;
  create(label: string, purpose: Purpose, bytes: number): GPUBuffer;
  drop(buffer: GPUBuffer): void;
}

/** The states that lie in buffers of the device's owner: where they are, or copies of them, brought anew by each submit. */
export class HostedStates {
  readonly #storage: Owner;
  /** Those that were tried, with the buffer of each that is copied. */
  readonly #held = new Map<State, GPUBuffer | null>();

  constructor(storage: Owner) {
    this.#storage = storage;
  }

  /** Tries whether this device can read them. @throws DeviceError or DataError where it cannot */
  async hold(states: readonly State[]): Promise<void> {
    for (const state of states) {
      if (this.#held.has(state)) continue;
      const own = isCopied(state.host!)
        ? this.#storage.create(state.name, state.purpose ?? 'other', byteLength(state.spec))
        : null;
      try {
        await this.#try(state.host!, own);
      } catch (error) {
        if (own) this.#storage.drop(own);
        throw error;
      }
      this.#held.set(state, own);
    }
  }

  /** In a submit of ours, so that it is not the host who is told. */
  async #try(host: HostRegion, own: GPUBuffer | null): Promise<void> {
    const { device } = this.#storage;
    const { name, buffer, offset, size } = host as HostRegion & { readonly buffer: GPUBuffer };
    const most = largestBinding(device);
    if (size > most) {
      throw new DeviceError(
        `[data] "${name}" takes ${megabytes(size)} of its buffer but this device binds at most ${megabytes(most)}: request it with requiredLimits(adapter), or give fewer samples`,
      );
    }
    requireUnmapped(name, buffer);
    const { pipeline, layout } = await pipelineOf(device, { name: 'touch', source: TOUCH }, ['read']);
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder({ label: 'millrace touch' });
    if (own) encoder.copyBufferToBuffer(buffer, offset, own, 0, size);
    else {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      const entries = [{ binding: 0, resource: { buffer, offset, size } }];
      pass.setBindGroup(0, device.createBindGroup({ label: 'millrace touch', layout, entries }));
      pass.dispatchWorkgroups(1);
      pass.end();
    }
    device.queue.submit([encoder.finish()]);
    const failure = await device.popErrorScope().catch(() => null);
    if (!failure) return;
    throw new DataError(
      `[data] the trainer's device cannot read the buffer of "${name}" (${failure.message.split('\n')[0]}): give one of that device which is not destroyed`,
    );
  }

  regionOf(host: HostRegion, state: State): Region {
    const own = this.#held.get(state);
    return own ? { buffer: own, offset: 0, size: host.size } : { ...host, buffer: host.buffer };
  }

  copy(encoder: GPUCommandEncoder, states: Iterable<State>): void {
    for (const state of states) {
      const own = this.#held.get(state);
      if (!own || !state.host) continue;
      const { buffer, offset, size } = state.host;
      encoder.copyBufferToBuffer(buffer, offset, own, 0, size);
    }
  }

  release(state: State): void {
    const own = this.#held.get(state);
    if (own) this.#storage.drop(own);
    this.#held.delete(state);
  }

  destroy(): void {
    for (const state of this.#held.keys()) this.release(state);
  }
}
