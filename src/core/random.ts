import { requireKind } from './argumentChecks.ts';

/*
 * Philox 4x32-10, a counter-based generator: the n-th number is a function of (key, n), so any number of any
 * stream can be had at once, on the CPU and in shaders/functions/philox.wgsl, with the same bits.
 * Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
 */

export type Words4 = readonly [number, number, number, number];
export type Words2 = readonly [number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The high word of a 32 × 32 bit product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** Four random words of a counter and a key. */
export function philox(counter: Words4, key: Words2): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** FNV-1a: a stream of random numbers is named by what it is for. */
export function hashName(name: string): number {
  requireKind('random', 'the stream', name, typeof name === 'string', 'a name');
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** The two key words of a seed, an integer of up to 53 bits. */
export const seedKey = (seed: number): Words2 => [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0];

/** @throws DataError for what is no seed */
export const requireSeed = (where: string, seed: number, name = 'seed'): void =>
  requireKind(where, name, seed, Number.isSafeInteger(seed) && seed >= 0, 'a whole number from 0 to 2⁵³ − 1');

/** 24 random bits as a number in [0, 1), exact in f32. */
export const unitOf = (word: number): number => (word >>> 8) / 0x1000000;

/** One named stream of random numbers under a seed, or the one of them that belongs to an item. */
export class Random {
  readonly #key: Words2;
  readonly #stream: number;
  readonly #item: number;
  #block = 0;
  #words: Words4 = [0, 0, 0, 0];
  #left = 0;

  /** @throws DataError for what is no seed, no name of a stream, or no item's number */
  constructor(seed: number, stream: string, item = 0) {
    requireSeed('Random', seed);
    requireSeed('Random', item, 'item');
    this.#key = seedKey(seed);
    this.#stream = hashName(stream);
    this.#item = item;
  }

  /** 32 random bits. */
  word(): number {
    if (this.#left === 0) {
      this.#words = philox([this.#block++, this.#item, this.#stream, 0], this.#key);
      this.#left = 4;
    }
    return this.#words[4 - this.#left--];
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * unitOf(this.word());
  }

  /**
   * Nearly normal, of deviation 1 and within ±3: the sum of three ten-bit numbers of one word, so that it has the same
   * bits in every engine.
   */
  bell(): number {
    const word = this.word();
    const sum = (word & 0x3ff) + ((word >>> 10) & 0x3ff) + ((word >>> 20) & 0x3ff);
    return (sum - 1534.5) / 512;
  }

  /** Normal by Box and Muller 1958; log and cos differ between engines in the last bits. */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - unitOf(this.word())));
    return mean + deviation * radius * Math.cos(2 * Math.PI * unitOf(this.word()));
  }

  /** The same things in an order by chance, the same in every engine. Source: Durstenfeld 1964. */
  shuffled<T>(things: Iterable<T>): T[] {
    requireKind('Random', 'what is shuffled', things, Symbol.iterator in Object(things), 'a list');
    const order = [...things];
    for (let last = order.length - 1; last > 0; last--) {
      const other = Math.floor(this.uniform(0, last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }
}
