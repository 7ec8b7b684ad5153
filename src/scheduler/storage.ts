import { bufferUsage } from '../core/flags.ts';
import { DeviceError } from '../core/errors.ts';
import { byteLength, type Dtype, type Numbers } from '../core/shape.ts';
import { megabytes } from '../core/wording.ts';
import type { State } from '../graph/graph.ts';
import type { Region } from '../gpu/readback.ts';
import type { Range } from './backend.ts';
import type { Slot } from './memory.ts';

/** Buffers must be large enough for one vec4f, whatever they hold. */
const SMALLEST_BUFFER = 16;

/** Bytes that a device binds as one buffer at most. */
export const largestBinding = ({ limits }: GPUDevice): number =>
  Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);

/**
 * A storage buffer that copies may reach.
 * @throws DeviceError if it is larger than the device binds
 */
export function createStorage(device: GPUDevice, label: string, bytes: number): GPUBuffer {
  const most = largestBinding(device);
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

/**
 * All buffers of one owner on a device: those of states, made when first asked for, with their initial numbers; and
 * those that its programs use in turn, since no program needs what another left there.
 */
export class Storage {
  readonly device: GPUDevice;
  /** Of all its buffers. */
  bytes = 0;
  readonly #limit: number;
  readonly #states = new Map<State, GPUBuffer>();
  /** By key of slots, or undefined for those that any slot may have. */
  readonly #scratch = new Map<string | undefined, Set<GPUBuffer>>();
  #holding = Promise.resolve();
  #destroyed = false;

  /** @param limit bytes that it may take */
  constructor(device: GPUDevice, limit = Infinity) {
    this.device = device;
    this.#limit = limit;
  }

  #noRoom(what: string, bytes: number, why: string): DeviceError {
    return new DeviceError(
      `[memory] ${what} needs ${megabytes(bytes)} beside ${megabytes(this.bytes)} in use, ${why}: use a smaller batch or model, split the batch by microBatches, or train from an iterable of batches, which never lies there as a whole`,
    );
  }

  /** @throws DeviceError before anything was allocated, if all of it together exceeds the limit */
  #requireRoom(what: string, bytes: number): void {
    if (this.bytes + bytes <= this.#limit) return;
    throw this.#noRoom(what, bytes, `but memoryLimit is ${megabytes(this.#limit)}`);
  }

  /**
   * Does work that makes buffers, and finds out whether the device had room for them.
   * @throws DeviceError if it had not
   */
  async #withRoom<T>(what: string, bytes: number, work: () => T, undo: (made: T) => void): Promise<T> {
    this.#requireRoom(what, bytes);
    this.device.pushErrorScope('out-of-memory');
    let made: T;
    let failure: Promise<GPUError | null>;
    try {
      made = work();
    } finally {
      failure = this.device.popErrorScope();
    }
    // A device that is lost says so wherever something is read.
    if (!(await failure.catch(() => null))) return made;
    undo(made);
    throw this.#noRoom(what, bytes, 'which the GPU does not have');
  }

  #create(label: string, bytes: number): GPUBuffer {
    const buffer = createStorage(this.device, label, bytes);
    this.bytes += buffer.size;
    return buffer;
  }

  #drop(buffer: GPUBuffer): void {
    this.bytes -= buffer.size;
    buffer.destroy();
  }

  /** Makes the buffers of states at once, or none. @throws DeviceError if there is no room for all of them */
  hold(what: string, states: readonly State[]): Promise<void> {
    // One after the other, so that nobody takes a buffer for filled that another caller is about to fill.
    const held = this.#holding.then(() => this.#hold(what, states));
    this.#holding = held.catch(() => {});
    return held;
  }

  async #hold(what: string, states: readonly State[]): Promise<void> {
    this.requireAlive(what);
    const missing = states.filter((state) => !this.#states.has(state));
    const bytes = missing.reduce((sum, { spec }) => sum + byteLength(spec), 0);
    const make = (): void => {
      for (const state of missing) this.#states.set(state, this.#create(state.name, byteLength(state.spec)));
    };
    await this.#withRoom(what, bytes, make, () => this.release(missing));
    // Its owner may have been destroyed meanwhile.
    for (const state of missing) {
      const buffer = this.#states.get(state);
      if (buffer) upload(this.device, buffer, 0, state.initial());
    }
  }

  release(states: readonly State[]): void {
    for (const state of states) {
      const buffer = this.#states.get(state);
      if (buffer) this.#drop(buffer);
      this.#states.delete(state);
    }
  }

  bufferOf(state: State): GPUBuffer {
    this.requireAlive(state.name);
    let buffer = this.#states.get(state);
    if (!buffer) {
      buffer = this.#create(state.name, byteLength(state.spec));
      this.#states.set(state, buffer);
      upload(this.device, buffer, 0, state.initial());
    }
    return buffer;
  }

  regionOf(state: State): Region {
    return { buffer: this.bufferOf(state), offset: 0, size: byteLength(state.spec) };
  }

  /** Of elements of four bytes. */
  rangeOf(state: State, [start, end]: Range): Region {
    return { buffer: this.bufferOf(state), offset: 4 * start, size: 4 * (end - start) };
  }

  /** @param offset in elements of four bytes */
  write(state: State, numbers: Numbers, offset: number): void {
    upload(this.device, this.bufferOf(state), 4 * offset, numbers);
  }

  /** Buffers that are gone must not be submitted: a caller's device would be told of it. */
  requireAlive(what: string): void {
    if (this.#destroyed) throw new Error(`[storage] ${what} is asked for after it was destroyed`);
  }

  /** A buffer for each slot that lasts no longer than a run, no two alike; other programs are lent the same ones. */
  lend(slots: readonly Slot[]): Promise<Map<Slot, GPUBuffer>> {
    // One after the other, so that nobody is lent a buffer for which there turns out to be no room.
    const lent = this.#holding.then(() => this.#lend(slots));
    this.#holding = lent.then(
      () => {},
      () => {},
    );
    return lent;
  }

  #lend(slots: readonly Slot[]): Promise<Map<Slot, GPUBuffer>> {
    this.requireAlive('a program');
    const free = new Map([...this.#scratch].map(([key, buffers]) => [key, new Set(buffers)]));
    const lent = new Map<Slot, GPUBuffer>();
    const missing: Slot[] = [];
    for (const slot of slots.toSorted((a, b) => b.bytes - a.bytes)) {
      const buffers = free.get(slot.key);
      const fitting = buffers && smallest(buffers, slot.bytes);
      if (!fitting) missing.push(slot);
      else {
        buffers.delete(fitting);
        lent.set(slot, fitting);
      }
    }
    const make = (): Map<Slot, GPUBuffer> => {
      for (const slot of missing) {
        const buffer = this.#create(slot.holds, slot.bytes);
        const kept = this.#scratch.get(slot.key) ?? new Set();
        this.#scratch.set(slot.key, kept.add(buffer));
        lent.set(slot, buffer);
      }
      return lent;
    };
    const bytes = missing.reduce((sum, slot) => sum + slot.bytes, 0);
    return this.#withRoom('a program', bytes, make, () => this.#unmake(missing, lent));
  }

  #unmake(missing: readonly Slot[], lent: ReadonlyMap<Slot, GPUBuffer>): void {
    for (const slot of missing) {
      const buffer = lent.get(slot)!;
      this.#scratch.get(slot.key)!.delete(buffer);
      this.#drop(buffer);
    }
  }

  destroy(): void {
    for (const buffers of [this.#states, ...this.#scratch.values()]) {
      for (const buffer of buffers.values()) this.#drop(buffer);
    }
    this.#states.clear();
    this.#scratch.clear();
    this.#destroyed = true;
  }
}

function smallest(buffers: ReadonlySet<GPUBuffer>, bytes: number): GPUBuffer | undefined {
  let best: GPUBuffer | undefined;
  for (const buffer of buffers) if (buffer.size >= bytes && (!best || buffer.size < best.size)) best = buffer;
  return best;
}
