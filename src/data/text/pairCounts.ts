import { pairKey, pairOf } from './pairKey.ts';

/** A piece of the texts, as tokens, and how often it occurs. */
export interface Piece {
  tokens: number[];
  readonly count: number;
}

/** Tokens where a pair became one. */
function joined(tokens: readonly number[], [a, b]: readonly [number, number], token: number): number[] {
  const result: number[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const joins = tokens[at] === a && tokens[at + 1] === b;
    result.push(joins ? token : tokens[at]);
    if (joins) at++;
  }
  return result;
}

/** How often pairs of tokens stand side by side, and in which pieces; the most frequent first, of equals the earliest tokens. */
export class PairCounts {
  readonly #counts = new Map<number, number>();
  readonly #pieces = new Map<number, Set<Piece>>();
  /** A heap of pairs as they were counted at some time: whoever takes one looks whether it still holds. */
  readonly #heap: { readonly key: number; readonly count: number }[] = [];

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one.count > other.count || (one.count === other.count && one.key < other.key);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b], this.#heap[a]];
  }

  #push(key: number, count: number): void {
    let at = this.#heap.push({ key, count }) - 1;
    for (let above = (at - 1) >> 1; at > 0 && this.#isBefore(at, above); above = (at - 1) >> 1) {
      this.#swap(at, above);
      at = above;
    }
  }

  #pop(): { readonly key: number; readonly count: number } | undefined {
    const { length } = this.#heap;
    if (length === 0) return undefined;
    this.#swap(0, length - 1);
    const top = this.#heap.pop();
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      if (left < this.#heap.length && this.#isBefore(left, first)) first = left;
      if (right < this.#heap.length && this.#isBefore(right, first)) first = right;
      if (first === at) return top;
      this.#swap(at, first);
      at = first;
    }
  }

  /** @param sign 1 for a piece that came, −1 for one that goes   @returns the pairs that it has */
  #count(piece: Piece, sign: 1 | -1): Set<number> {
    const { tokens, count } = piece;
    const keys = new Set<number>();
    for (let at = 0; at + 1 < tokens.length; at++) {
      const key = pairKey(tokens[at], tokens[at + 1]);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + sign * count);
      keys.add(key);
    }
    return keys;
  }

  add(pieces: Iterable<Piece>): void {
    const changed = new Set<number>();
    for (const piece of pieces) {
      for (const key of this.#count(piece, 1)) {
        changed.add(key);
        const own = this.#pieces.get(key);
        if (own) own.add(piece);
        else this.#pieces.set(key, new Set([piece]));
      }
    }
    for (const key of changed) this.#push(key, this.#counts.get(key)!);
  }

  /** The most frequent pair, if it is frequent enough. */
  most(minCount: number): readonly [number, number] | undefined {
    for (let top = this.#pop(); top; top = this.#pop()) {
      const count = this.#counts.get(top.key) ?? 0;
      if (count === top.count) return count >= minCount ? pairOf(top.key) : undefined;
      if (count > 0) this.#push(top.key, count);
    }
    return undefined;
  }

  /** Joins a pair wherever it is. */
  join([a, b]: readonly [number, number], token: number): void {
    const key = pairKey(a, b);
    const pieces = [...(this.#pieces.get(key) ?? [])];
    for (const piece of pieces) {
      for (const own of this.#count(piece, -1)) this.#pieces.get(own)!.delete(piece);
      piece.tokens = joined(piece.tokens, [a, b], token);
    }
    this.add(pieces);
    this.#counts.delete(key);
    this.#pieces.delete(key);
  }
}
