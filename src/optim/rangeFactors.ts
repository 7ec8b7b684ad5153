import { flatGrid } from '../core/launch.ts';
import { BLOCK, type Range } from '../core/layout.ts';
import { spec } from '../core/shape.ts';
import { applyOne, type Op, type Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { elementsOf } from '../graph/work.ts';
import blockSquaresKernel from '../../shaders/blockSquares.wgsl?raw';
import rangeFactorsKernel from '../../shaders/rangeFactors.wgsl?raw';

/* Norms of single parameters, of all in two launches, and a factor of each that its blocks carry to the next kernel. */

const blockSquaresOp: Op<null> = {
  name: 'blockSquares',
  infer: ([x]) => [spec([x.shape[0] / BLOCK])],
  cpu([x], [squares]) {
    for (let block = 0; block < squares.length; block++) {
      let total = 0;
      for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) total += x[i] * x[i];
      squares[block] = total;
    }
  },
  gpu({ outputs: [squares] }) {
    const [blocks] = squares.spec.shape;
    return [
      {
        kernel: { name: 'blockSquares', source: blockSquaresKernel },
        uniform: [blocks],
        grid: flatGrid(blocks),
      },
    ];
  },
  flops: (node) => 2 * elementsOf(node.inputs),
  accuracy: () => ({ ulps: 2 * (BLOCK + 4), magnitude: 'result', absolute: 1e-36 }),
};

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

/** Invocations that share a parameter. */
const LANES = 64;

/** An op of squares by block, groups and ranges: groups with the factor of each block's parameter as the last number. */
export const rangeFactorsOp = ({ name, of, wgsl }: RangeFactor): Op<Attrs> => ({
  name,
  infer: ([squares]) => [spec([squares.shape[0], 4])],
  cpu([squares, groups, ranges], [table], { attrs: { limit } }) {
    table.set(groups.subarray(0, table.length));
    for (let at = 0; at < ranges.length; at += 2) {
      const [first, end] = [ranges[at], ranges[at + 1]];
      let total = 0;
      for (let block = first; block < end; block++) total += squares[block];
      const factor = of(Math.sqrt(total), limit);
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
          functions: { factor: `fn factor(norm: f32) -> f32 {\n${wgsl}\n}` },
        },
        uniform: [count, { f32: limit }],
        grid: flatGrid(count, 1),
      },
    ];
  },
  accuracy: ({ inputs: [squares] }) => ({
    ulps: squares.spec.shape[0] / LANES + LANES + 8,
    magnitude: 'result',
    // Squares of numbers beyond 2⁶⁴ are infinite in f32.
    absolute: 1e-19,
  }),
});

/** The table of groups with a factor for each parameter of an arena; together the ranges cover all of it. */
export function rangeFactors(
  op: Op<Attrs>,
  x: Value,
  { groups, ranges, limit }: { readonly groups: Value; readonly ranges: readonly Range[]; readonly limit: number },
): Value {
  const blocks = ranges.flatMap(({ offset, size }) => [offset / BLOCK, Math.ceil((offset + size) / BLOCK)]);
  const table = constant(Uint32Array.from(blocks), spec([ranges.length, 2], 'u32'));
  return applyOne(op, [applyOne(blockSquaresOp, [x], null), groups, table], { limit });
}
