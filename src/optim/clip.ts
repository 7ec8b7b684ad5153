import type { Kernel } from '../core/launch.ts';
import { spec } from '../core/shape.ts';
import { applyOne, type Op, type Value } from '../graph/graph.ts';
import { bytesOf, elementsOf } from '../graph/work.ts';
import { normAccuracy, normOfNumbers, partNorms, squaring } from './norms.ts';
import { rowAt, type UpdateInputs } from './optimizer.ts';
import { rangeFactors, rangeFactorsOp } from './rangeFactors.ts';
import clipNormKernel from '../../shaders/optim/clipNorm.wgsl?raw';

/**
 * What becomes of large gradients before decay is added to them: each number is cut to −value … value; each parameter's
 * gradient by itself is scaled so that its norm is at most `norm`; or all that a phase trains, whichever optimizer they
 * are of, so that their norm together is at most `globalNorm`. As PyTorch's `clip_grad_value_` and `clip_grad_norm_` do,
 * the latter of one parameter at a time for `norm`, which is Keras' `clipnorm`. Source: Pascanu et al. 2013.
 */
export type Clip = { readonly value: number } | { readonly norm: number } | { readonly globalNorm: number };

/** In PyTorch's clip_grad_norm_. */
const EPSILON = 1e-6;

const clipNormOp: Op<{ readonly limit: number }> = {
  name: 'clipNorm',
  infer: () => [spec([1, 4])],
  cpu([norms, schedule, control], [row], { attrs: { limit } }) {
    const size = normOfNumbers(norms) + EPSILON;
    row.set(rowAt(schedule, control));
    row[3] = size <= limit ? 1 : limit / size;
  },
  gpu: ({ inputs: [norms, schedule], attrs: { limit } }) => [
    {
      kernel: { name: 'clipNorm', source: clipNormKernel, functions: squaring },
      uniform: [norms.spec.shape[0], schedule.spec.shape[0], { f32: limit }],
      grid: [1, 1, 1],
    },
  ],
  flops: ({ inputs: [norms] }) => 2 * elementsOf([norms]),
  // Of the schedule, a row.
  bytes: ({ inputs: [norms, , control], outputs }) => bytesOf([norms, control]) + 2 * bytesOf(outputs),
  accuracy: ({ inputs: [norms] }) => normAccuracy(norms.spec.shape[0]),
};

const clipRangesOp = rangeFactorsOp({
  name: 'clipRanges',
  of: (norm, limit) => (norm + EPSILON <= limit ? 1 : limit / (norm + EPSILON)),
  wgsl: `
  let size = norm + ${EPSILON};
  // A norm that is NaN is not below the limit, and comes out as NaN.
  return select(sizes.limit / size, 1.0, size <= sizes.limit);`,
});

/**
 * The tables for an update whose gradients are clipped: the factor of their norm together stands in the step's row, which
 * is then the only one; those of each parameter's own norm in the rows of its blocks.
 */
export function clippedTables(
  clip: Clip | undefined,
  {
    gradients,
    allGradients = [gradients],
    groups,
    schedule,
    control,
    ranges,
  }: Omit<UpdateInputs, 'parameters' | 'moments'>,
): { readonly groups: Value; readonly schedule: Value } {
  if (clip && 'norm' in clip) {
    return { groups: rangeFactors(clipRangesOp, gradients, { groups, ranges, limit: clip.norm }), schedule };
  }
  if (clip && 'globalNorm' in clip) {
    const row = applyOne(clipNormOp, [partNorms(allGradients), schedule, control], { limit: clip.globalNorm });
    return { groups, schedule: row };
  }
  return { groups, schedule };
}

/** A gradient as a rule sees it, for the reference, with both tables' factors; comparisons, so that NaN stays NaN. */
export function clipOf(clip: Clip | undefined): (gradient: number, ofAll: number, ofOne: number) => number {
  if (!clip) return (gradient) => gradient;
  if ('globalNorm' in clip) return (gradient, ofAll) => gradient * ofAll;
  if ('norm' in clip) return (gradient, _, ofOne) => gradient * ofOne;
  const { value } = clip;
  return (gradient) => (gradient > value ? value : gradient < -value ? -value : gradient);
}

/** The same in WGSL. */
export function clipFunctions(clip: Clip | undefined): NonNullable<Kernel['functions']> {
  if (!clip) return {};
  const head = 'fn clipped(gradient: f32, now: vec4f, group: vec4f) -> f32';
  const body =
    'globalNorm' in clip
      ? 'gradient * now.w'
      : 'norm' in clip
        ? 'gradient * group.w'
        : 'select(select(gradient, sizes.limit, gradient > sizes.limit), -sizes.limit, gradient < -sizes.limit)';
  return { clipped: `${head} {\n  return ${body};\n}` };
}

/** What that WGSL calls `sizes.limit`. */
export const limitOf = (clip: Clip | undefined): number => (clip && 'value' in clip ? clip.value : 0);
