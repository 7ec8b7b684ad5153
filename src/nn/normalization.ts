import { DataError, ShapeError } from '../core/errors.ts';
import { described, optionsOf } from '../core/argumentChecks.ts';
import { formatSpec, sameShape, sizeOf, spec, type Shape } from '../core/shape.ts';
import { constant } from '../graph/leaf.ts';
import { floatsOf, specOf, type Value } from '../graph/graph.ts';
import { mul } from '../ops/pointwise/arithmetic.ts';
import { normalizeBatch, normalizeBy, runningAverages } from '../ops/normalization/batchNorm.ts';
import { requireDropRate } from '../ops/random/dropout.ts';
import { normalizeGroups } from '../ops/normalization/groupNorm.ts';
import { ones, zeros } from './initializers.ts';
import { defineLayer, type FloatLayer, type ParameterDefinition } from './layer.ts';

/** What `rmsNorm` and `groupNorm` may be told. */
export interface NormOptions {
  /** Added to the variance: 1e-5, as in PyTorch. Keras takes 1e-3. */
  readonly epsilon?: number;
  /** Whether gamma and beta are learned; without them the result has mean 0 and deviation 1. True if left out. */
  readonly affine?: boolean;
}

/** What `layerNorm` may be told. */
export interface LayerNormOptions extends NormOptions {
  /** Whether beta is learned, if gamma is; without it, it is 0. True if left out. */
  readonly bias?: boolean;
}

/** What `batchNorm` may be told. */
export interface BatchNormOptions extends NormOptions {
  /** The share that a batch has in the running averages: 0.1, as in PyTorch. Keras counts the other share, and takes 0.99. */
  readonly momentum?: number;
}

const defaults = { epsilon: 1e-5, affine: true };
const batchDefaults = { ...defaults, momentum: 0.1 };

const normOptionsOf = (where: string, options: NormOptions | undefined) =>
  optionsOf<NormOptions, typeof defaults>(where, options, defaults);

const isCount = (x: number): boolean => Number.isInteger(x) && x > 0;

function requireFeatures(where: string, features: number): void {
  if (isCount(features)) return;
  throw new ShapeError(
    `[${where}] a layer of ${described(features)} features: their number must be whole and positive`,
  );
}

function requireEpsilon(where: string, epsilon: number): void {
  // An f32 holds it: added to a variance of 0 it must not be 0.
  if (Number.isFinite(epsilon) && Math.fround(epsilon) > 0) return;
  throw new DataError(
    `[${where}] epsilon is ${described(epsilon)} but must be above 0 and finite: it keeps a variance of 0 apart`,
  );
}

/** Fails unless x has samples, and channels as a layer was told. */
function requireInput(where: string, x: Value, features: number): void {
  const given = specOf(where, 'x', x);
  const { shape } = given;
  if (shape.length < 2) {
    throw new ShapeError(`[${where}] x is ${formatSpec(given)} but must be [N, …, C], samples first: reshape it`);
  }
  if (features !== shape.at(-1)) {
    throw new ShapeError(
      `[${where}] x is ${formatSpec(given)} with ${shape.at(-1)} features, but the layer takes ${features}: give it that number`,
    );
  }
}

/** AdamW leaves both undecayed. */
const scaleOf = (shape: Shape): ParameterDefinition => ({ shape, initial: ones, decays: false });
const shiftOf = (shape: Shape): ParameterDefinition => ({ shape, initial: zeros, decays: false });

/** What is learned of gamma and beta. */
type Affine = Partial<Readonly<Record<'gamma' | 'beta', ParameterDefinition>>>;

const affineParameters = (affine: boolean, shape: Shape): Affine =>
  affine ? { gamma: scaleOf(shape), beta: shiftOf(shape) } : {};

const full = (shape: Shape, number: number): Value =>
  constant(new Float32Array(sizeOf(shape)).fill(number), spec(shape));

/** Gamma and beta, or 1 and 0 where none are learned. */
function affineOf(bound: Partial<Record<keyof Affine, Value>>, shape: Shape): { gamma: Value; beta: Value } {
  const { gamma = full(shape, 1), beta = full(shape, 0) } = bound;
  return { gamma, beta };
}

