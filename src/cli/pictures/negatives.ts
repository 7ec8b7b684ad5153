import { sizeOf, type Shape } from '../../core/shape.ts';
import type { Ground } from '../../data/index.ts';
import { brightnessAt } from './terminalPictures.ts';

/*
 * Black ink on white, where a model was trained on white on black, is a picture to us and nonsense to it. How light images
 * are at their borders, and as a whole, tells: a set drawn on one ground has little spread there, and a negative of it lies
 * far off on the other side, or at least has its figures on the other side of its paper. Photographs have so much spread
 * that nothing is far off.
 */

interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

/** How light the images of a set are, 0 … 255. */
export interface Levels {
  /** The median along the borders, of each channel: what images are drawn on. */
  readonly ground: readonly number[];
  /** Of the mean of each image's border, and of each whole image, in grey. */
  readonly border: Spread;
  readonly whole: Spread;
}

/** So many images tell of a set. */
const SAMPLE = 4096;
/** Fewer levels are no difference: what is one grey all over may come as another that looks the same. */
const LEAST_DEVIATION = 8;
/** In deviations. */
const FAR = 5;

/** Of each pixel, whether it lies along an edge. */
function isAtEdge([height, width]: Shape): readonly boolean[] {
  return Array.from({ length: height * width }, (_, pixel) => {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    return row === 0 || row === height - 1 || column === 0 || column === width - 1;
  });
}

const meanOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

function spreadOf(numbers: readonly number[]): Spread {
  const mean = meanOf(numbers);
  return { mean, deviation: Math.sqrt(meanOf(numbers.map((number) => (number - mean) ** 2))) };
}

/** The mean levels of each image's border, and of the whole of it, in grey. */
function lightOf(data: Uint8Array, shape: Shape): readonly (readonly [border: number, whole: number])[] {
  const [size, channels, atEdge] = [sizeOf(shape), shape[2] ?? 1, isAtEdge(shape)];
  const edges = atEdge.filter(Boolean).length;
  return Array.from({ length: data.length / size }, (_, image) => {
    let [border, whole] = [0, 0];
    for (let pixel = 0; pixel < atEdge.length; pixel++) {
      const level = brightnessAt(data, image * size + pixel * channels, channels);
      whole += level;
      if (atEdge[pixel]) border += level;
    }
    return [border / edges, whole / atEdge.length] as const;
  });
}

/** The median of each channel along the borders. */
function groundOf(data: Uint8Array, shape: Shape): readonly number[] {
  const [channels, atEdge] = [shape[2] ?? 1, isAtEdge(shape)];
  const counts = Array.from({ length: channels }, () => new Uint32Array(256));
  for (let at = 0; at < data.length; at++) {
    if (atEdge[Math.floor(at / channels) % atEdge.length]) counts[at % channels][data[at]]++;
  }
  return counts.map((ofLevel) => {
    const half = ofLevel.reduce((sum, count) => sum + count, 0) / 2;
    let [level, below] = [0, ofLevel[0]];
    while (below < half) below += ofLevel[++level];
    return level;
  });
}

/** The levels of images `[N, height, width]`, or with channels behind. */
export function levelsOf(data: Uint8Array, shape: Shape): Levels {
  const size = sizeOf(shape);
  const count = data.length / size;
  const step = Math.ceil(count / SAMPLE);
  const sample = new Uint8Array(Math.ceil(count / step) * size);
  for (let at = 0; at * size < sample.length; at++) {
    sample.set(data.subarray(at * step * size, (at * step + 1) * size), at * size);
  }
  const light = lightOf(sample, shape);
  return {
    ground: groundOf(sample, shape),
    border: spreadOf(light.map(([border]) => border)),
    whole: spreadOf(light.map(([, whole]) => whole)),
  };
}

/** How far off a level is, in deviations, squared. */
const offness = (level: number, { mean, deviation }: Spread): number =>
  ((level - mean) / Math.max(deviation, LEAST_DEVIATION)) ** 2;

/** So many levels between a whole image and its border are a figure, rather than roundings. */
const LEAST_FIGURE = 1;

/**
 * How many images are far off, the other way round: those with a figure darker than their ground where a set on one ground
 * has lighter ones, whatever the paper; and else those that as negatives would be less than half as far.
 */
export function negativesAmong(data: Uint8Array, shape: Shape, levels: Levels): number {
  const { border, whole } = levels;
  const own = haveOneGround(levels) ? whole.mean - border.mean : 0;
  return lightOf(data, shape).filter(([edge, all]) => {
    const asItIs = offness(edge, border) + offness(all, whole);
    if (asItIs <= FAR ** 2) return false;
    const figure = all - edge;
    if (Math.min(Math.abs(own), Math.abs(figure)) >= LEAST_FIGURE) return figure * own < 0;
    return offness(255 - edge, border) + offness(255 - all, whole) < asItIs / 4;
  }).length;
}

/** Whether images are drawn on one ground, so that there is another way round. */
export const haveOneGround = ({ border: { mean, deviation } }: Levels): boolean =>
  Math.abs(255 - 2 * mean) > FAR * Math.max(deviation, LEAST_DEVIATION);

export const opposite = (ground: Ground): Ground =>
  typeof ground === 'number' ? 255 - ground : [255 - ground[0], 255 - ground[1], 255 - ground[2]];

/** The variance of values about their mean. */
export function varianceOf(values: Uint8Array): number {
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return squares / values.length - (sum / values.length) ** 2;
}
