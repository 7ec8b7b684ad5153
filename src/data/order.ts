import { philox, seedKey } from '../core/random.ts';

/*
 * The order of samples without a sort: a keyed permutation of 0 … N − 1, a Feistel network with cycle walking, so that
 * any position of any epoch is known at once. Six rounds and more are even; four are visibly not.
 */

const ROUNDS = 8;

/** A good mixer of 32 bits. Source: Wellons 2018, "Prospecting for Hash Functions", lowbias32. */
function mix(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The sample at each position of an epoch. */
export class Permutation {
  readonly #length: number;
  readonly #halfBits: number;
  readonly #keys: readonly number[];

  constructor(length: number, seed: number, epoch: number) {
    this.#length = length;
    this.#halfBits = Math.max(1, Math.ceil(Math.log2(Math.max(2, length)) / 2));
    const key = seedKey(seed);
    this.#keys = [0, 1].flatMap((block) => philox([block, epoch, 0, 1], key)).slice(0, ROUNDS);
  }

  at(position: number): number {
    let at = position;
    do at = this.#encrypt(at);
    while (at >= this.#length);
    return at;
  }

  #encrypt(position: number): number {
    const mask = (1 << this.#halfBits) - 1;
    let left = position >>> this.#halfBits;
    let right = position & mask;
    for (const key of this.#keys) [left, right] = [right, left ^ (mix(right ^ key) & mask)];
    return ((left << this.#halfBits) | right) >>> 0;
  }
}

/** The endless stream of samples: each epoch visits every sample once, and an epoch may end inside a batch. */
export class SampleStream {
  readonly length: number;
  readonly #seed: number;
  readonly #shuffle: boolean;
  #epoch = -1;
  #permutation: Permutation | undefined;

  constructor(length: number, seed: number, shuffle = true) {
    this.length = length;
    this.#seed = seed;
    this.#shuffle = shuffle;
  }

  /** The samples of one step: row r is position step · size + r of the stream. */
  batch(step: number, into: Uint32Array): void {
    for (let row = 0; row < into.length; row++) into[row] = this.#at(step * into.length + row);
  }

  #at(position: number): number {
    const epoch = Math.floor(position / this.length);
    const within = position % this.length;
    if (!this.#shuffle) return within;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#permutation = new Permutation(this.length, this.#seed, epoch);
    }
    return this.#permutation!.at(within);
  }
}