/**
 * Brings each channel, the last axis, to mean beta and deviation gamma. In training over the batch and all other axes;
 * running averages of the batches' means and variances are kept, and take their place in evaluation.
 *
 * As PyTorch's `BatchNorm1d` … `3d`: epsilon 1e-5; running ← (1 − momentum) · running + momentum · batch with momentum 0.1,
 * of variances divided by one less than the number of values. Keras' `momentum` is the share that stays, 0.99; its epsilon
 * is 1e-3, and its running variance is divided by the number of values. With `microBatches` each part has statistics of
 * its own, and updates the averages.
 * @param features channels: the extent of x's last axis; x is `[N, …, C]`
 * @throws ShapeError for another number of channels, or, in training, one value for each; DataError for epsilon or momentum
 * Source: Ioffe and Szegedy 2015
 */
export function batchNorm(features: number, options: BatchNormOptions = {}): FloatLayer {
  const filled = optionsOf<BatchNormOptions, typeof batchDefaults>('batchNorm', options, batchDefaults);
  const { epsilon, momentum, affine } = filled;
  requireFeatures('batchNorm', features);
  requireEpsilon('batchNorm', epsilon);
  if (!(Number.isFinite(momentum) && momentum >= 0 && momentum <= 1)) {
    throw new DataError(
      `[batchNorm] momentum is ${described(momentum)} but must be 0 … 1: it is the share that a batch has in the running averages, 1 − that of Keras`,
    );
  }
  const shape = [features];
  return defineLayer({
    name: 'batchNorm',
    parameters: affineParameters(affine, shape),
    state: { runningMean: { shape, initial: zeros }, runningVariance: { shape, initial: ones } },
    apply(x, bound, context) {
      requireInput('batchNorm', x, features);
      const { gamma, beta } = affineOf(bound, shape);
      const running = { mean: bound.runningMean, variance: bound.runningVariance };
      if (context.mode !== 'train') return normalizeBy(x, running, gamma, beta, epsilon);
      const rows = sizeOf(x.spec.shape) / features;
      if (rows < 2) {
        throw new ShapeError(
          `[batchNorm] x is ${formatSpec(x.spec)}, one value for each channel: its variance is 0 and every output would be beta; train on more samples at a time, in a run's last step too, or use layerNorm or groupNorm`,
        );
      }
      const { y, ...batch } = normalizeBatch(x, gamma, beta, epsilon);
      const { mean, variance } = runningAverages(running, batch, momentum, rows);
      context.update('runningMean', mean);
      context.update('runningVariance', variance);
      return y;
    },
  });
}

/** A norm of the last axes of each sample by itself, the same in every mode. */
function lastAxesNorm(where: 'layerNorm' | 'rmsNorm', shape: Shape, parameters: Affine, epsilon: number): FloatLayer {
  if (shape.length === 0 || !shape.every(isCount)) {
    throw new ShapeError(
      `[${where}] a layer over [${shape.map(described).join(', ')}]: extents must be whole and positive, at least one`,
    );
  }
  requireEpsilon(where, epsilon);
  return defineLayer({
    name: where,
    parameters,
    apply(x, bound) {
      const given = specOf(where, 'x', x);
      if (given.shape.length < shape.length || !sameShape(given.shape.slice(-shape.length), shape)) {
        throw new ShapeError(
          `[${where}] x is ${formatSpec(given)}, but the layer is over [${shape.join(', ')}]: these must be its last axes`,
        );
      }
      const { gamma, beta } = affineOf(bound, shape);
      const samples = sizeOf(given.shape) / sizeOf(shape);
      return normalizeGroups(x, gamma, beta, { samples, epsilon, centered: where === 'layerNorm' });
    },
  });
}

/**
 * Brings the last axis, or the last axes, of each sample to mean beta and deviation gamma, as PyTorch's `LayerNorm`. Keras'
 * epsilon is 1e-3.
 * @param features extent of x's last axis, or the extents of its last axes; gamma and beta have that shape
 * @throws ShapeError unless x ends in them; DataError for epsilon     Source: Ba, Kiros and Hinton 2016
 */
