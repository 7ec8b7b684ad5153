import { sizeOf } from '../../core/shape.ts';
import { apply, type Op, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { sharedBy, sharingOf } from '../reductions/rowSharing.ts';
import kernel from '../../../shaders/products/pairSums.wgsl?raw';

/* What parts of two results make together: where both are wanted, one launch does for both. */

const pairSumsOp: Op<null> = {
  name: 'pairSums',
  infer: (inputs) => inputs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype })),
  cpu(inputs, outputs) {
    outputs.forEach((sums, at) => {
      for (let i = 0; i < sums.length; i++) {
        let total = 0;
        for (let from = i; from < inputs[at].length; from += sums.length) total += inputs[at][from];
        sums[i] = total;
      }
    });
  },
  gpu({ inputs: [a], outputs }, adapter) {
    const [first, second] = outputs.map(({ spec }) => sizeOf(spec.shape));
    const [parts] = a.spec.shape;
    const sharing = sharingOf(parts, adapter, first + second);
    return [
      {
        ...sharedBy(sharing, { name: 'pairSums', source: kernel }, first + second),
        uniform: [first, second, parts, sharing.shares],
      },
    ];
  },
  flops: ({ inputs }) => elementsOf(inputs),
  // At most 64 parts one by one, then their blocks.
  accuracy: ({ inputs: [a] }) => ({ ulps: 2 * (64 + a.spec.shape[0] / 64 + 4), magnitude: 'terms' }),
};

/** The sums of two values over their first axis, which is as long in both. @returns `a` and `b` without it */
export const pairSums = (a: Value, b: Value): readonly [Value, Value] => {
  const [first, second] = apply(pairSumsOp, [a, b], null);
  return [first, second];
};
