import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { editDistance } from '../../src/core/editDistance.ts';
import { characterErrorRate, labelErrorRate, wordErrorRate } from '../../src/index.ts';

/** By its definition: the last of each put in, left out or changed, and the rest. */
function distanceByDefinition(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  const [restOfA, restOfB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return distanceByDefinition(restOfA, restOfB);
  const [left, put, changed] = [
    distanceByDefinition(restOfA, b),
    distanceByDefinition(a, restOfB),
    distanceByDefinition(restOfA, restOfB),
  ];
  return 1 + Math.min(left, put, changed);
}

test('the distance of two lists is the fewest changes that make one the other', () => {
  const random = new Random(Date.now() % 1e9, 'lists');
  const list = (): number[] => Array.from({ length: random.uniform(0, 6) }, () => Math.floor(random.uniform(0, 3)));
  for (let turn = 0; turn < 50; turn++) {
    const [a, b] = [list(), list()];
    expect(editDistance(a, b)).toBe(distanceByDefinition(a, b));
  }
});

describe('a rate', () => {
  test('is of a whole set: long texts count as their length', () => {
    expect(labelErrorRate([[1], [1, 2, 3]], [[2], [1, 2, 3]])).toBe(1 / 4);
    expect(wordErrorRate(['one two', ''], ['one  three\n', 'four'])).toBe(2 / 3);
    expect(characterErrorRate(['aue'], ['aüe'])).toBe(1 / 3);
  });

  test('of labels takes rows with negative numbers behind the labels', () => {
    const predicted = { data: Int32Array.of(1, 2, -1, 3, -1, -1), shape: [2, 3] };
    expect(labelErrorRate(predicted, [Uint8Array.of(1, 2), [3]])).toBe(0);
    expect(labelErrorRate(predicted, { data: [1, -1, 4, 3], shape: [2, 2] })).toBe(2 / 3);
  });

  test('of characters takes letters for alike however they are composed', () => {
    expect(characterErrorRate(['u\u0308'], ['\u00fc'])).toBe(0);
  });

  test('is refused where samples differ in number, and of nothing', () => {
    expect(() => labelErrorRate([[1]], [[1], [2]])).toThrow('[labelErrorRate] there are 1 predicted for 2 expected');
    expect(() => wordErrorRate(['a'], [' '])).toThrow('[wordErrorRate] what is expected of 1 samples is empty');
    expect(() => characterErrorRate('a' as never, ['a'])).toThrow(
      '[characterErrorRate] predicted is the text "a" but must be a list of texts, one for each sample',
    );
  });
});
