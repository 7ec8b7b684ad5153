import { bufferUsage } from '../core/webgpuFlags.ts';
import { DeviceError } from '../core/errors.ts';
import { byteLength, type Numbers } from '../core/shape.ts';
import { megabytes } from '../core/textFormat.ts';
import type { Purpose, State } from '../graph/graph.ts';
import { largestBinding } from '../gpu/largestBinding.ts';
import type { Region } from '../gpu/readback.ts';
import type { Range } from './backend.ts';
import { HostedStates } from './hostedStates.ts';
import { addTo, copyOf, taken, type Pool } from './lending.ts';
import { isLent, type Slot } from './memory.ts';
import { Tally } from './memoryTally.ts';

/** Buffers must be large enough for one vec4f, whatever they hold. */
const SMALLEST_BUFFER = 16;

/** Bytes of a buffer for so many. */
const roomFor = (bytes: number): number => Math.max(SMALLEST_BUFFER, Math.ceil(bytes / 4) * 4);

/** Numbers as bytes in whole words, in the spec's own dtype. */
export function upload(device: GPUDevice, buffer: GPUBuffer, offset: number, numbers: Numbers): void {
  const exact = numbers instanceof Float64Array ? Float32Array.from(numbers) : numbers;
  // Deno ends at an array without memory.
  if (exact.byteLength === 0) return;
  const rest = exact.byteLength % 4;
  if (rest === 0) {
    device.queue.writeBuffer(buffer, offset, exact as Numbers & ArrayBufferView<ArrayBuffer>);
    return;
  }
  const padded = new Uint8Array(exact.byteLength + 4 - rest);
  padded.set(exact);
  device.queue.writeBuffer(buffer, offset, padded);
}

/** What a program needs beside its states. */
export interface Needs {
  readonly slots: readonly Slot[];
  /** Bytes. */
  readonly uniforms: number;
}

/**
 * All buffers of one owner on a device: those of states, made when first asked for, with their initial numbers; those
 * that its programs use in turn, since no program needs what another left there; and what a program has for itself.
 */
export class Storage {
  readonly device: GPUDevice;
  readonly #limit: number;
  readonly #states = new Map<State, GPUBuffer>();
  readonly #pool: Pool<GPUBuffer> = new Map();
  readonly #hosted = new HostedStates(this);
  readonly #purposes = new Map<GPUBuffer, Purpose>();
  /** Of all its buffers. */
  readonly used = new Tally();
  #holding = Promise.resolve();
  #destroyed = false;

  /** @param limit bytes that it may take */
  constructor(device: GPUDevice, limit = Infinity) {
    this.device = device;
    this.#limit = limit;
  }

