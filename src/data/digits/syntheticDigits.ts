import { yieldToEvents } from '../../core/yieldToEvents.ts';
import { DataError } from '../../core/errors.ts';
import type { Signal } from '../../core/globalTypes.ts';
import { optionsOf, requireSignal } from '../../core/argumentChecks.ts';
import { Random, requireSeed } from '../../core/random.ts';
import { dataset, type Dataset } from '../dataset.ts';
import { digitStyles, type Family, type Point, type Stroke } from './styles.ts';
import { Canvas } from './pen.ts';

/*
 * Handwritten digits that nobody wrote: a way of writing the digit is chosen, its points are moved as no two hands
 * agree, the paper is warped, slanted and turned, and a pen of some width and pressure follows. The picture is then
 * placed as MNIST's were: the digit fills a box of 20 × 20, and its centre of mass is the middle of 28 × 28.
 */

const SIZE = 28;
const BOX = 20;
const CLASSES = digitStyles.length;

/** Straight lines for one span between two points of a path. */
const LINES_PER_SPAN = 6;

/** Points that are left of a way. */
const POINTS_OF_WAY = 32;

/** How far beyond two ways of writing a mixture of them may lie. */
const MIXTURE = 0.2;

/** How far a point of a path moves, in boxes, and how much farther an end does. */
const POINT_JITTER = 0.033;
const END_JITTER = 0.05;

/** A hand drifts from the path as it goes: by so much, at so many places along a stroke. Loops close, or do not. */
const DRIFT = 0.05;
const DRIFT_KNOTS = 4;

/** Points of the elastic grid along an axis, and how far they move. */
const GRID = 4;
const ELASTICITY = 0.045;

/** How one digit differs from its path in the book. */
interface Hand {
  /** Moves the middle up or down, makes top or bottom wider, bends the upright. */
  readonly lift: number;
  readonly flare: number;
  readonly bow: number;
  /** x by row, then y by row, of GRID × GRID points. */
  readonly grid: Float64Array;
  readonly width: number;
  readonly slant: number;
  /** Tangent of half the angle of turning: sine and cosine follow without sin and cos. */
  readonly turn: number;
  readonly radius: number;
  readonly pressure: number;
  readonly edge: number;
}

function handOf(random: Random): Hand {
  return {
    lift: 0.25 * random.bell(),
    flare: 0.2 * random.bell(),
    bow: 0.06 * random.bell(),
    grid: Float64Array.from({ length: 2 * GRID * GRID }, () => ELASTICITY * random.bell()),
    width: random.uniform(0.55, 1.3),
    slant: 0.12 + 0.28 * random.bell(),
    turn: 0.07 * random.bell(),
    radius: Math.max(0.6, 1.3 + 0.4 * random.bell()),
    pressure: 0.25 * random.bell(),
    edge: random.uniform(0.9, 1.5),
  };
}

function choose<T extends { readonly weight: number }>(choices: readonly T[], random: Random): T {
  let left = random.uniform(0, sumOfWeights(choices));
  return choices.find(({ weight }) => (left -= weight) < 0) ?? choices[choices.length - 1];
}

const sumOfWeights = (choices: readonly { readonly weight: number }[]): number =>
  choices.reduce((sum, { weight }) => sum + weight, 0);

