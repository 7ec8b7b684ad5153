import { sizeOf, spec, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { normalizeBatch, normalizeBy } from '../../../ops/normalization/batchNorm.ts';
import { normalizeGroups } from '../../../ops/normalization/groupNorm.ts';
import { add, div, maximum, mul, sub } from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { sqrt } from '../../../ops/pointwise/elementary.ts';
import { sum } from '../../../ops/reductions/sum.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import { sameMask, stepwise, type Definitions, type Given, type KerasLayer, type Weight } from '../kerasLayer.ts';
import { channelsFirst, channelsLast } from '../layouts.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { refuse } from '../refusal.ts';

/* Norms. Those of a batch keep Keras' averages: the share that stays is the momentum, and variances are divided by all. */

const EPSILON = 1e-3;

/** f(x) with one axis moved to the end. */
function withAxisLast(x: Value, axis: number, f: (x: Value) => Value): Value {
  const rank = x.spec.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (at === rank - 1) return f(x);
  if (at === 1) return channelsFirst(f(channelsLast(x)));
  const others = Array.from({ length: rank }, (_, each) => each).filter((each) => each !== at);
  const order = [...others, at];
  const y = f(transpose(x, order));
  return transpose(
    y,
    order.map((_, each) => order.indexOf(each)),
  );
}

/** Gamma and beta, 1 and 0 where a layer has none. */
function affineOf({ gamma, beta }: Given['weights'], shape: Shape): { gamma: Value; beta: Value } {
  const filled = (number: number): Value => constant(new Float32Array(sizeOf(shape)).fill(number), spec(shape));
  return { gamma: gamma ?? filled(1), beta: beta ?? filled(0) };
}

const affineWeights = (options: LayerOptions): Weight[] => [
  ...(options.flag('scale', true) ? [{ name: 'gamma', shape: [] }] : []),
  ...(options.flag('center', true) ? [{ name: 'beta', shape: [] }] : []),
];

/** The weights with as many axes as the layer has; their extents are the value's. */
const ofAxes = (weights: readonly Weight[], axes: number): Weight[] =>
  weights.map((weight) => ({ ...weight, shape: Array.from({ length: axes }, () => null) }));

const kept = (name: string): Weight => ({ name, shape: [null], isKept: true });

/** What stays of an average, and what a batch adds to it. */
const blended = (before: Value, now: Value, momentum: number): Value =>
  add(mul(before, momentum), mul(now, 1 - momentum));

function batchNormalization(options: LayerOptions): KerasLayer {
  const axis = oneAxis(options);
  const [momentum, epsilon] = [options.number('momentum', 0.99), options.number('epsilon', EPSILON)];
  options.only('renorm', [false], 'train it without renormalization');
  options.pass('renorm_clipping', 'renorm_momentum', 'fused', 'virtual_batch_size', 'adjustment');
  options.only('synchronized', [false], 'a batch is on one device here');
  return {
    weights: [...ofAxes(affineWeights(options), 1), kept('moving_mean'), kept('moving_variance')],
    mask: sameMask,
    apply: ({ x, inputs: [{ mask }], weights, context }) =>
      withAxisLast(x, axis, (rows) => {
        const { moving_mean: mean, moving_variance: variance } = weights;
        const { gamma, beta } = affineOf(weights, mean.spec.shape);
        if (context.mode !== 'train') return normalizeBy(rows, { mean, variance }, gamma, beta, epsilon);
        if (mask) {
          refuse(options.where, 'is given steps of which some do not count, and is not trained so here', 'freeze it');
        }
        const { y, ...batch } = normalizeBatch(rows, gamma, beta, epsilon);
        context.update('moving_mean', blended(mean, batch.mean, momentum));
        context.update('moving_variance', blended(variance, batch.variance, momentum));
        return y;
      }),
  };
}

function oneAxis(options: LayerOptions): number {
  const axes = options.integers('axis', [-1]);
  if (axes.length === 1) return axes[0];
  refuse(options.where, `has ${axes.length} axes`, 'one is read');
}

/** How many axes at the end a norm is of. @throws FormatError for axes elsewhere */
function lastAxes(axes: readonly number[], rank: number, where: string): number {
  const places = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  if (places.every((axis, at) => axis === rank - places.length + at)) return places.length;
  refuse(where, `is a norm over the axes ${axes.join(', ')} of ${rank}`, 'those at the end, without a gap, are read');
}

/** A norm of the last axes of each sample by itself. */
const lastAxesNorm = (
  options: LayerOptions,
  weights: readonly Weight[],
  epsilon: number,
  centered: boolean,
): KerasLayer => {
  const axes = options.integers('axis', [-1]);
  return {
    weights: ofAxes(weights, axes.length),
    mask: sameMask,
    apply({ x, weights: bound }) {
      const { shape } = x.spec;
      const own = shape.slice(shape.length - lastAxes(axes, shape.length, options.where));
      const { gamma, beta } = affineOf({ ...bound, ...(bound['scale'] && { gamma: bound['scale'] }) }, own);
      const samples = sizeOf(shape) / sizeOf(own);
      return normalizeGroups(x, gamma, beta, { samples, epsilon, centered });
    },
  };
};

/** Keras.backend.epsilon() */
const LEAST = 1e-7;

export const normalizationDefinitions: Definitions = {
  BatchNormalization: batchNormalization,
  BatchNormalizationV2: batchNormalization,
  LayerNormalization(options) {
    options.only('rms_scaling', [false], 'RMSNormalization is the layer for it');
    return lastAxesNorm(options, affineWeights(options), options.number('epsilon', EPSILON), true);
  },
  RMSNormalization: (options) =>
    lastAxesNorm(options, [{ name: 'scale', shape: [] }], options.number('epsilon', 1e-6), false),
  GroupNormalization(options) {
    const [axis, epsilon] = [oneAxis(options), options.number('epsilon', EPSILON)];
    const [given = 32] = options.integers('groups', [32]);
    return {
      weights: ofAxes(affineWeights(options), 1),
      mask: sameMask,
      apply: ({ x, weights }) =>
        withAxisLast(x, axis, (images) => {
          const channels = images.spec.shape.at(-1)!;
          const { gamma, beta } = affineOf(weights, [channels]);
          return normalizeGroups(images, gamma, beta, { groups: given === -1 ? channels : given, epsilon });
        }),
    };
  },
  UnitNormalization(options) {
    const axes = options.integers('axis', [-1]);
    const least = 1e-12;
    return stepwise((x) => div(x, sqrt(maximum(sum(mul(x, x), { axes, keepDimensions: true }), least))));
  },
  Rescaling(options) {
    const [scale, offset] = [options.raw('scale'), options.raw('offset') ?? 0];
    const [factor, shift] = [numbersIn(options, 'scale', scale), numbersIn(options, 'offset', offset)];
    return stepwise((x) => add(mul(cast(x, 'f32'), factor), shift));
  },
  Normalization(options) {
    const axes = options.raw('axis') === null ? [] : options.integers('axis', [-1]);
    const [mean, variance] = [options.raw('mean') ?? null, options.raw('variance') ?? null];
    const inverts = options.flag('invert', false);
    options.pass('input_mean', 'input_variance');
    const isTold = mean !== null && variance !== null;
    const told = isTold ? [numbersIn(options, 'mean', mean), numbersIn(options, 'variance', variance)] : undefined;
    const shape = Array.from({ length: axes.length }, () => null);
    const weights = ['mean', 'variance'].map((name) => ({ name, shape, isKept: true }));
    return {
      weights: isTold ? [] : [...weights, { name: 'count', shape: [], isKept: true }],
      mask: sameMask,
      apply({ x, weights: bound }) {
        const moments = told ?? [bound['mean'], bound['variance']];
        const [average, square] = moments.map((each) => alongAxes(each, axes, x.spec.shape));
        const deviation = maximum(sqrt(square), LEAST);
        return inverts ? add(average, mul(x, deviation)) : div(sub(x, average), deviation);
      },
    };
  },
};

/** Numbers for some axes, spread over the others. */
function alongAxes(numbers: Value, axes: readonly number[], shape: Shape): Value {
  if (numbers.spec.shape.length === 0 || sizeOf(numbers.spec.shape) === 1) return reshape(numbers, []);
  const at = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return reshape(
    numbers,
    shape.map((extent, axis) => (at.includes(axis) ? extent : 1)),
  );
}

/** A number, or a list of them in lists, as a constant. */
function numbersIn(options: LayerOptions, name: string, given: unknown): Value {
  const { config } = Object(given) as { config?: { value?: unknown } };
  const all: unknown[] = [config?.value ?? given].flat(Infinity);
  if (all.length > 0 && all.every((each) => Number.isFinite(each))) {
    return constant(
      Float32Array.from(all as number[]),
      spec(Array.isArray(given) || all.length > 1 ? [all.length] : []),
    );
  }
  refuse(options.where, `has a ${name} that is no number or list of numbers`, 'save the model again');
}
