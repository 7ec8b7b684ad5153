import { sizeOf } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { logSoftmax } from '../../../ops/losses/softmax.ts';
import { add, div, equal, mul, neg, where } from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { sum } from '../../../ops/reductions/sum.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';
import { counted } from './counted.ts';
import { channelsLast } from './windows.ts';

/** Classes last, of what has samples and classes in front. */
const orderOf = ({ shape }: Tensor) =>
  shape.length < 3 ? shape.map((_, axis) => axis) : channelsLast(shape.length - 2);

/**
 * What a label's own logarithm is short of 0, weighed by class; 0 of a label that is ignored. Of several, their mean by weight.
 * @param logs by class, classes last   @param labels i32
 */
function shortfall(node: OnnxNode, logs: Value, labels: Value): Tensor {
  const { shape } = logs.spec;
  const classes = shape.at(-1)!;
  const count = sizeOf(shape.slice(0, -1));
  const ignored = node.says('ignore_index') ? node.int('ignore_index', 0) : undefined;
  const flat = reshape(labels, [count]);
  const isIgnored = ignored === undefined ? undefined : equal(flat, ignored);
  const known = isIgnored ? where(isIgnored, 0, flat) : flat;
  const own = gather(reshape(logs, [-1]), add(known, mul(counted(count), classes)));
  const given = node.has(2) ? gather(node.float(2), known) : undefined;
  const unweighted = isIgnored && cast(equal(isIgnored, 0), 'f32');
  const weights = given && unweighted ? mul(given, unweighted) : (given ?? unweighted);
  const losses = weights ? neg(mul(own, weights)) : neg(own);
  const reduction = node.oneOf('reduction', ['none', 'sum', 'mean'], 'mean');
  if (reduction === 'none') return Tensor.of(reshape(losses, shape.slice(0, -1)), 'float');
  const total = sum(losses);
  return Tensor.of(reduction === 'sum' ? total : div(total, weights ? sum(weights) : count), 'float');
}

/** Losses, as parts of a model. */
export const lossOperators: Operators = {
  NegativeLogLikelihoodLoss: {
    apply(node) {
      const x = node.tensor(0);
      return shortfall(node, floats(x.as(orderOf(x))), node.integers(1));
    },
  },
  SoftmaxCrossEntropyLoss: {
    apply(node) {
      const x = node.tensor(0);
      const logs = logSoftmax(floats(x.as(orderOf(x))));
      return [shortfall(node, logs, node.integers(1)), Tensor.of(logs, 'float', orderOf(x))];
    },
  },
};
