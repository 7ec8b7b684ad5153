import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { mnist, type Dataset } from '../../../src/data/index.ts';
import { Canvas } from '../../../src/data/digits/pen.ts';
import { asMnist } from '../../../src/demo/pad/asMnist.ts';
import { folder } from '../../../src/node.ts';

const SIDE = 28;

/** A 7, whose box has the size and the place given, drawn by a pen of the radius given. */
function seven(field: number, { left, top, size, radius }: Record<'left' | 'top' | 'size' | 'radius', number>): Canvas {
  const canvas = new Canvas(field);
  const corner = left + 0.7 * size;
  canvas.line(left, top, radius, corner, top, radius, 1);
  canvas.line(corner, top, radius, left + 0.2 * size, top + size, radius, 1);
  return canvas;
}

const placed = { left: 30, top: 40, size: 120, radius: 8 };
const reference = asMnist(seven(200, placed).ink, 200, 200)!;

interface Measures {
  readonly columns: number;
  readonly rows: number;
  /** Centre of mass, pixel 0 having its middle at 0. */
  readonly across: number;
  readonly down: number;
}

function measure(pixels: Float32Array): Measures {
  const inked = [...pixels.keys()].filter((at) => pixels[at] > 0);
  const spread = (axis: readonly number[]): number => Math.max(...axis) - Math.min(...axis) + 1;
  const [xs, ys] = [inked.map((at) => at % SIDE), inked.map((at) => Math.floor(at / SIDE))];
  const mass = inked.reduce((sum, at) => sum + pixels[at], 0);
  const centre = (axis: readonly number[]): number =>
    inked.reduce((sum, at, i) => sum + pixels[at] * axis[i], 0) / mass;
  return { columns: spread(xs), rows: spread(ys), across: centre(xs), down: centre(ys) };
}

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, at) => Math.abs(value - b[at])));

/** A doubled line has its fading edge at other fractions of a pixel. */
const OTHER_RASTER = 0.1;

/** Sums of thousandths of a pixel, and f32 in the end. */
const ROUNDING = 1e-6;

test('a drawing fills 20 of 28 pixels along its longer side, and keeps its proportions', () => {
  const { columns, rows } = measure(reference);
  expect(rows).toBe(20);
  // (0.7 · 120 + 17) / (120 + 17) · 20 = 14.7
  expect(columns).toBe(15);
});

test('the centre of mass comes to lie within half a pixel of pixel 14', () => {
  for (const left of [10, 33, 60]) {
    const { across, down } = measure(asMnist(seven(200, { ...placed, left, size: 90 + left }).ink, 200, 200)!);
    expect(Math.abs(across - 14)).toBeLessThanOrEqual(0.5 + ROUNDING);
    expect(Math.abs(down - 14)).toBeLessThanOrEqual(0.5 + ROUNDING);
  }
});

test('a drawing gives the same image wherever it stands', () => {
  const moved = seven(200, { ...placed, left: 61, top: 17 });
  expect(farthest(asMnist(moved.ink, 200, 200)!, reference)).toBeLessThan(ROUNDING);
});

test('a drawing of twice the size gives nearly the same image', () => {
  const doubled = seven(400, { left: 60, top: 80, size: 240, radius: 16 });
  expect(farthest(asMnist(doubled.ink, 400, 400)!, reference)).toBeLessThan(OTHER_RASTER);
});

test('ink is kept in proportion to its area, also where no new pixel falls together with old ones', () => {
  const { ink } = seven(200, placed);
  const mass = (pixels: ArrayLike<number>): number => Array.from(pixels).reduce((sum, part) => sum + part, 0);
  const rows = ink.findLastIndex((part) => part > 0) - ink.findIndex((part) => part > 0);
  const scale = 20 / (Math.floor(rows / 200) + 1);
  expect(mass(reference) / (mass(ink) * scale * scale)).toBeCloseTo(1, 5);
});

test('a stroke of a single pixel among 400 survives in every row', () => {
  const ink = new Float32Array(400 * 400);
  for (let row = 20; row < 380; row++) ink[row * 400 + 200 + Math.floor(row / 40)] = 1;
  const pixels = asMnist(ink, 400, 400)!;
  const inkedRows = Array.from({ length: SIDE }, (_, row) => pixels.subarray(row * SIDE, (row + 1) * SIDE)).filter(
    (row) => row.some((value) => value > 0.01),
  );
  expect(inkedRows).toHaveLength(20);
});

test('ink at the rim is kept', () => {
  const ink = new Float32Array(50 * 50);
  for (let at = 0; at < 50; at++) ink[at] = ink[at * 50] = ink[49 * 50 + at] = ink[at * 50 + 49] = 1;
  const pixels = asMnist(ink, 50, 50)!;
  const { columns, rows, across, down } = measure(pixels);
  expect([columns, rows]).toEqual([20, 20]);
  expect([across, down].map((centre) => centre.toFixed(3))).toEqual(['13.500', '13.500']);
  // Each rim is 0.4 pixels wide.
  expect(pixels[4 * SIDE + 14]).toBeCloseTo(0.4, 5);
});

test('a single inked pixel becomes a square of 20 × 20', () => {
  const ink = new Float32Array(30 * 40);
  ink[7 * 30 + 3] = 1;
  const pixels = asMnist(ink, 30, 40)!;
  expect(pixels.filter((value) => Math.abs(value - 1) < ROUNDING)).toHaveLength(400);
  expect(pixels.filter((value) => value === 0)).toHaveLength(SIDE * SIDE - 400);
});

test('what would reach out of the field, were its centre of mass in the middle, stays at the border', () => {
  const ink = new Float32Array(100 * 100);
  // A heavy foot with a hair that rises from it.
  for (let row = 0; row < 100; row++) ink.fill(1, row * 100 + 48, row * 100 + (row > 89 ? 98 : 49));
  const { rows, columns, down } = measure(asMnist(ink, 100, 100)!);
  expect([rows, columns]).toEqual([20, 10]);
  expect(down).toBeGreaterThan(14.5);
});

test('an empty drawing has no image', () => {
  expect(asMnist(new Float32Array(30 * 20), 30, 20)).toBeNull();
});

const root = process.env['MILLRACE_DATA'];
if (!root) console.warn('MILLRACE_DATA is not set: asMnist is NOT held against images of MNIST');

describe.runIf(root)('on real MNIST', () => {
  const COUNT = 300;
  const FIELD = 320;
  let held: Dataset;
  beforeAll(async () => {
    ({ test: held } = await mnist(folder(join(root!, 'mnist'))));
  });

  test('the first 300 test images, ten times as large and shifted, come out as they were', () => {
    const bytes = held.fields['image'].data as Uint8Array;
    // Ten pixels give back exactly the one that they were made of, and it moves by whole pixels.
    const differences = Array.from({ length: COUNT }, (_, image) => {
      const pixels = Float32Array.from(
        bytes.subarray(image * SIDE ** 2, (image + 1) * SIDE ** 2),
        (byte) => byte / 255,
      );
      return farthest(asMnist(enlarged(pixels, 10, 17, 31), FIELD, FIELD)!, pixels);
    });
    expect(Math.max(...differences)).toBeLessThan(ROUNDING);
  });

  function enlarged(pixels: Float32Array, by: number, right: number, down: number): Float32Array {
    const ink = new Float32Array(FIELD * FIELD);
    for (let row = 0; row < SIDE * by; row++) {
      for (let column = 0; column < SIDE * by; column++) {
        ink[(row + down) * FIELD + column + right] = pixels[Math.floor(row / by) * SIDE + Math.floor(column / by)];
      }
    }
    return ink;
  }
});
