import { expect, test } from 'vitest';
import {
  channelImage,
  kernelImage,
  neuronImage,
  paint,
  shrunk,
  wrapped,
  type Grid,
} from '../../../src/demo/picture/grid.ts';
import { colorOf, divergingPalette, rgbOf } from '../../../src/demo/picture/palette.ts';

/** All numbers of a grid, row by row. */
const numbersIn = ({ values, rows, columns, offset, rowStride, columnStride }: Grid): number[] =>
  Array.from(
    { length: rows * columns },
    (_, i) => values[offset + Math.floor(i / columns) * rowStride + (i % columns) * columnStride],
  );

const counted = (length: number): number[] => Array.from({ length }, (_, i) => i);

test('a neuron’s image has its own weights: a column of the matrix', () => {
  expect(numbersIn(neuronImage(counted(4 * 3), 2, 3, 1))).toEqual([1, 4, 7, 10]);
});

test('a channel’s image has every number of that channel', () => {
  expect(numbersIn(channelImage(counted(2 * 2 * 3), [2, 2, 3], 2))).toEqual([2, 5, 8, 11]);
});

test('a kernel leads from one channel to one feature', () => {
  // Of [2, 2, 2, 3], the fifth is from channel 1 to feature 1.
  expect(numbersIn(kernelImage(counted(2 * 2 * 2 * 3), [2, 2, 2, 3], 4))).toEqual([4, 10, 16, 22]);
});

test('a matrix larger than its image keeps the strongest number of each place', () => {
  const small = shrunk(wrapped([1, -5, 2, 0, 3, 4, -1, -2], 4), 1, 2);
  expect([small.rows, small.columns, ...numbersIn(small)]).toEqual([1, 2, -5, 2]);
});

test('numbers above and below 0 have their side’s colour, the largest in full, and 0 none', () => {
  const palette = divergingPalette([1, 2, 3], [200, 100, 50]);
  const words = new Uint32Array(6);
  paint(words, wrapped([2, -2, 0, 1, NaN], 3), 2, palette);
  const colors = counted(6).map((at) => [...new Uint8Array(words.buffer, 4 * at, 4)]);
  expect(colors[0]).toEqual([1, 2, 3, 255]);
  expect(colors[1]).toEqual([200, 100, 50, 255]);
  expect(colors[2][3]).toBe(0);
  expect(colors[3].slice(0, 3)).toEqual([1, 2, 3]);
  expect(colors[3][3]).toBeGreaterThan(100);
  expect(colors[3][3]).toBeLessThan(200);
  // NaN, and the place behind the last number.
  expect([words[4], words[5]]).toEqual([0, 0]);
  expect(colorOf(palette, 1, 0)).toBe(0);
});

test('colours of the style sheet are read in both spellings', () => {
  expect(rgbOf(' 31 95 139')).toEqual([31, 95, 139]);
  expect(rgbOf('#1f5f8b')).toEqual([31, 95, 139]);
});
