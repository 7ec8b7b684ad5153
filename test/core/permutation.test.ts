import { describe, expect, test } from 'vitest';
import { Permutation } from '../../src/core/permutation.ts';
import { seedKey } from '../../src/core/random.ts';

const LENGTHS = [1, 2, 7, 64, 1003];

const epochOf = (length: number, seed: number, epoch: number): number[] => {
  const permutation = new Permutation(length, seedKey(seed), epoch);
  return Array.from({ length }, (_, position) => permutation.at(position));
};

const counting = (length: number): number[] => Array.from({ length }, (_, at) => at);
const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

describe.each(LENGTHS)('of %i samples', (length) => {
  test('each epoch visits every one exactly once', () => {
    for (let epoch = 0; epoch < 5; epoch++) expect(sorted(epochOf(length, 3, epoch))).toEqual(counting(length));
  });
});

describe('the order of samples', () => {
  test('differs from one epoch to the next', () => expect(epochOf(64, 1, 0)).not.toEqual(epochOf(64, 1, 1)));
  test('differs under another seed', () => expect(epochOf(64, 1, 0)).not.toEqual(epochOf(64, 2, 0)));
  test('differs under a seed that differs beyond 32 bits', () =>
    expect(epochOf(64, 1, 0)).not.toEqual(epochOf(64, 1 + 2 ** 32, 0)));
  test('is fixed by a seed', () => expect(epochOf(64, 9, 3)).toEqual(epochOf(64, 9, 3)));
});

const EPOCHS = 4000;
/** Of a χ² statistic. The seeds are fixed: an order that is even stays so, and four rounds in place of eight are far out. */
const DEVIATIONS = 5;

/** Holds counts against an even distribution; `freedom` is that of the statistic, `scale` makes it a χ². */
function expectEven(counts: readonly number[], freedom: number, scale = 1): void {
  const expected = counts.reduce((total, count) => total + count, 0) / counts.length;
  const statistic = counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0) * scale;
  expect(Math.abs(statistic - freedom)).toBeLessThan(DEVIATIONS * Math.sqrt(2 * freedom));
}

describe('over many epochs', () => {
  test.each([2, 7, 16, 23])('each of %i samples comes at each position equally often', (length) => {
    const counts = new Array<number>(length * length).fill(0);
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      epochOf(length, 1, epoch).forEach((sample, position) => counts[position * length + sample]++);
    }
    // Rows and columns of the table sum to the number of epochs, which leaves (N − 1)² free.
    expectEven(counts, (length - 1) ** 2, (length - 1) / length);
  });
  test.each([3, 4])('each order of %i samples comes equally often', (length) => {
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      const order = epochOf(length, 2, epoch).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    const orders = length === 3 ? 6 : 24;
    const all = [...counts.values(), ...new Array<number>(orders - counts.size).fill(0)];
    expectEven(all, orders - 1);
  });
  test('a sample is followed by each other one equally often', () => {
    const length = 16;
    const counts = new Array<number>(length - 1).fill(0);
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      const order = epochOf(length, 3, epoch);
      // One pair of each epoch, so that the pairs are independent.
      const at = epoch % (length - 1);
      counts[((order[at + 1] - order[at] + length) % length) - 1]++;
    }
    expectEven(counts, length - 2);
  });
  test('a position of 1003 samples takes them from everywhere', () => {
    const length = 1003;
    const buckets = 17; // of 59 samples each
    const counts = new Array<number>(buckets).fill(0);
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      counts[Math.floor((new Permutation(length, seedKey(4), epoch).at(500) * buckets) / length)]++;
    }
    expectEven(counts, buckets - 1);
  });
});
