import { broadcastShapes, sizeOf, spec, type Shape } from '../../../core/shape.ts';
import { broadcastTo } from '../../../ops/reductions/sum.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { countOf, Tensor, type Order } from '../tensor.ts';
import { empty } from './pieces.ts';
import { axesOf, saidAxes, without } from './axes.ts';

/** The same numbers in another shape, in the file's order. */
function reshaped(node: OnnxNode, tensor: Tensor, shape: Shape): Tensor {
  const { numbers, type } = tensor;
  if (sizeOf(shape) !== countOf(tensor)) {
    node.refuse(
      `brings [${tensor.shape.join(', ')}] into [${shape.join(', ')}], which has other elements`,
      'the model was exported for a fixed number of samples: ask as many at once, as by createPredictor({ batchSize: 1 }), or export it with a dynamic first axis',
    );
  }
  return numbers ? Tensor.known(type, shape, numbers) : Tensor.of(reshape(tensor.value, shape), type);
}

/** What a shape means in which 0 stands for an extent as it is, and −1 for the rest. */
function meantShape(node: OnnxNode, given: readonly number[], from: Shape, keepsZero: boolean): number[] {
  const said = ofThisBatch(node, given, from);
  const extents = said.map((extent, axis) => (extent === 0 && !keepsZero ? (from[axis] ?? 0) : extent));
  const known = sizeOf(extents.filter((extent) => extent !== -1));
  const rest = known === 0 ? 0 : sizeOf(from) / known;
  const isShape = extents.every((extent) => extent >= -1 && Number.isSafeInteger(extent));
  if (
    !isShape ||
    extents.filter((extent) => extent === -1).length > 1 ||
    (extents.includes(-1) && !Number.isInteger(rest))
  ) {
    node.refuse(
      `brings [${from.join(', ')}] into [${said.join(', ')}], which does not fit`,
      'the model was exported for a fixed number of samples: ask as many at once, as by createPredictor({ batchSize: 1 }), or export it with a dynamic first axis',
    );
  }
  return extents.map((extent) => (extent === -1 ? rest : extent));
}

/** A shape that was exported for another number of samples, with the number that there is: at the first axis that differs. */
function ofThisBatch({ setting: { batch } }: OnnxNode, said: readonly number[], from: Shape): readonly number[] {
  if (!batch) return said;
  const at = said.findIndex((extent, axis) => extent !== from[axis]);
  const isOfSamples = said[at] === batch.exported && from[at] === batch.given;
  return isOfSamples ? said.with(at, batch.given) : said;
}

function transposed(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const rank = x.shape.length;
  const order = axesOf(
    node,
    node.ints(
      'perm',
      x.shape.map((_, axis) => rank - 1 - axis),
    ),
    rank,
  );
  if (order.length !== rank)
    node.refuse(`orders ${order.length} axes of ${rank}`, 'the file was damaged; export the model again');
  // Nothing moves: what lies in some order lies in another one of other names.
  const { native, order: own } = x.numbers ? Tensor.of(node.asValue(x), x.type) : x;
  return Tensor.of(
    native,
    x.type,
    own.map((axis) => order.indexOf(axis)),
  );
}

function expanded(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const said = node.knownCounts(1);
  const shape = broadcastShapes(node.where, spec(x.shape), spec(said));
  return sizeOf(shape) === 0 ? empty(x, shape) : Tensor.of(broadcastTo(node.asValue(x), shape), x.type);
}

function tiled(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const repeats = node.knownCounts(1);
  if (repeats.length !== x.shape.length)
    node.refuse(`repeats ${repeats.length} axes of ${x.shape.length}`, 'the file was damaged; export the model again');
  const shape = x.shape.map((extent, axis) => extent * repeats[axis]);
  if (sizeOf(shape) === 0) return empty(x, shape);
  // Each axis has one in front, along which it is repeated.
  const apart = x.shape.flatMap((extent) => [1, extent]);
  const repeated = x.shape.flatMap((extent, axis) => [repeats[axis], extent]);
  return Tensor.of(reshape(broadcastTo(reshape(node.asValue(x), apart), repeated), shape), x.type);
}

/** Axes of one element go, or come; all others lie as they lay. */
function squeezed(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const said = saidAxes(node, 1, 13);
  const axes = said
    ? axesOf(node, said, x.shape.length)
    : x.shape.flatMap((extent, axis) => (extent === 1 ? axis : []));
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const shape = without(x.shape, axes);
  if (x.numbers || sizeOf(shape) !== countOf(x)) return reshaped(node, x, shape);
  const order = x.order.filter((axis) => kept.includes(axis)).map((axis) => kept.indexOf(axis));
  return inOrder(x, shape, order);
}

function unsqueezed(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const said = saidAxes(node, 1, 13) ?? [];
  const rank = x.shape.length + said.length;
  const axes = axesOf(node, said, rank);
  const kept = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !axes.includes(axis));
  const shape = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : x.shape[kept.indexOf(axis)]));
  if (x.numbers) return reshaped(node, x, shape);
  return inOrder(x, shape, [...axes, ...x.order.map((axis) => kept[axis])]);
}

/** The same elements, in the same places, of a shape of the file that lies in an order. */
const inOrder = (x: Tensor, shape: Shape, order: Order): Tensor =>
  Tensor.of(
    reshape(
      x.native,
      order.map((axis) => shape[axis]),
    ),
    x.type,
    order,
  );

/** Operators that move numbers, and compute shapes. */
export const shapingOperators: Operators = {
  Expand: { known: [1], apply: expanded },
  Flatten: {
    apply(node) {
      const x = node.tensor(0);
      const said = node.int('axis', 1);
      const axis = said < 0 ? said + x.shape.length : said;
      return reshaped(node, x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
    },
  },
  Identity: { apply: (node) => node.tensor(0) },
  Reshape: {
    known: [1],
    apply(node) {
      const x = node.tensor(0);
      const keepsZero = node.int('allowzero', 0) === 1;
      return reshaped(node, x, meantShape(node, node.knownInts(1), x.shape, keepsZero));
    },
  },
  Squeeze: { known: [1], apply: squeezed },
  Tile: { known: [1], apply: tiled },
  Transpose: { apply: transposed },
  Unsqueeze: { known: [1], apply: unsqueezed },
};
