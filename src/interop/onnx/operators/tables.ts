import { spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { abs, div, equal, mul, sub, where } from '../../../ops/pointwise/arithmetic.ts';
import { sqrt } from '../../../ops/pointwise/elementary.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { max } from '../../../ops/reductions/extremum.ts';
import { sum } from '../../../ops/reductions/sum.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { Tensor } from '../tensor.ts';

/* Operators of ai.onnx.ml that stand in front of a network over tables, and behind it. */

const row = (numbers: readonly number[]): Value => {
  const data = Float32Array.from(numbers);
  return constant(data, spec(data.length === 1 ? [] : [data.length]));
};

/** Each row over its largest element, its sum, or its length. */
function normalized(node: OnnxNode): Tensor {
  const x = node.float(0);
  const norm = node.oneOf('norm', ['MAX', 'L1', 'L2'], 'MAX');
  const over = { axes: -1, keepDimensions: true } as const;
  const sizes = {
    MAX: () => max(abs(x), over),
    L1: () => sum(abs(x), over),
    L2: () => sqrt(sum(mul(x, x), over)),
  };
  const size = sizes[norm as keyof typeof sizes]();
  return Tensor.of(div(x, where(equal(size, 0), 1, size)), 'float');
}

/** Every operator of ai.onnx.ml that is read, by name. */
export const tableOperators: Operators = {
  ArrayFeatureExtractor: {
    apply: (node) => Tensor.of(gather(node.asValue(node.tensor(0)), node.integers(1), -1), node.tensor(0).type),
  },
  Normalizer: { apply: normalized },
  Scaler: {
    apply: (node) =>
      Tensor.of(mul(sub(node.float(0), row(node.reals('offset', [0]))), row(node.reals('scale', [1]))), 'float'),
  },
};