export function layerNorm(features: number | Shape, options: LayerNormOptions = {}): FloatLayer {
  const layerDefaults = { ...defaults, bias: true };
  const filled = optionsOf<LayerNormOptions, typeof layerDefaults>('layerNorm', options, layerDefaults);
  const { epsilon, affine, bias } = filled;
  const shape = [features].flat();
  const { gamma, beta } = affineParameters(affine, shape);
  const parameters = { ...(gamma && { gamma }), ...(beta && bias && { beta }) };
  return lastAxesNorm('layerNorm', shape, parameters, epsilon);
}

/**
 * Divides the last axis, or the last axes, by the root of its mean square, times gamma: layer norm without a mean, and
 * without beta. As PyTorch's `RMSNorm`, whose epsilon is f32's 1.2e-7 unless it is given.
 * @param features extent of x's last axis, or the extents of its last axes
 * @throws ShapeError unless x ends in them; DataError for epsilon     Source: Zhang and Sennrich 2019
 */
export function rmsNorm(features: number | Shape, options: NormOptions = {}): FloatLayer {
  const { epsilon, affine } = normOptionsOf('rmsNorm', options);
  const shape = [features].flat();
  return lastAxesNorm('rmsNorm', shape, affine ? { gamma: scaleOf(shape) } : {}, epsilon);
}

/**
 * Brings each group of neighbouring channels of a sample to mean 0 and deviation 1 over all its pixels, then each channel
 * to gamma and beta, as PyTorch's `GroupNorm`; the same in every mode. One group is layer norm over pixels and channels,
 * as many as channels are instance norm. Keras' epsilon is 1e-3.
 * @param groups how many groups   @param features channels: the extent of x's last axis; x is `[N, …, C]`
 * @throws ShapeError unless the groups divide the channels; DataError for epsilon     Source: Wu and He 2018
 */
export function groupNorm(groups: number, features: number, options: NormOptions = {}): FloatLayer {
  const { epsilon, affine } = normOptionsOf('groupNorm', options);
  requireFeatures('groupNorm', features);
  requireEpsilon('groupNorm', epsilon);
  if (!isCount(groups) || features % groups !== 0) {
    throw new ShapeError(
      `[groupNorm] ${described(groups)} groups do not divide ${features} features: take a number that does, as 1, or ${features}`,
    );
  }
  const shape = [features];
  return defineLayer({
    name: 'groupNorm',
    parameters: affineParameters(affine, shape),
    apply(x, bound) {
      requireInput('groupNorm', x, features);
      const { gamma, beta } = affineOf(bound, shape);
      return normalizeGroups(x, gamma, beta, { groups, epsilon });
    },
  });
}

/**
 * In training whole channels of a sample become 0, each with the probability `rate`, and the others grow by 1 / (1 − rate);
 * in evaluation nothing happens. Neighbouring pixels say much the same: `dropout` would leave enough of each channel to
 * tell the rest. As Keras' `SpatialDropout1D` … `3D` and PyTorch's `Dropout1d` … `3d`.
 * @param rate 0.5 as in PyTorch; Keras has no default. x is `[N, …, C]`
 * @throws DataError unless it is at least 0 and below 1     Source: Tompson et al. 2015
 */
export function spatialDropout(rate = 0.5): FloatLayer {
  requireDropRate(rate, 'spatialDropout');
  return defineLayer({
    name: 'spatialDropout',
    apply(given, _, context) {
      const x = floatsOf('spatialDropout', 'x', given);
      const { shape } = x.spec;
      if (shape.length < 2) {
        throw new ShapeError(
          `[spatialDropout] x is ${formatSpec(x.spec)} but must be [N, …, C], samples first: reshape it`,
        );
      }
      if (context.mode !== 'train' || rate === 0) return x;
      const perChannel = shape.map((extent, axis) => (axis === 0 || axis === shape.length - 1 ? extent : 1));
      return mul(x, context.dropout('mask', full(perChannel, 1), rate));
    },
  });
}
