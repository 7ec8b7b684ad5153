import { describe, expect, test } from 'vitest';
import { sizeOf, stridesOf, type Shape } from '../../src/core/shape.ts';
import { collapse, forEachOffset, offsetAt } from '../../src/core/strided.ts';

/** Where row-major element `index` of a box lies, by division. */
function offsetOf(index: number, shape: Shape, strides: readonly number[]): number {
  const steps = stridesOf(shape);
  return shape.reduce((total, extent, axis) => total + (Math.floor(index / steps[axis]) % extent) * strides[axis], 0);
}

const boxes: readonly { readonly shape: Shape; readonly strides: readonly (readonly number[])[] }[] = [
  { shape: [], strides: [[], []] },
  { shape: [7], strides: [[1], [0], [3]] },
  { shape: [1, 1], strides: [[1, 1]] },
  {
    shape: [3, 4],
    strides: [
      [4, 1],
      [1, 3],
    ],
  },
  {
    shape: [3, 1, 4],
    strides: [
      [4, 4, 1],
      [0, 0, 1],
      [1, 0, 0],
    ],
  },
  {
    shape: [2, 3, 2, 5],
    strides: [
      [1, 2, 6, 12],
      [30, 10, 5, 1],
      [0, 10, 0, 1],
    ],
  },
  { shape: [2, 0, 3], strides: [[0, 3, 1]] },
];

describe('a walk over a box', () => {
  test.each(boxes)('$shape visits every element in order, each array where its strides lead', ({ shape, strides }) => {
    const visited: number[][] = [];
    forEachOffset(collapse('test', shape, ...strides), (...place) => void visited.push(place));
    const places = Array.from({ length: sizeOf(shape) }, (_, index) => [
      index,
      ...[0, 1, 2].map((array) => (array < strides.length ? offsetOf(index, shape, strides[array]) : 0)),
    ]);
    expect(visited).toEqual(places);
  });
  test.each(boxes)('$shape finds the place of each element by itself', ({ shape, strides }) => {
    const walk = collapse('test', shape, ...strides);
    forEachOffset(walk, (index, offset) => expect(offsetAt(walk, index)).toBe(offset));
  });
});
