import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { digitStyles, type Stroke } from '../../../src/data/digits/styles.ts';
import { mnist } from '../../../src/data/index.ts';
import { Drawing } from '../../../src/demo/pad/drawing.ts';
import { folder } from '../../../src/node.ts';

const SIDE = 28;

/** A digit drawn on the pad, `size` of its side high, from a corner at `left` and `top`. */
function drawn(strokes: readonly Stroke[], size: number, left = 0.1, top = 0.1): Drawing {
  const drawing = new Drawing();
  for (const stroke of strokes) {
    const [first, ...rest] = stroke.flat().map(({ x, y }) => ({ x: left + size * x, y: top + size * y }));
    drawing.begin(first);
    for (const point of rest) drawing.extend(point);
  }
  return drawing;
}

const digits = digitStyles.flatMap((families) => families.flatMap(({ styles }) => styles));

/** A line of length l and width w has the area l · w, and 2 · l of edge, over which ink rises to 1: w = 2 · area / edge. */
function strokeWidth(pixels: Float32Array): number {
  let [area, edge] = [0, 0];
  pixels.forEach((ink, at) => {
    const right = at % SIDE < SIDE - 1 ? pixels[at + 1] : 0;
    const below = pixels[at + SIDE] ?? 0;
    area += ink;
    edge += Math.hypot(right - ink, below - ink);
  });
  return (2 * area) / edge;
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))];

const farthest = (a: Float32Array, b: Float32Array): number =>
  Math.max(...Array.from(a, (value, at) => Math.abs(value - b[at])));

/** Places on the pad are rounded differently, and the pen's edge with them. */
const ROUNDING = 1e-3;

test.each(['large', 'small'])('strokes of a %s drawing are 2 to 3 pixels wide', (how) => {
  const widths = digits.map((strokes) => strokeWidth(drawn(strokes, how === 'large' ? 0.8 : 0.12).pixels()!));
  expect(Math.min(...widths)).toBeGreaterThan(2);
  expect(Math.max(...widths)).toBeLessThan(3);
});

test('a digit gives the same image at any size and place on the pad', () => {
  const [strokes] = digitStyles[5][0].styles;
  const reference = drawn(strokes, 0.8).pixels()!;
  expect(farthest(drawn(strokes, 0.2, 0.6, 0.05).pixels()!, reference)).toBeLessThan(ROUNDING);
});

test('5,000 points close together draw the line that two of them draw', () => {
  const coarse = new Drawing();
  const fine = new Drawing();
  coarse.begin({ x: 0.2, y: 0.1 });
  coarse.extend({ x: 0.6, y: 0.9 });
  fine.begin({ x: 0.2, y: 0.1 });
  for (let at = 1; at <= 5000; at++) fine.extend({ x: 0.2 + (0.4 * at) / 5000, y: 0.1 + (0.8 * at) / 5000 });
  expect(farthest(fine.pixels()!, coarse.pixels()!)).toBeLessThan(0.02);
});

test('a dot beside a stroke is drawn', () => {
  const drawing = new Drawing();
  drawing.begin({ x: 0.5, y: 0.2 });
  drawing.extend({ x: 0.5, y: 0.8 });
  const ink = (pixels: Float32Array): number => pixels.reduce((sum, part) => sum + part, 0);
  const before = ink(drawing.pixels()!);
  drawing.begin({ x: 0.7, y: 0.5 });
  // A disc of 2.4 pixels.
  expect(ink(drawing.pixels()!) - before).toBeCloseTo(Math.PI * 1.2 ** 2, 0);
});

test('a touch of the pen alone has no image, nor has what was cleared', () => {
  const drawing = new Drawing();
  expect(drawing.pixels()).toBeNull();
  drawing.begin({ x: 0.5, y: 0.5 });
  drawing.extend({ x: 0.52, y: 0.5 });
  expect(drawing.pixels()).toBeNull();
  drawing.extend({ x: 0.7, y: 0.5 });
  expect(drawing.pixels()).not.toBeNull();
  drawing.clear();
  expect(drawing.pixels()).toBeNull();
});

const root = process.env['MILLRACE_DATA'];
if (!root) console.warn('MILLRACE_DATA is not set: the width of strokes is NOT held against MNIST');

describe.runIf(root)('on real MNIST', () => {
  /** A tenth of a pixel is much less than hands differ by: half of MNIST lies between 2.05 and 2.82. */
  const UNSEEN = 0.1;

  test('half of MNIST’s digits have thinner strokes than drawings on the pad, half have wider ones', async () => {
    const { test: held } = await mnist(folder(join(root!, 'mnist')));
    const bytes = held.fields['image'].data as Uint8Array;
    // One in five of 10,000, since the two halves of the set were written by different people.
    const widths = Array.from({ length: 2000 }, (_, at) => {
      const start = 5 * at * SIDE ** 2;
      return strokeWidth(Float32Array.from(bytes.subarray(start, start + SIDE ** 2), (byte) => byte / 255));
    });
    const ours = digits.map((strokes) => strokeWidth(drawn(strokes, 0.5).pixels()!));
    expect(Math.abs(quantile(ours, 0.5) - quantile(widths, 0.5))).toBeLessThan(UNSEEN);
  });
});