/** A curve through four points from the second to the third. Source: Catmull and Rom 1974. */
function curve(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** Points of the pen's way along a stroke. */
interface Way {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

const emptyWay = (): Way => ({ x: new Float64Array(POINTS_OF_WAY), y: new Float64Array(POINTS_OF_WAY) });

/** The way along a stroke, its points moved a little and joined by a smooth curve. */
function follow(stroke: Stroke, random: Random): Way {
  const xs: number[] = [];
  const ys: number[] = [];
  const jitter = ({ x, y }: Point, by: number): Point => ({ x: x + by * random.bell(), y: y + by * random.bell() });
  // A corner belongs to two pieces, and must be moved once.
  let corner = jitter(stroke[0][0], END_JITTER);
  stroke.forEach((piece, at) => {
    const points = [corner];
    for (let i = 1; i < piece.length; i++) {
      const isEnd = at === stroke.length - 1 && i === piece.length - 1;
      points.push(jitter(piece[i], isEnd ? END_JITTER : POINT_JITTER));
    }
    corner = points[points.length - 1];
    for (let i = 0; i + 1 < points.length; i++) {
      const before = points[Math.max(0, i - 1)];
      const after = points[Math.min(points.length - 1, i + 2)];
      for (let line = xs.length > 0 ? 1 : 0; line <= LINES_PER_SPAN; line++) {
        const t = line / LINES_PER_SPAN;
        xs.push(curve(before.x, points[i].x, points[i + 1].x, after.x, t));
        ys.push(curve(before.y, points[i].y, points[i + 1].y, after.y, t));
      }
    }
  });
  return evenly(xs, ys);
}

/** Points at even distances along a line of many. */
function evenly(xs: readonly number[], ys: readonly number[]): Way {
  const reached = [0];
  for (let at = 1; at < xs.length; at++) {
    const dx = xs[at] - xs[at - 1];
    const dy = ys[at] - ys[at - 1];
    reached.push(reached[at - 1] + Math.sqrt(dx * dx + dy * dy));
  }
  const step = reached[xs.length - 1] / (POINTS_OF_WAY - 1);
  const way = emptyWay();
  for (let point = 0, at = 1; point < POINTS_OF_WAY; point++) {
    while (at < xs.length - 1 && reached[at] < point * step) at++;
    const t = (point * step - reached[at - 1]) / Math.max(reached[at] - reached[at - 1], 1e-9);
    way.x[point] = xs[at - 1] + t * (xs[at] - xs[at - 1]);
    way.y[point] = ys[at - 1] + t * (ys[at] - ys[at - 1]);
  }
  return way;
}

/** The ways for a digit: between two manners of writing it that a hand may mix, or a little beyond one; drifting. */
function waysOf({ styles }: Family, random: Random): Way[] {
  const one = styles[Math.floor(random.uniform(0, styles.length))];
  const other = styles[Math.floor(random.uniform(0, styles.length))];
  const share = random.uniform(-MIXTURE, 1 + MIXTURE);
  return one.map((stroke, at) => {
    const way = follow(stroke, random);
    if (one !== other) mix(way, follow(other[at], random), share);
    drift(way.x, random);
    drift(way.y, random);
    return way;
  });
}

function mix({ x, y }: Way, other: Way, share: number): void {
  for (let point = 0; point < POINTS_OF_WAY; point++) {
    x[point] += share * (other.x[point] - x[point]);
    y[point] += share * (other.y[point] - y[point]);
  }
}

/** Adds a smooth curve through a few random knots. */
function drift(axis: Float64Array, random: Random): void {
  const knots = Array.from({ length: DRIFT_KNOTS }, () => DRIFT * random.bell());
  const last = DRIFT_KNOTS - 1;
  for (let point = 0; point < POINTS_OF_WAY; point++) {
    const reached = (point * last) / (POINTS_OF_WAY - 1);
    const at = Math.min(last - 1, Math.floor(reached));
    axis[point] += curve(
      knots[Math.max(0, at - 1)],
      knots[at],
      knots[at + 1],
      knots[Math.min(last, at + 2)],
      reached - at,
    );
  }
}

/** The grid's displacement at a point, linear between its points. @param from where the axis' numbers begin */
function elastic(grid: Float64Array, from: number, x: number, y: number): number {
  const last = GRID - 1;
  const column = Math.max(0, Math.min(last, x * last));
  const row = Math.max(0, Math.min(last, y * last));
  const left = Math.min(last - 1, Math.floor(column));
  const top = Math.min(last - 1, Math.floor(row));
  const s = column - left;
  const t = row - top;
  const at = from + top * GRID + left;
  const above = grid[at] + s * (grid[at + 1] - grid[at]);
  const below = grid[at + GRID] + s * (grid[at + GRID + 1] - grid[at + GRID]);
  return above + t * (below - above);
}

/** Moves a way as a hand would: the box' middle becomes the origin. */
function place({ x, y }: Way, { lift, flare, bow, grid, width, slant, turn }: Hand): void {
  const scale = 1 / (1 + turn * turn);
  const cosine = (1 - turn * turn) * scale;
  const sine = 2 * turn * scale;
  for (let point = 0; point < POINTS_OF_WAY; point++) {
    const [p, q] = [x[point], y[point]];
    const v = q + elastic(grid, GRID * GRID, p, q) + 2 * lift * q * (1 - q) - 0.5;
    const across = p + elastic(grid, 0, p, q) - 0.5;
    const u = width * across * (1 + 2 * flare * v) - slant * v + bow * (4 * v * v - 1);
    x[point] = cosine * u - sine * v;
    y[point] = sine * u + cosine * v;
  }
}

/** Brings ways to the size of the picture, in the middle of it. */
function fit(ways: readonly Way[], { radius }: Hand): void {
  const [left, right] = extent(ways.map(({ x }) => x));
  const [top, bottom] = extent(ways.map(({ y }) => y));
  const scale = (BOX - 2 * radius) / Math.max(right - left, bottom - top, 1e-6);
  for (const { x, y } of ways) {
    for (let point = 0; point < POINTS_OF_WAY; point++) {
      x[point] = SIZE / 2 + scale * (x[point] - (left + right) / 2);
      y[point] = SIZE / 2 + scale * (y[point] - (top + bottom) / 2);
    }
  }
}

function extent(axes: readonly Float64Array[]): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const axis of axes) {
    for (let point = 0; point < axis.length; point++) {
      if (axis[point] < least) least = axis[point];
      if (axis[point] > most) most = axis[point];
    }
  }
  return [least, most];
}

