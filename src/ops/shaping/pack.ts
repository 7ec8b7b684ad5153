import { applyOne, type Op, type Value, type Watch } from '../../graph/graph.ts';
import { bytesOf } from '../../graph/work.ts';
import { copyInto } from './copy.ts';

interface PackAttrs {
  readonly size: number;
  readonly offsets: readonly number[];
  readonly watch?: Watch;
}

const packOp: Op<PackAttrs, 'f32'> = {
  name: 'pack',
  infer: (_, { size }) => [{ shape: [size], dtype: 'f32' }],
  cpu(inputs, [y], { attrs: { offsets } }) {
    y.fill(0);
    inputs.forEach((x, at) => y.set(x, offsets[at]));
  },
  // The planner lets most inputs be computed in place and launches copies of the others.
  gpu: (node) => node.inputs.map((_, at) => copyInto(node, at, node.attrs.offsets[at])),
  parts: ({ offsets }) => offsets,
  watches: ({ watch }) => watch,
  flops: () => 0,
  // Where only some inputs are copied, it is less.
  bytes: ({ inputs }) => 2 * bytesOf(inputs),
};

/**
 * Values at their offsets of one array, 0 between them: gradients in the layout of their parameters.
 * @param watch for those that are NaN or infinite
 */
export const pack = (values: readonly Value[], offsets: readonly number[], size: number, watch?: Watch): Value<'f32'> =>
  applyOne(packOp, values, { size, offsets, ...(watch && { watch }) });
