import { describe, expect, test } from 'vitest';
import { splitRows } from '../../src/data/table/split.ts';

const counting = (length: number, from = 0): number[] => Array.from({ length }, (_, at) => from + at);
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

/** Strata of these sizes, one behind the other. */
function strataOf(sizes: readonly number[]): number[][] {
  let from = 0;
  return sizes.map((size) => counting(size, (from += size) - size));
}

describe.each([
  [[150], 0.2],
  [[50, 50, 50], 0.2],
  [[3, 1, 70, 2, 19], 0.2],
  [[1, 1, 1, 1, 1, 20], 0.5],
  [[2], 0.01],
  [[2, 5], 0.99],
])('rows of strata of %j, %f of them held out', (sizes, share) => {
  const strata = strataOf(sizes);
  const total = sizes.reduce((sum, size) => sum + size, 0);

  test('are in one part each', () => {
    const { train, test: held } = splitRows(strata, share, 1);
    expect(sorted([...train, ...held])).toEqual(counting(total));
  });
  test('keep their order in both', () => {
    const { train, test: held } = splitRows(strata, share, 1);
    expect([train, held]).toEqual([sorted(train), sorted(held)]);
  });
  test('are held out by their stratum’s share, but for less than one row, and never all', () => {
    const { test: held } = splitRows(strata, share, 1);
    expect(held.length).toBeGreaterThan(0);
    for (const rows of strata) {
      const count = rows.filter((row) => held.includes(row)).length;
      expect(count).toBeLessThan(rows.length * share + 1);
      expect(count).toBeGreaterThan(Math.min(rows.length * share, rows.length - 1) - 1);
      expect(count).toBeLessThan(rows.length);
    }
  });
});

test('each seed holds other rows out, and the same ones again', () => {
  const held = (seed: number): readonly number[] => splitRows(strataOf([100]), 0.2, seed).test;
  expect(held(1)).toEqual(held(1));
  expect(held(1)).not.toEqual(held(2));
});

const SEEDS = 2000;
/** Of a binomial count; the seeds are fixed, so that a fair split stays so. */
const DEVIATIONS = 5;

test('over many seeds, every row is held out equally often', () => {
  const counts = new Array<number>(10).fill(0);
  for (let seed = 0; seed < SEEDS; seed++) for (const row of splitRows(strataOf([10]), 0.2, seed).test) counts[row]++;
  const deviation = Math.sqrt(SEEDS * 0.2 * 0.8);
  for (const count of counts) expect(Math.abs(count - SEEDS * 0.2)).toBeLessThan(DEVIATIONS * deviation);
});
