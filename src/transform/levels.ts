import { reached } from '../graph/order.ts';

/** From so many levels apart on, as between the steps of a recurrence, the way is searched from below, where it is short or none. */
const FAR = 128;

/** Items that such a search looks at before it takes them to depend on each other: more cost more than a shared launch saves. */
const MOST_MET = 64;

/** Items on levels, each above all that it reads, so that a search for what one needs can end where the other lies. */
export class Levels<T> {
  readonly #levels = new Map<T, number>();
  readonly #reads: (item: T) => readonly T[];
  readonly #readers: (item: T) => readonly T[];

  /** @param readers of an item, as far as they are known */
  constructor(reads: (item: T) => readonly T[], readers: (item: T) => readonly T[]) {
    this.#reads = reads;
    this.#readers = readers;
  }

  #levelOf(item: T): number {
    return this.#levels.get(item) ?? -1;
  }

  /** Takes in an item, or one that reads more than before: what reads it rises with it. */
  settle(item: T): void {
    const rising = [item];
    for (let at = rising.pop(); at !== undefined; at = rising.pop()) {
      const level = this.#reads(at).reduce((most, read) => Math.max(most, this.#levelOf(read) + 1), 0);
      if (level <= this.#levelOf(at)) continue;
      this.#levels.set(at, level);
      rising.push(...this.#readers(at).filter((reader) => this.#levels.has(reader)));
    }
  }

  /** Whether an item needs another one, or may. */
  needs(item: T, other: T): boolean {
    const floor = this.#levelOf(other);
    if (this.#levelOf(item) > floor + FAR) return this.#leadsTo(other, item);
    return reached([item], (at) => this.#reads(at).filter((read) => read === other || this.#levelOf(read) > floor)).has(
      other,
    );
  }

  /** Whether one of the items that read an item, or read what reads it, is another one, or may be. */
  #leadsTo(item: T, other: T): boolean {
    const ceiling = this.#levelOf(other);
    const met = new Set([item]);
    for (const at of met) {
      if (at === other || met.size > MOST_MET) return true;
      for (const reader of this.#readers(at)) {
        const isBelow = this.#levels.has(reader) && this.#levelOf(reader) < ceiling;
        if (reader === other || isBelow) met.add(reader);
      }
    }
    return false;
  }
}
