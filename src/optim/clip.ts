import { flatGrid, type Kernel } from '../core/launch.ts';
import { spec } from '../core/shape.ts';
import { applyOne, type Op, type Value } from '../graph/graph.ts';
import { bytesOf, elementsOf } from '../graph/work.ts';
import { sqrt } from '../ops/elementary.ts';
import { sum } from '../ops/reduce.ts';
import { rowAt, type UpdateInputs } from './optimizer.ts';
import { rangeFactors, rangeFactorsOp } from './rangeFactors.ts';
import clipNormKernel from '../../shaders/clipNorm.wgsl?raw';
import squaresKernel from '../../shaders/squares.wgsl?raw';

/**
 * What becomes of large gradients before decay is added to them: each number is cut to −value … value; each parameter's
 * gradient by itself is scaled so that its norm is at most `norm`; or all that a phase trains, whichever optimizer they
 * are of, so that their norm together is at most `globalNorm`. As PyTorch's `clip_grad_value_` and `clip_grad_norm_` do,
 * the latter of one parameter at a time for `norm`, which is Keras' `clipnorm`. Source: Pascanu et al. 2013.
 */
export type Clip = { readonly value: number } | { readonly norm: number } | { readonly globalNorm: number };

/** In PyTorch's clip_grad_norm_. */
const EPSILON = 1e-6;

/** As many invocations as keep a GPU busy; few enough for one workgroup to add up their sums. */
const MOST_SUMS = 8192;

const squaresOp: Op<null> = {
  name: 'squares',
  infer: ([x]) => [spec([Math.min(x.shape[0], MOST_SUMS)])],
  cpu([x], [squares]) {
    for (let t = 0; t < squares.length; t++) {
      let total = 0;
      for (let i = t; i < x.length; i += squares.length) total += x[i] * x[i];
      squares[t] = total;
    }
  },
  gpu({ inputs: [x], outputs: [squares] }) {
    const sums = squares.spec.shape[0];
    return [
      {
        kernel: { name: 'squares', source: squaresKernel },
        uniform: [x.spec.shape[0], sums],
        grid: flatGrid(sums),
      },
    ];
  },
  flops: (node) => 2 * elementsOf(node.inputs),
  accuracy: ({ inputs: [x], outputs: [squares] }) => ({
    ulps: 2 * (64 + x.spec.shape[0] / squares.spec.shape[0] / 64 + 4),
    magnitude: 'result',
    absolute: 1e-36,
  }),
};

const clipNormOp: Op<{ readonly limit: number }> = {
  name: 'clipNorm',
  infer: () => [spec([1, 4])],
  cpu([squares, schedule, control], [row], { attrs: { limit } }) {
    let total = 0;
    for (const square of squares) total += square;
    const norm = Math.sqrt(total) + EPSILON;
    row.set(rowAt(schedule, control));
    row[3] = norm <= limit ? 1 : limit / norm;
  },
  gpu: ({ inputs: [squares, schedule], attrs: { limit } }) => [
    {
      kernel: { name: 'clipNorm', source: clipNormKernel },
      uniform: [squares.spec.shape[0], schedule.spec.shape[0], { f32: limit }],
      grid: [1, 1, 1],
    },
  ],
  flops: ({ inputs: [squares] }) => elementsOf([squares]),
  // Of the schedule, a row.
  bytes: ({ inputs: [squares, , control], outputs }) => bytesOf([squares, control]) + 2 * bytesOf(outputs),
  accuracy: ({ inputs: [squares] }) => ({
    ulps: squares.spec.shape[0] / 64 + 64 + 8,
    magnitude: 'result',
    // Squares of numbers beyond 2⁶⁴ are infinite in f32.
    absolute: 1e-19,
  }),
};

/** ‖x‖ of a whole arena. @returns `[]` */
export const normOf = (x: Value): Value => sqrt(sum(applyOne(squaresOp, [x], null)));

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
  { gradients, groups, schedule, control, ranges }: Omit<UpdateInputs, 'parameters' | 'moments'>,
): { readonly groups: Value; readonly schedule: Value } {
  if (clip && 'norm' in clip) {
    return { groups: rangeFactors(clipRangesOp, gradients, { groups, ranges, limit: clip.norm }), schedule };
  }
  if (clip && 'globalNorm' in clip) {
    const squares = applyOne(squaresOp, [gradients], null);
    const row = applyOne(clipNormOp, [squares, schedule, control], { limit: clip.globalNorm });
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
