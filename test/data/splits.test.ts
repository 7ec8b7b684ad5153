// A set in parts: split, folds.

import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { dataset, folds, split, type Dataset, type SplitOptions } from '../../src/data/index.ts';

/** Numbered samples; label c has a share of 1/2, 1/3, 1/6. */
const setOf = (length: number): Dataset =>
  dataset({
    number: Int32Array.from({ length }, (_, at) => at),
    pair: { data: new Float32Array(2 * length), shape: [2] },
    label: Uint8Array.from({ length }, (_, at) => [0, 0, 0, 1, 1, 2][at % 6]),
  });
const set = setOf(60);

const numbersOf = ({ fields }: Dataset): number[] => [...fields['number'].data];
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const countsOf = ({ fields }: Dataset): number[] =>
  [0, 1, 2].map((label) => fields['label'].data.filter((one) => one === label).length);

describe('split', () => {
  test.each([
    [0.8, [48, 12]],
    [50, [50, 10]],
    [
      [0.5, 0.25, 0.25],
      [30, 15, 15],
    ],
    [
      [0.1, 0.2, 0.7],
      [6, 12, 42],
    ],
    [
      [10, 20, 30],
      [10, 20, 30],
    ],
  ])('by %j gives parts of %j, which have each sample once', (sizes, lengths) => {
    for (const options of [{}, { shuffle: false }, { stratify: 'label' }]) {
      const parts = split(set, sizes as readonly number[], options);
      expect(parts.map(({ length }) => length)).toEqual(lengths);
      expect(sorted(parts.flatMap(numbersOf))).toEqual(numbersOf(set));
    }
  });
  test('chooses the same samples for the same seed, others for another', () => {
    const first = (options?: SplitOptions): number[] => numbersOf(split(set, 0.2, options)[0]);
    expect(first()).toEqual([55, 54, 12, 7, 35, 40, 0, 9, 32, 17, 56, 59]);
    expect(first({ seed: 0 })).toEqual(first());
    expect(first({ seed: 1 })).not.toEqual(first());
  });
  test('unshuffled cuts the set as it lies, without copying', () => {
    const [a, b] = split(set, 0.5, { shuffle: false });
    expect([...numbersOf(a), ...numbersOf(b)]).toEqual(numbersOf(set));
    expect(b.fields['number'].data.buffer).toBe(set.fields['number'].data.buffer);
  });
  test('stratified has each class in each part as often as its share', () => {
    for (const part of split(set, [0.5, 0.3, 0.2], { stratify: 'label' })) {
      const { length } = part;
      countsOf(part).forEach((count, at) => expect(count).toBe(length / [2, 3, 6][at]));
    }
  });
  test('stratified has what does not divide in one part or the other', () => {
    for (let seed = 0; seed < 20; seed++) {
      const [, test13] = split(setOf(77), 64, { stratify: 'label', seed });
      countsOf(test13).forEach((count, at) => expect(Math.abs(count - 13 / [2, 3, 6][at])).toBeLessThan(1.5));
    }
  });
  test.each<[unknown, string]>([
    [0, '[split] size 1 is 0 but must be a share between 0 and 1'],
    [-0.5, '[split] size 1 is -0.5 but'],
    [1.5, '[split] size 1 is 1.5 but must be a whole number of samples above 0, or a share as all others'],
    ['0.8', '[split] size 1 is the text "0.8" but'],
    [undefined, '[split] size 1 is nothing but'],
    [NaN, '[split] size 1 is NaN but'],
    [[], '[split] the list of sizes is an array of 0 but must be at least one size'],
    [[0.5, 30], '[split] size 2 is 30 but must be a share between 0 and 1'],
    [[50, 20], '[split] the sizes are 70 together, but the set is 60'],
    [[10, 20], '[split] the sizes are 30 together, but the set is 60'],
    [[0.5, 0.4], '[split] the sizes are 0.9 together, but the set is 1'],
    [60, '[split] part 2 has none of the 60 samples'],
    [70, '[split] part 2 has none of the 60 samples'],
    [0.001, '[split] part 1 has none of the 60 samples'],
  ])('refuses %j', (sizes, text) => {
    expect(() => split(set, sizes as number)).toThrow(DataError);
    expect(() => split(set, sizes as number)).toThrow(text);
  });
});

describe('folds', () => {
  test.each([2, 5, 7, 60])('%d have each sample in one validation part, and all others to learn from', (k) => {
    const all = folds(set, k);
    expect(all).toHaveLength(k);
    expect(sorted(all.flatMap(({ validation }) => numbersOf(validation)))).toEqual(numbersOf(set));
    for (const { train, validation } of all) {
      expect(sorted([...numbersOf(train), ...numbersOf(validation)])).toEqual(numbersOf(set));
      expect(Math.abs(validation.length - 60 / k)).toBeLessThan(1);
    }
  });
  test('are of one array', () => {
    const buffers = folds(set, 5).flatMap(({ train, validation }) =>
      [train, validation].map(({ fields }) => fields['number'].data.buffer),
    );
    expect(new Set(buffers).size).toBe(1);
  });
  test('are the same for the same seed, others for another, and the set as it lies unshuffled', () => {
    const first = (options?: SplitOptions): number[] => numbersOf(folds(set, 10, options)[0].validation);
    expect(first()).toEqual(first({ seed: 0 }));
    expect(first()).not.toEqual(first({ seed: 1 }));
    expect(first({ shuffle: false })).toEqual([0, 1, 2, 3, 4, 5]);
  });
  test('stratified have each class as often as its share', () => {
    for (const { validation } of folds(set, 5, { stratify: 'label' })) expect(countsOf(validation)).toEqual([6, 4, 2]);
  });
  test.each([1, 0, 61, 2.5, '5', undefined])('k is not %s', (k) => {
    expect(() => folds(set, k as number)).toThrow('but must be a whole number from 2 to 60');
  });
});

describe.each([
  ['split', (options: SplitOptions, of: Dataset) => split(of, 0.5, options)],
  ['folds', (options: SplitOptions, of: Dataset) => folds(of, 2, options)],
])('%s refuses', (name, call) => {
  test.each<[object, string]>([
    [{ random_state: 3 }, 'there is no option "random_state"'],
    [{ seed: -1 }, 'seed is -1 but must be a whole number from 0 to 2⁵³ − 1'],
    [{ seed: '1' }, 'seed is the text "1" but'],
    [{ stratify: 'labels' }, 'there is no field "labels", the nearest is "label": it has number, pair, label'],
    [{ stratify: 'pair' }, 'stratify is the text "pair" but must be a field of one number a sample'],
    [{ stratify: 3 }, "stratify is 3 but must be a field's name"],
  ])('%o', (options, text) => expect(() => call(options, set)).toThrow(`[${name}] ${text}`));
  test('what is no data set', () => {
    expect(() => call({}, [1, 2] as never)).toThrow(`[${name}] the set is an array of 2 but must be a data set`);
  });
});
