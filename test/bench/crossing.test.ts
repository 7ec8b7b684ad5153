import { expect, test } from 'vitest';
import { captionOf, crossingsOf, sizePointsOf } from '../../bench/crossing.ts';
import type { Result } from '../../bench/run.ts';
import type { Side } from '../../bench/peers/sides.ts';

const sides = new Map<string, Side>([
  ['millrace', 'gpu'],
  ['other', 'gpu'],
  ['wasm', 'cpu'],
  ['loops', 'cpu'],
]);

const row = (peer: string, median: number) => ({ peer, median, q1: median, q3: median });
const product = (size: number, gpu: number, cpu: number): Result => ({
  group: 'matmul',
  name: `${size} × ${size} × ${size}`,
  of: 'product',
  rows: [row('millrace', gpu), row('other', gpu / 10), row('wasm', cpu), row('loops', 2 * cpu)],
});

test('sizes come in order, with the subject and the best of the CPU', () => {
  expect(sizePointsOf([product(64, 3, 4), product(16, 1, 2)], sides, 'millrace')).toEqual([
    { size: expect.closeTo(16, 9) as number, gpu: 1, cpu: 2 },
    { size: expect.closeTo(64, 9) as number, gpu: 3, cpu: 4 },
  ]);
});

test('lines cross where factors say so', () => {
  // From 4 times as slow to 4 times as fast: in the middle, by factors.
  const points = sizePointsOf([product(10, 4, 1), product(1000, 4, 16)], sides, 'millrace');
  expect(crossingsOf(points)).toEqual([
    { size: expect.closeTo(100, 9) as number, seconds: expect.closeTo(4, 9) as number, ahead: 'gpu' },
  ]);
  expect(captionOf(points)).toBe('The GPU takes the lead near 100 (dashed); at 1000 the GPU is ahead by 4.00 ×.');
});

test('there is none where one is ahead everywhere, or where a side has no figure', () => {
  const points = sizePointsOf([product(10, 2, 1), product(20, 3, 1)], sides, 'millrace');
  expect(crossingsOf(points)).toEqual([]);
  expect(captionOf(points)).toBe('At 20 the CPU is ahead by 3.00 ×; the two do not cross.');
  expect(
    crossingsOf([
      { size: 1, gpu: 2, cpu: 1 },
      { size: 2, gpu: 1 },
    ]),
  ).toEqual([]);
  expect(captionOf([{ size: 1, gpu: 2 }])).toBe('There are no figures of both sides.');
});
