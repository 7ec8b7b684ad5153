import { sizeOf } from '../../../core/shape.ts';
import { onnxTypeOf } from '../elementTypes.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operator, Operators } from '../operator.ts';
import { countOf, knownInts, Tensor } from '../tensor.ts';

/* Numbers that are there while a model is read. */

function range(node: OnnxNode): Tensor {
  node.int('stash_type', 1);
  const [start, limit, delta] = [0, 1, 2].map((at) => node.knownNumber(at, 0));
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  node.requireRoom(count);
  return Tensor.known(
    node.tensor(0).type,
    [count],
    Float64Array.from({ length: count }, (_, at) => start + at * delta),
  );
}

function constantOfShape(node: OnnxNode): Tensor {
  const shape = node.knownCounts(0);
  const value = node.constantOf('value');
  node.requireRoom(sizeOf(shape));
  return Tensor.known(value?.type ?? 'float', shape, new Float64Array(sizeOf(shape)).fill(value?.numbers?.[0] ?? 0));
}

function constantNode(node: OnnxNode): Tensor {
  const tensor = node.constantOf('value');
  if (tensor) return tensor;
  if (node.says('value_float')) return Tensor.known('float', [], Float64Array.of(node.real('value_float', 0)));
  if (node.says('value_int')) return knownInts([node.int('value_int', 0)], []);
  if (node.says('value_ints')) return knownInts(node.ints('value_ints'));
  if (node.says('value_floats')) {
    const numbers = node.reals('value_floats');
    return Tensor.known('float', [numbers.length], Float64Array.from(numbers));
  }
  node.refuse('holds a text, or nothing', 'only tensors, numbers and lists of numbers are read');
}

function shapeOf(node: OnnxNode): Tensor {
  const { shape } = node.tensor(0);
  const [start, end] = [node.int('start', 0), node.int('end', shape.length)];
  return knownInts(shape.slice(start, end));
}

/** Ones on a diagonal. */
function diagonal(node: OnnxNode): Tensor {
  const { shape, type } = node.tensor(0);
  const said = node.int('dtype', 0);
  const k = node.int('k', 0);
  const [rows, columns] = shape;
  node.requireRoom(rows * columns);
  const ones = Float64Array.from({ length: rows * columns }, (_, at) =>
    (at % columns) - Math.floor(at / columns) === k ? 1 : 0,
  );
  return Tensor.known(said === 0 ? type : (onnxTypeOf(said).type ?? 'float'), shape, ones);
}

/** A window that falls off to both sides, of cosines with such factors. Source: Harris 1978 */
const window = (factors: readonly number[]): Operator => ({
  known: [0],
  apply(node) {
    const [size] = node.knownCounts(0);
    node.int('output_datatype', 1);
    const period = node.int('periodic', 1) === 1 ? size : size - 1;
    node.requireRoom(size);
    const numbers = Float64Array.from({ length: size }, (_, at) =>
      factors.reduce((sum, factor, order) => sum + factor * Math.cos((2 * Math.PI * order * at) / period), 0),
    );
    return Tensor.known('float', [size], numbers);
  },
});

const [HAMMING, BLACKMAN, BLACKMAN_SECOND] = [25 / 46, 0.42, 0.08];

/** Operators that make numbers of none, and those that tell of shapes. */
export const constantOperators: Operators = {
  BlackmanWindow: window([BLACKMAN, -0.5, BLACKMAN_SECOND]),
  Constant: { apply: constantNode },
  ConstantOfShape: { known: [0], apply: constantOfShape },
  EyeLike: { apply: diagonal },
  HammingWindow: window([HAMMING, HAMMING - 1]),
  HannWindow: window([0.5, -0.5]),
  Range: { known: [0, 1, 2], apply: range },
  Shape: { apply: shapeOf },
  Size: { apply: (node) => knownInts([countOf(node.tensor(0))], []) },
};