/** How uneven the ink lies. */
const GRAIN = 0.12;

/** Draws one digit into its 784 bytes. */
function draw(digit: number, random: Random, canvas: Canvas, into: Uint8Array): void {
  const hand = handOf(random);
  const ways = waysOf(choose(digitStyles[digit], random), random);
  for (const way of ways) place(way, hand);
  fit(ways, hand);
  canvas.clear();
  const { radius, pressure, edge } = hand;
  // Pressure makes a stroke grow thicker or thinner on its way.
  const radiusAt = (point: number): number => radius * (1 + pressure * (point / (POINTS_OF_WAY - 1) - 0.5));
  for (const { x, y } of ways) {
    for (let to = 1; to < POINTS_OF_WAY; to++) {
      canvas.line(x[to - 1], y[to - 1], radiusAt(to - 1), x[to], y[to], radiusAt(to), edge);
    }
  }
  canvas.centre();
  develop(canvas.ink, random, into);
}

/** Bytes of an inked canvas. One random word is the grain of four pixels. */
function develop(ink: Float64Array, random: Random, into: Uint8Array): void {
  for (let at = 0; at < ink.length; at += 4) {
    if (ink[at] + ink[at + 1] + ink[at + 2] + ink[at + 3] === 0) continue;
    const word = random.word();
    for (let i = 0; i < 4; i++) {
      const grain = (GRAIN / 255) * ((word >>> (8 * i)) & 0xff);
      into[at + i] = Math.floor(255 * ink[at + i] * (1 - grain) + 0.5);
    }
  }
}

/** What `syntheticDigits` may be told. */
export interface SyntheticDigitsOptions {
  /** Images to learn from: 60,000 */
  readonly train?: number;
  /** Images to test on: 10,000 */
  readonly test?: number;
  /** 0 */
  readonly seed?: number;
  /** Told now and then how many of all are drawn. */
  readonly progress?: (drawn: number, total: number) => void;
  /** Ends the drawing. */
  readonly signal?: Signal | undefined;
}

/** Digits between two breaths: about a hundredth of a second, so that a page stays awake. */
const DRAWN_AT_ONCE = 100;

async function half(
  count: number,
  seed: number,
  name: string,
  breath: (drawn: number) => Promise<void>,
): Promise<Dataset<'image' | 'label'>> {
  const images = new Uint8Array(count * SIZE * SIZE);
  const labels = new Uint8Array(count);
  const canvas = new Canvas(SIZE);
  for (let at = 0; at < count; at++) {
    const random = new Random(seed, `digits ${name}`, at);
    if (at % DRAWN_AT_ONCE === 0) await breath(at);
    labels[at] = Math.floor(random.uniform(0, CLASSES));
    draw(labels[at], random, canvas, images.subarray(at * SIZE * SIZE, (at + 1) * SIZE * SIZE));
  }
  return dataset({ image: { data: images, shape: [SIZE, SIZE], scale: 1 / 255 }, label: labels });
}

/**
 * Digits as people write them, drawn by this project's own pen: what there is to train on without a download.
 * The same seed gives the same bytes in every engine.
 * @returns images `u8[28, 28]` that a model sees as 0 … 1, and labels 0 … 9, in MNIST's form
 * @throws DataError if there are to be none; the signal's reason
 */
export async function syntheticDigits(
  options?: SyntheticDigitsOptions,
): Promise<{ readonly train: Dataset<'image' | 'label'>; readonly test: Dataset<'image' | 'label'> }> {
  const usual = { train: 60_000, test: 10_000, seed: 0, progress: undefined, signal: undefined };
  const { train, test, seed, progress, signal } = optionsOf<SyntheticDigitsOptions, typeof usual>(
    'syntheticDigits',
    options,
    usual,
  );
  requireSeed('syntheticDigits', seed);
  requireSignal('syntheticDigits', signal);
  for (const [name, count] of Object.entries({ train, test })) {
    if (Number.isSafeInteger(count) && count > 0) continue;
    throw new DataError(`[syntheticDigits] ${name} is ${count} but must be a whole number above 0`);
  }
  const total = train + test;
  const breath = (before: number) => async (drawn: number) => {
    progress?.(before + drawn, total);
    await yieldToEvents();
    signal?.throwIfAborted();
  };
  const halves = {
    train: await half(train, seed, 'train', breath(0)),
    test: await half(test, seed, 'test', breath(train)),
  };
  progress?.(total, total);
  return halves;
}
