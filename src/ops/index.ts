export * from './pointwise/activations.ts';
export * from './pointwise/arithmetic.ts';
export { attention, type AttentionOptions } from './attention/attention.ts';
export { augmentImages } from './data/augment.ts';
export { maskSequences, type Masks, type SequenceChanges } from './data/augmentSequences.ts';
export type { AugmentOptions } from './data/augmentation.ts';
export { averagePool, type AveragePoolOptions } from './pooling/averagePool.ts';
export { normalizeBatch, normalizeBy } from './normalization/batchNorm.ts';
export { cast } from './pointwise/cast.ts';
export {
  convolve,
  convolveTransposed,
  type ConvolveOptions,
  type ConvolveTransposedOptions,
} from './convolution/convolution.ts';
export { crossEntropyRows } from './losses/crossEntropy.ts';
export { ctcGreedy, type CtcGreedyOptions } from './losses/ctcGreedy.ts';
export {
  absoluteErrors,
  binaryCrossEntropies,
  huberErrors,
  kullbackLeiblerTerms,
  squaredErrors,
} from './losses/distance.ts';
export { dropElements } from './random/dropout.ts';
export { ceil, cos, erf, exp, expm1, floor, log, log1p, round, sign, sin, sqrt } from './pointwise/elementary.ts';
export { gather, type GatherOptions } from './indexing/gather.ts';
export { normalizeGroups, type NormalizeGroupsOptions } from './normalization/groupNorm.ts';
export { affine, matmul, type MatmulOptions } from './products/matmul.ts';
export { maxPool } from './pooling/maxPool.ts';
export { moments, type Moments } from './normalization/moments.ts';
export type { PoolOptions } from './pooling/pooling.ts';
export { random, type Draws } from './random/random.ts';
export { rotary, type RotaryOptions } from './attention/rotary.ts';
export { definePointwise } from './pointwise/ownPointwise.ts';
export { pointwise, type PointwiseAttrs, type PointwiseDefinition, type PointwiseOp } from './pointwise/pointwise.ts';
export { swiglu } from './pointwise/swiglu.ts';
export { argmax } from './reductions/argmax.ts';
export { broadcastTo, mean, sum } from './reductions/sum.ts';
export { max, min } from './reductions/extremum.ts';
export type { ReduceOptions } from './reductions/reduce.ts';
export { logSoftmax, softmax } from './losses/softmax.ts';
export type { Padding, Pair } from './convolution/spatial.ts';
export { upsample, type UpsampleOptions } from './pooling/upsampling.ts';
export { concat, pad, slice, type SliceRange } from './shaping/pieces.ts';
export { flatten, reshape, stopGradient } from './shaping/views.ts';
export { transpose } from './shaping/transpose.ts';
