import type { Value } from '../../../graph/graph.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { add, mul, sub } from '../../../ops/pointwise/arithmetic.ts';
import { concat, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';

const HEADS_BEHIND = [0, 2, 1, 3] as const;

/** Pairs of features, turned by an angle for each place. Source: onnx/docs/Operators.md, RotaryEmbedding */
function turned(node: OnnxNode): Tensor {
  const tensor = node.tensor(0);
  const isFlat = tensor.shape.length === 3;
  const said = node.int('num_heads', 0);
  const heads = isFlat ? said : tensor.shape[1];
  if (isFlat && (heads < 1 || tensor.shape[2] % heads !== 0)) {
    node.refuse(`has ${heads} heads of ${tensor.shape[2]} features`, 'say num_heads, or give four axes');
  }
  const x = isFlat
    ? reshape(node.float(0), [tensor.shape[0], tensor.shape[1], heads, tensor.shape[2] / heads])
    : floats(tensor.as(HEADS_BEHIND));
  const [samples, steps, , width] = x.spec.shape;
  const rotated = node.int('rotary_embedding_dim', 0) || width;
  const half = rotated / 2;
  const isPaired = node.int('interleaved', 0) === 1;
  const angle = (at: number): Value => {
    const rows = node.has(3) ? gather(node.float(at), node.integers(3), 0) : node.float(at);
    return reshape(rows, [rows.spec.shape[0], steps, 1, half]);
  };
  const [cosine, sine] = [angle(1), angle(2)];
  const [first, second] = halvesOf(part(x, 0, rotated), isPaired);
  const real = sub(mul(cosine, first), mul(sine, second));
  const imaginary = add(mul(sine, first), mul(cosine, second));
  const pairs = isPaired
    ? reshape(
        concat(
          [real, imaginary].map((one) => reshape(one, [...one.spec.shape, 1])),
          4,
        ),
        [samples, steps, heads, rotated],
      )
    : concat([real, imaginary], 3);
  const y = rotated < width ? concat([pairs, part(x, rotated, width)], 3) : pairs;
  return isFlat ? Tensor.of(reshape(y, tensor.shape), 'float') : Tensor.of(y, 'float', HEADS_BEHIND);
}

const part = (x: Value, start: number, end: number, step = 1): Value =>
  slice(x, [null, null, null, { start, end, step }]);

/** The first and the second of each pair: neighbours, or those that are half of the features apart. */
function halvesOf(x: Value, isPaired: boolean): readonly [Value, Value] {
  const width = x.spec.shape[3];
  return isPaired ? [part(x, 0, width, 2), part(x, 1, width, 2)] : [part(x, 0, width / 2), part(x, width / 2, width)];
}

/** Positions as angles. */
export const rotaryOperators: Operators = {
  RotaryEmbedding: { apply: turned },
};
