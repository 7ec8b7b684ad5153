import { philox, type Words2 } from './random.ts';

/*
 * The order of samples without a sort: a keyed permutation of 0 … N − 1, a Feistel network with cycle walking, so that
 * any position of any epoch is known at once, with the same bits here and in shaders/riders/sampleOrder.wgsl. Six rounds and
 * more are even; four are visibly not.
 */

const ROUNDS = 8;

/** A good mixer of 32 bits. Source: Wellons 2018, "Prospecting for Hash Functions", lowbias32. */
function mix(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Bits of each half of the network: together the fewest, and at least two, that hold 0 … length − 1. */
export const halfBitsOf = (length: number): number => Math.max(1, Math.ceil(Math.log2(Math.max(2, length)) / 2));

/** The sample at each position of an epoch. */
export class Permutation {
  readonly #length: number;
  readonly #halfBits: number;
  readonly #keys: readonly number[];

  /** @param key the two words of a seed */
  constructor(length: number, key: Words2, epoch: number) {
    this.#length = length;
    this.#halfBits = halfBitsOf(length);
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
