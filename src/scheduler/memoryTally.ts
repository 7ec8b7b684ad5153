import { megabytes } from '../core/textFormat.ts';
import type { Purpose } from '../graph/graph.ts';

/** Below it a purpose is not worth its words. */
const WORTH_TELLING = 2 ** 20 / 20;

/** Bytes by what they are for. */
export class Tally {
  total = 0;
  readonly #bytes = new Map<Purpose, number>();

  /** @param bytes below 0 for what is gone */
  add(purpose: Purpose, bytes: number): void {
    this.#bytes.set(purpose, (this.#bytes.get(purpose) ?? 0) + bytes);
    this.total += bytes;
  }

  /** `optimizer 305.2 MiB, parameters 152.6 MiB`: the largest first, and what is small only where nothing else is. */
  toString(): string {
    const sorted = [...this.#bytes].sort(([, a], [, b]) => b - a);
    const told = sorted.filter(([, bytes], at) => at === 0 || bytes >= WORTH_TELLING);
    return told.map(([purpose, bytes]) => `${purpose} ${megabytes(bytes)}`).join(', ');
  }
}