  #noRoom(what: string, need: Tally, why: string): DeviceError {
    return new DeviceError(
      `[memory] ${what} needs ${megabytes(need.total)} (${need.toString()}) beside ${megabytes(this.used.total)} in use, ${why}: use a smaller batch or model, split the batch by microBatches, take an optimizer that keeps less, as sgd, or train from an iterable of batches, which never lies there as a whole`,
    );
  }

  /** @throws DeviceError before anything was allocated, if all of it together exceeds the limit */
  #requireRoom(what: string, need: Tally): void {
    if (this.used.total + need.total <= this.#limit) return;
    throw this.#noRoom(what, need, `but memoryLimit is ${megabytes(this.#limit)}`);
  }

  /** Whether there is a limit to compare with. */
  get isLimited(): boolean {
    return this.#limit < Infinity;
  }

  /**
   * Compares what programs and their states would take together with the limit. Nothing is made.
   * @throws DeviceError if it exceeds it
   */
  requireRoom(what: string, states: ReadonlySet<State>, programs: readonly Needs[]): void {
    const need = this.#needOf([...states]);
    const pool: Pool<{ readonly size: number }> = copyOf(this.#pool);
    for (const { slots, uniforms } of programs) {
      for (const slot of taken(slots, pool).missing) {
        if (isLent(slot)) addTo(pool, slot.key, { size: roomFor(slot.bytes) });
        need.add(slot.purpose, roomFor(slot.bytes));
      }
      need.add('other', uniforms);
    }
    this.#requireRoom(what, need);
  }

  /** Of the buffers that states do not have yet. */
  #needOf(states: readonly State[]): Tally {
    const need = new Tally();
    for (const state of states) {
      // Of a host's, what is copied is found out where it is tried.
      if (state.host || this.#states.has(state)) continue;
      need.add(state.purpose ?? 'other', roomFor(byteLength(state.spec)));
    }
    return need;
  }

  /**
   * Does work that makes buffers, and finds out whether the device had room for them.
   * @throws DeviceError if it had not
   */
  async #withRoom<T>(what: string, need: Tally, work: () => T, undo: () => void): Promise<T> {
    this.#requireRoom(what, need);
    this.device.pushErrorScope('out-of-memory');
    let made: T;
    let failure: Promise<GPUError | null>;
    try {
      made = work();
    } catch (error) {
      undo();
      throw error;
    } finally {
      failure = this.device.popErrorScope();
    }
    // A device that is lost says so wherever something is read.
    if (!(await failure.catch(() => null))) return made;
    undo();
    throw this.#noRoom(what, need, 'which the GPU does not have');
  }

  /**
   * A storage buffer that copies may reach, and that may be read as a uniform; whoever asks for it drops it.
   * @throws DeviceError if it is larger than the device binds
   */
  create(label: string, purpose: Purpose, bytes: number): GPUBuffer {
    const most = largestBinding(this.device);
    if (bytes > most) {
      throw new DeviceError(
        `[memory] "${label}" needs ${megabytes(bytes)} in one buffer but this device binds at most ${megabytes(most)}: use a smaller batch or model, or request the device with requiredLimits(adapter)`,
      );
    }
    const { storage, uniform, copySource, copyDestination } = bufferUsage;
    const usage = storage | uniform | copySource | copyDestination;
    return this.#made(purpose, { label: `millrace ${label}`, size: roomFor(bytes), usage });
  }

  /** A buffer that holds uniforms; the same applies. */
  createUniforms(words: ArrayBuffer): GPUBuffer {
    const usage = bufferUsage.uniform | bufferUsage.copyDestination;
    const buffer = this.#made('other', { label: 'millrace sizes', size: words.byteLength, usage });
    this.device.queue.writeBuffer(buffer, 0, words);
    return buffer;
  }

  #made(purpose: Purpose, descriptor: GPUBufferDescriptor): GPUBuffer {
    const buffer = this.device.createBuffer(descriptor);
    this.#purposes.set(buffer, purpose);
    this.used.add(purpose, buffer.size);
    return buffer;
  }

  drop(buffer: GPUBuffer): void {
    const purpose = this.#purposes.get(buffer);
    if (purpose) this.used.add(purpose, -buffer.size);
    this.#purposes.delete(buffer);
    buffer.destroy();
  }

  #createState({ name, purpose = 'other', spec }: State): GPUBuffer {
    return this.create(name, purpose, byteLength(spec));
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
    const hosted = states.filter(({ host }) => host !== undefined);
    const missing = states.filter((state) => !state.host && !this.#states.has(state));
    const make = (): void => {
      for (const state of missing) this.#states.set(state, this.#createState(state));
    };
    await this.#withRoom(what, this.#needOf(missing), make, () => this.release(missing));
    // Its owner may have been destroyed meanwhile.
    for (const state of missing) {
      const buffer = this.#states.get(state);
      if (buffer) upload(this.device, buffer, 0, state.initial());
    }
    await this.#hosted.hold(hosted);
  }

  release(states: readonly State[]): void {
    for (const state of states) {
      this.#hosted.release(state);
      const buffer = this.#states.get(state);
      if (buffer) this.drop(buffer);
      this.#states.delete(state);
    }
  }

  bufferOf(state: State): GPUBuffer {
    this.requireAlive(state.name);
    if (state.host) return this.#hosted.regionOf(state.host, state).buffer;
    let buffer = this.#states.get(state);
    if (!buffer) {
      buffer = this.#createState(state);
      this.#states.set(state, buffer);
      upload(this.device, buffer, 0, state.initial());
    }
    return buffer;
  }

  regionOf(state: State): Region {
    if (state.host) return this.#hosted.regionOf(state.host, state);
    return { buffer: this.bufferOf(state), offset: 0, size: byteLength(state.spec) };
  }

  /** Brings what is with a host, and is not read there, into buffers of its own, ahead of the programs that read it. */
  copyHosted(encoder: GPUCommandEncoder, states: Iterable<State>): void {
    this.#hosted.copy(encoder, states);
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

  /**
   * A buffer for each slot of a program, no two alike, or none: where what it holds lasts no longer than a run, other
   * programs are lent the same one; the others are the program's to drop.
   * @throws DeviceError if there is no room for all of them
   */
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
    const { lent, missing } = taken(slots, this.#pool);
    const make = (): Map<Slot, GPUBuffer> => {
      for (const slot of missing) {
        const buffer = this.create(slot.holds, slot.purpose, slot.bytes);
        if (isLent(slot)) addTo(this.#pool, slot.key, buffer);
        lent.set(slot, buffer);
      }
      return lent;
    };
    const need = new Tally();
    for (const { purpose, bytes } of missing) need.add(purpose, roomFor(bytes));
    return this.#withRoom('a program', need, make, () => this.#unmake(missing, lent));
  }

  #unmake(missing: readonly Slot[], lent: ReadonlyMap<Slot, GPUBuffer>): void {
    for (const slot of missing) {
      const buffer = lent.get(slot);
      if (!buffer) continue;
      this.#pool.get(slot.key)?.delete(buffer);
      this.drop(buffer);
    }
  }

  destroy(): void {
    for (const buffers of [this.#states, ...this.#pool.values()]) {
      for (const buffer of buffers.values()) this.drop(buffer);
    }
    this.#states.clear();
    this.#hosted.destroy();
    this.#pool.clear();
    this.#destroyed = true;
  }
}
