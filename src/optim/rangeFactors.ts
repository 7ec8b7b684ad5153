import { flatGrid } from '../core/launch.ts';
import { BLOCK, type Range } from '../core/parameterLayout.ts';
import { spec } from '../core/shape.ts';
import { applyOne, type Op, type Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { blockNorms, normAccuracy, normOfNumbers, squaring } from './norms.ts';
import rangeFactorsKernel from '../../shaders/optim/rangeFactors.wgsl?raw';

/* Norms of single parameters, of all in two launches, and a factor of each that its blocks carry to the next kernel. */

/** A factor that depends on a norm and a limit. */
export interface RangeFactor {
  readonly name: string;
  of(norm: number, limit: number): number;
  /** The same, as the body of a WGSL function of `norm`, the limit being `sizes.limit`. */
  readonly wgsl: string;
}

interface Attrs {
  readonly limit: number;
}

/** An op of norms by block, groups and ranges: groups with the factor of each block's parameter as the last number. */
export const rangeFactorsOp = ({ name, of, wgsl }: RangeFactor): Op<Attrs> => ({
  name,
  infer: ([norms]) => [spec([norms.shape[0], 4])],
  cpu([norms, groups, ranges], [table], { attrs: { limit } }) {
    table.set(groups.subarray(0, table.length));
    for (let at = 0; at < ranges.length; at += 2) {
      const [first, end] = [ranges[at], ranges[at + 1]];
      const factor = of(normOfNumbers(norms, first, end), limit);
      for (let block = first; block < end; block++) table[4 * block + 3] = factor;
    }
  },
  gpu({ inputs: [, , ranges], attrs: { limit } }) {
    const [count] = ranges.spec.shape;
    return [
      {
        kernel: {
          name,
          source: rangeFactorsKernel,
          functions: { ...squaring, factor: `fn factor(norm: f32) -> f32 {\n${wgsl}\n}` },
        },
        uniform: [count, { f32: limit }],
        grid: flatGrid(count, 1),
      },
    ];
  },
  accuracy: ({ inputs: [norms] }) => normAccuracy(norms.spec.shape[0]),
});

/** The table of groups with a factor for each parameter of a page; together the ranges cover all of it. */
export function rangeFactors(
  op: Op<Attrs>,
  x: Value,
  { groups, ranges, limit }: { readonly groups: Value; readonly ranges: readonly Range[]; readonly limit: number },
): Value {
  const blocks = ranges.flatMap(({ offset, size }) => [offset / BLOCK, Math.ceil((offset + size) / BLOCK)]);
  const table = constant(Uint32Array.from(blocks), spec([ranges.length, 2], 'u32'));
  return applyOne(op, [blockNorms(x), groups, table], { limit });
}
