import { byteLength, numbersOf, sizeOf, type Numbers, type Spec } from '../core/shape.ts';
import type { Purpose, State } from '../graph/graph.ts';
import type { Block } from '../wasm/heap.ts';
import type { Machine } from '../wasm/machine.ts';
import { addTo, taken, type Pool } from './lending.ts';
import { isLent, type Slot } from './memory.ts';
import { Tally } from './memoryTally.ts';

/**
 * What one owner has of a machine's memory: its states, what its programs use in turn, and what a program has for itself.
 */
export class WasmStorage {
  readonly used = new Tally();
  readonly #machine: Machine;
  readonly #states = new Map<State, { readonly block: Block; readonly numbers: Numbers }>();
  readonly #pool: Pool<Block> = new Map();
  readonly #purposes = new Map<Block, Purpose>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Numbers as they lie from an address on: written there, they are written into the memory. */
  numbersAt(at: number, { dtype, shape }: Spec): Numbers {
    return numbersOf(this.#machine.memory.buffer, dtype, sizeOf(shape), at);
  }

  /** @throws DeviceError where there is no room */
  create(what: string, purpose: Purpose, bytes: number): Block {
    const block = this.#machine.heap.allocate(what, bytes);
    new Uint8Array(this.#machine.memory.buffer, block.at, block.size).fill(0);
    this.#purposes.set(block, purpose);
    this.used.add(purpose, block.size);
    return block;
  }

  drop(block: Block): void {
    const purpose = this.#purposes.get(block);
    if (purpose) this.used.add(purpose, -block.size);
    this.#purposes.delete(block);
    this.#machine.heap.free(block);
  }

  #stateOf(state: State): { readonly block: Block; readonly numbers: Numbers } {
    let held = this.#states.get(state);
    if (!held) {
      const block = this.create(state.name, state.purpose ?? 'other', byteLength(state.spec));
      held = { block, numbers: this.numbersAt(block.at, state.spec) };
      this.#states.set(state, held);
      held.numbers.set(state.initial());
    }
    return held;
  }

  /** What a state holds, where it lies; with its first numbers where it was not asked for before. */
  stateOf(state: State): Numbers {
    return this.#stateOf(state).numbers;
  }

  addressOf(state: State): number {
    return this.#stateOf(state).block.at;
  }

  release(states: readonly State[]): void {
    for (const state of states) {
      const held = this.#states.get(state);
      if (held) this.drop(held.block);
      this.#states.delete(state);
    }
  }

  destroy(): void {
    for (const block of this.#purposes.keys()) this.drop(block);
    this.#states.clear();
    this.#pool.clear();
  }

  /** A block for each slot of a program, no two alike, or none, as `Storage.lend` has it. */
  lend(slots: readonly Slot[]): Map<Slot, Block> {
    const { lent, missing } = taken(slots, this.#pool);
    const made: [Slot, Block][] = [];
    try {
      for (const slot of missing) made.push([slot, this.create(slot.holds, slot.purpose, slot.bytes)]);
    } catch (error) {
      for (const [, block] of made) this.drop(block);
      throw error;
    }
    for (const [slot, block] of made) {
      if (isLent(slot)) addTo(this.#pool, slot.key, block);
      lent.set(slot, block);
    }
    return lent;
  }
}
