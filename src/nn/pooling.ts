import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/argumentChecks.ts';
import { formatSpec } from '../core/shape.ts';
import { specOf, type Value } from '../graph/graph.ts';
import { averagePool, type AveragePoolOptions } from '../ops/pooling/averagePool.ts';
import { maxPool } from '../ops/pooling/maxPool.ts';
import { imagesOf, type PoolOptions } from '../ops/pooling/pooling.ts';
import { max } from '../ops/reductions/extremum.ts';
import { mean } from '../ops/reductions/sum.ts';
import type { Pair, Padding } from '../ops/convolution/spatial.ts';
import { upsample, type UpsampleOptions } from '../ops/pooling/upsampling.ts';
import { reshape } from '../ops/shaping/views.ts';
import { defineLayer, type FloatLayer } from './layer.ts';

const poolDefaults = { stride: undefined, padding: undefined };
const averageDefaults = { ...poolDefaults, countPadding: false };

const layer = (name: string, apply: (x: Value) => Value<'f32'>): FloatLayer =>
  defineLayer({
    name,
    apply(x) {
      specOf(name, 'x', x);
      return apply(x);
    },
  });

/**
 * The largest element of each window of images `[N, H, W, C]`, or `[N, H, W]` of one channel.
 * @param window rows and columns   @throws as `maxPool` does, when the layer is used
 */
export function maxPool2d(window: Pair, options: PoolOptions = {}): FloatLayer {
  optionsOf<PoolOptions, typeof poolDefaults>('maxPool2d', options, poolDefaults);
  return layer('maxPool2d', (x) => maxPool(x, window, options));
}

/**
 * The average of each window of images `[N, H, W, C]`, or `[N, H, W]` of one channel. Padding is left out of it, as in
 * Keras, unless `countPadding` says otherwise, as PyTorch does.
 * @param window rows and columns   @throws as `averagePool` does, when the layer is used
 */
export function averagePool2d(window: Pair, options: AveragePoolOptions = {}): FloatLayer {
  optionsOf<AveragePoolOptions, typeof averageDefaults>('averagePool2d', options, averageDefaults);
  return layer('averagePool2d', (x) => averagePool(x, window, options));
}

/** What `maxPool1d` may be told. */
export interface Pool1dOptions {
  /** The window if left out. */
  readonly stride?: number;
  /** `valid` if left out; see `Padding`. A pair is before and after. */
  readonly padding?: 'valid' | 'same' | number | readonly [before: number, after: number];
}

/** What `averagePool1d` may be told. */
export interface AveragePool1dOptions extends Pool1dOptions {
  /** See `AveragePoolOptions`. */
  readonly countPadding?: boolean;
}

/** The largest element of each window of sequences `[N, L, C]`. @throws as `maxPool` does, when the layer is used */
export function maxPool1d(window: number, options: Pool1dOptions = {}): FloatLayer {
  optionsOf<Pool1dOptions, typeof poolDefaults>('maxPool1d', options, poolDefaults);
  const column = columnOf(window, options);
  return layer('maxPool1d', (x) => onSequences('maxPool1d', x, (y) => maxPool(y, [window, 1], column)));
}

/**
 * The average of each window of sequences `[N, L, C]`, without padding unless `countPadding` says otherwise.
 * @throws as `averagePool` does, when the layer is used
 */
export function averagePool1d(window: number, options: AveragePool1dOptions = {}): FloatLayer {
  optionsOf<AveragePool1dOptions, typeof averageDefaults>('averagePool1d', options, averageDefaults);
  const column = columnOf(window, options);
  return layer('averagePool1d', (x) => onSequences('averagePool1d', x, (y) => averagePool(y, [window, 1], column)));
}

/** Options for images of one column. */
const columnOf = (window: number, { stride = window, padding = 'valid', ...others }: AveragePool1dOptions) => ({
  ...others,
  stride: [stride, 1] as const,
  padding: columnPadding(padding),
});

function columnPadding(padding: NonNullable<Pool1dOptions['padding']>): Padding {
  if (typeof padding === 'string') return padding;
  return [typeof padding === 'number' ? [padding, padding] : padding, [0, 0]];
}

/** What f makes of sequences as images of one column. */
function onSequences(where: string, x: Value, f: (images: Value) => Value<'f32'>): Value<'f32'> {
  const { shape } = x.spec;
  if (shape.length !== 3) {
    throw new ShapeError(`[${where}] x is ${formatSpec(x.spec)} but must be sequences, [N, L, C]: reshape it`);
  }
  const y = f(reshape(x, [shape[0], shape[1], 1, shape[2]]));
  return reshape(y, [shape[0], -1, shape[2]]);
}

/** Mean over rows and columns. @param x `[N, H, W, C]`, or `[N, H, W]` of one channel   @returns `[N, C]` */
export const globalAveragePool2d = (x: Value): Value<'f32'> =>
  mean(imagesOf('globalAveragePool2d', x), { axes: [1, 2] });

/** The largest element over rows and columns; ties share the gradient evenly. @param x as in globalAveragePool2d   @returns `[N, C]` */
export const globalMaxPool2d = (x: Value): Value<'f32'> => max(imagesOf('globalMaxPool2d', x), { axes: [1, 2] });

/** Images of more pixels, each becoming `factor` of them; see `upsample`. @param factor whole, of rows and columns */
export function upsample2d(factor: Pair, options: UpsampleOptions = {}): FloatLayer {
  const defaults = { mode: undefined };
  optionsOf<UpsampleOptions, typeof defaults>('upsample2d', options, defaults);
  return layer('upsample2d', (x) => upsample(x, factor, options));
}
