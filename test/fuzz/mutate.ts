import type { Random } from '../../src/core/random.ts';

/** A file, and where in it numbers stand that say how much there is. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly marks?: readonly number[];
}

export const below = (random: Random, count: number): number => random.word() % Math.max(1, count);
export const oneOf = <T>(random: Random, choices: readonly T[]): T => choices[below(random, choices.length)];
export const chance = (random: Random, share: number): boolean => random.uniform() < share;

const extremes = [0, 1, 2, 7, 255, 256, 511, 512, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const texts = [
  '0',
  '-1',
  '-1000',
  '1e3',
  '2.0',
  '0.5',
  '1e400',
  '9007199254740993',
  '1152921504606846976',
  '4294967296',
  '77777777777',
  'null',
  '[]',
  '"',
  '{',
  '\u0000',
  'NaN',
  '\ufeff',
];

type Mutation = (random: Random, bytes: Uint8Array, marks: readonly number[], other: Uint8Array) => Uint8Array;

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

function changed(bytes: Uint8Array, at: number, values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  values.forEach((value, place) => at + place < copy.length && (copy[at + place] = value));
  return copy;
}

/** A number of one to eight bytes, either end first. */
function spelled(random: Random, bytes: Uint8Array): readonly number[] {
  const width = oneOf(random, [1, 2, 4, 4, 8]);
  const near = oneOf(random, [bytes.length, bytes.length - 1, bytes.length + 1, random.word()]);
  const value = BigInt(oneOf(random, [...extremes, near, near])) << BigInt(chance(random, 0.1) ? 29 : 0);
  const low = Array.from({ length: width }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
  return chance(random, 0.5) ? low : low.reverse();
}

const mutations: readonly Mutation[] = [
  (random, bytes) => {
    const at = below(random, bytes.length);
    return changed(bytes, at, [bytes[at] ^ (1 << below(random, 8))]);
  },
  (random, bytes) => changed(bytes, below(random, bytes.length), [below(random, 256)]),
  (random, bytes, marks) => {
    const at = marks.length > 0 && chance(random, 0.8) ? oneOf(random, marks) : below(random, bytes.length);
    return changed(bytes, at, spelled(random, bytes));
  },
  (random, bytes) => bytes.slice(0, below(random, bytes.length + 1)),
  (random, bytes) => {
    const [a, b] = [below(random, bytes.length + 1), below(random, bytes.length + 1)];
    return joined(bytes.subarray(0, Math.min(a, b)), bytes.subarray(Math.max(a, b)));
  },
  (random, bytes, _, other) =>
    joined(bytes.subarray(0, below(random, bytes.length + 1)), other.subarray(below(random, other.length + 1))),
  (random, bytes) => {
    const from = below(random, bytes.length);
    const block = bytes.subarray(from, from + 1 + below(random, 64));
    const times = oneOf(random, [1, 2, 3, 50]);
    return joined(bytes.subarray(0, from), ...Array.from({ length: times }, () => block), bytes.subarray(from));
  },
  (random, bytes) => {
    const at = below(random, bytes.length + 1);
    const more = Uint8Array.from({ length: 1 + below(random, 16) }, () => below(random, 256));
    return joined(bytes.subarray(0, at), more, bytes.subarray(at));
  },
  (random, bytes) => {
    const at = below(random, bytes.length);
    return changed(bytes, at, new Array<number>(1 + below(random, 40)).fill(oneOf(random, [0, 32, 255])));
  },
  // A number in digits becomes another text.
  (random, bytes) => {
    const digits = [...Buffer.from(bytes).toString('latin1').matchAll(/\d+/g)];
    if (digits.length === 0) return bytes;
    const { index, 0: was } = oneOf(random, digits);
    return joined(bytes.subarray(0, index), Buffer.from(oneOf(random, texts)), bytes.subarray(index + was.length));
  },
];

/** A file that was changed in a few places. @param other from which pieces may come */
export function mutated(random: Random, { bytes, marks = [] }: Sample, other: Uint8Array): Uint8Array {
  let result = bytes;
  for (let turn = 1 + below(random, 3); turn > 0; turn--)
    result = oneOf(random, mutations)(random, result, marks, other);
  return result;
}
