import { sizeOf, type Numbers } from '../core/shape.ts';
import type { State } from '../graph/graph.ts';
import type { DeviceLife } from './deviceLife.ts';

/** Something that a backend was asked to do, ready to be done again. */
export interface Entry {
  /** Does it on a backend; what nobody waits for any more is not read again. */
  do(life: DeviceLife): void;
  /** Numbers of the host's, that are to be remembered once it is no longer done again. */
  readonly wrote?: { readonly state: State; readonly numbers: Numbers; readonly offset: number };
  /** States that are gone with it. */
  readonly released?: readonly State[];
  /** That it keeps in memory. */
  readonly bytes?: number;
  /** Called when it is no longer done again. */
  over?(): void;
}

/**
 * What it takes to be where a backend is: numbers of states as they were at some moment, and all that was done since. A
 * state that it does not name held what it holds at first.
 */
export class Journal {
  readonly #entries: Entry[] = [];
  readonly #snapshot = new Map<State, Numbers>();
  /** Of the entries. */
  bytes = 0;

  get length(): number {
    return this.#entries.length;
  }

  get snapshot(): ReadonlyMap<State, Numbers> {
    return this.#snapshot;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.bytes += entry.bytes ?? 0;
  }

  /** Takes the last entry back, which could not be done. */
  drop(): void {
    this.bytes -= this.#entries.pop()?.bytes ?? 0;
  }

  /** Does all of it, what is added meanwhile too. */
  replay(life: DeviceLife): void {
    for (const [state, numbers] of this.#snapshot) life.backend.writeState(state, numbers);
    for (let at = 0; at < this.#entries.length; at++) this.#entries[at].do(life);
  }

  /**
   * Begins anew behind so many entries.
   * @param read what states held there; of others, only the host's own writes since the last snapshot are known, and enough
   */
  settle(count: number, read: ReadonlyMap<State, Numbers>): void {
    const own = new Set<State>();
    for (const { wrote, released = [], bytes = 0, over } of this.#entries.splice(0, count)) {
      this.bytes -= bytes;
      for (const state of released) this.#snapshot.delete(state);
      if (wrote && !read.has(wrote.state)) this.#keep(wrote, own);
      over?.();
    }
    for (const [state, numbers] of read) this.#snapshot.set(state, numbers);
  }

  /** @param own states whose numbers no earlier snapshot shares */
  #keep({ state, numbers, offset }: NonNullable<Entry['wrote']>, own: Set<State>): void {
    if (numbers.length === sizeOf(state.spec.shape)) {
      this.#snapshot.set(state, numbers);
      own.delete(state);
      return;
    }
    const held = this.#snapshot.get(state) ?? state.initial();
    const whole = own.has(state) ? held : held.slice();
    whole.set(numbers, offset);
    this.#snapshot.set(state, whole);
    own.add(state);
  }
}
