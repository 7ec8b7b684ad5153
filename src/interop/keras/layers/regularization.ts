import { sizeOf, spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { add, mul } from '../../../ops/pointwise/arithmetic.ts';
import { stepwise, type Definition, type Definitions } from '../kerasLayer.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { isChannelsFirst } from './core.ts';
import { refuse } from '../refusal.ts';

/* What happens in training alone. */

const ones = (shape: readonly number[]): Value => constant(new Float32Array(sizeOf(shape)).fill(1), spec(shape));

/** A share that is dropped. @throws FormatError unless it is at least 0 and below 1 */
function rateOf(options: LayerOptions): number {
  const rate = options.number('rate');
  options.pass('seed');
  if (rate >= 0 && rate < 1) return rate;
  refuse(options.where, `has rate ${rate}`, 'at least 0 and below 1 are read, as nothing is left of 1');
}

/** Dropout that draws once for all places of some axes. @param drawn extents of what is drawn */
const dropping = (rate: number, drawn: (shape: readonly number[]) => readonly number[]): ReturnType<Definition> =>
  stepwise((x, context) => {
    if (context.mode !== 'train' || rate === 0) return x;
    const shape = drawn(x.spec.shape);
    return mul(x, context.dropout('mask', ones(shape), rate));
  });

const spatial: Definition = (options) => {
  const [rate, isFirst] = [rateOf(options), isChannelsFirst(options)];
  options.only('noise_shape', [], 'it follows from the class');
  return dropping(rate, (shape) =>
    shape.map((extent, axis) => (axis === 0 || axis === (isFirst ? 1 : shape.length - 1) ? extent : 1)),
  );
};

export const regularizationDefinitions: Definitions = {
  Dropout(options) {
    const rate = rateOf(options);
    const told = options.raw('noise_shape') ?? undefined;
    // Null is an extent as it is, as that of the samples.
    const noise: readonly unknown[] | undefined = Array.isArray(told) ? told : undefined;
    if (told !== undefined && !noise?.every((extent) => extent === null || Number.isInteger(extent))) {
      options.integers('noise_shape');
    }
    return dropping(rate, (shape) => (noise ? shape.map((extent, axis) => (noise[axis] === 1 ? 1 : extent)) : shape));
  },
  SpatialDropout1D: spatial,
  SpatialDropout2D: spatial,
  GaussianNoise(options) {
    const deviation = options.number('stddev');
    options.pass('seed');
    return stepwise((x, context) =>
      context.mode === 'train' && deviation > 0
        ? add(x, mul(context.random('noise', x.spec.shape, 'normal'), deviation))
        : x,
    );
  },
  GaussianDropout(options) {
    const rate = rateOf(options);
    const deviation = Math.sqrt(rate / (1 - rate));
    return stepwise((x, context) =>
      context.mode === 'train' && rate > 0
        ? mul(x, add(mul(context.random('noise', x.spec.shape, 'normal'), deviation), 1))
        : x,
    );
  },
};
