import type { Value } from '../../../graph/graph.ts';
import { div, mul } from '../../../ops/pointwise/arithmetic.ts';
import { averagePool } from '../../../ops/pooling/averagePool.ts';
import { maxPool } from '../../../ops/pooling/maxPool.ts';
import { max } from '../../../ops/reductions/extremum.ts';
import { mean, sum } from '../../../ops/reductions/sum.ts';
import { moving, type Definition, type Definitions } from '../kerasLayer.ts';
import { channelsFirst, channelsLast, inLayout } from '../layouts.ts';
import { asImages, asSequences, pairOf } from './convolutional.ts';
import { isChannelsFirst, maskLike } from './core.ts';

/* Windows' and whole images' averages and maxima. */

const pooled =
  (axes: 1 | 2, pool: typeof averagePool): Definition =>
  (options) => {
    const window = options.counts('pool_size', axes, 2);
    const strides = options.raw('strides');
    const stride = strides === null || strides === undefined ? window : options.counts('strides', axes);
    const padding = options.choice('padding', ['valid', 'same'], 'valid');
    const on = (x: Value): Value =>
      asSequences(pool(asImages(x, axes), pairOf(window), { stride: pairOf(stride), padding }), axes);
    return moving(inLayout(isChannelsFirst(options), on));
  };

const placesOf = (axes: 1 | 2): number[] => (axes === 1 ? [1] : [1, 2]);

const whole =
  (axes: 1 | 2, reduce: typeof mean): Definition =>
  (options) => {
    const [isFirst, keepDimensions] = [isChannelsFirst(options), options.flag('keepdims', false)];
    const over = (x: Value, mask: Value | undefined): Value => {
      const places = { axes: placesOf(axes), keepDimensions };
      if (!mask || reduce !== mean) return reduce(x, places);
      const counts = maskLike(mask, x);
      return div(sum(mul(x, counts), places), sum(counts, places));
    };
    return {
      weights: [],
      apply({ x, inputs: [{ mask }] }) {
        const y = over(isFirst ? channelsLast(x) : x, axes === 1 ? mask : undefined);
        return isFirst && keepDimensions ? channelsFirst(y) : y;
      },
    };
  };

export const poolingDefinitions: Definitions = {
  MaxPooling1D: pooled(1, maxPool),
  MaxPooling2D: pooled(2, maxPool),
  AveragePooling1D: pooled(1, averagePool),
  AveragePooling2D: pooled(2, averagePool),
  GlobalAveragePooling1D: whole(1, mean),
  GlobalAveragePooling2D: whole(2, mean),
  GlobalMaxPooling1D: whole(1, max),
  GlobalMaxPooling2D: whole(2, max),
};
