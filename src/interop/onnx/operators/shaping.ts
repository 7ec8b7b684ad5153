import { broadcastShapes, sizeOf, spec, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { broadcastTo } from '../../../ops/reductions/sum.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { concat, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { computable, countOf, Tensor, type Order } from '../tensor.ts';
import { axesOf, axisOf, saidAxes, without } from './axes.ts';

/** The same numbers in another shape, in the file's order. */
function reshaped(node: OnnxNode, tensor: Tensor, shape: Shape): Tensor {
  const { numbers, type } = tensor;
  if (sizeOf(shape) !== countOf(tensor)) {
    node.refuse(
      `brings [${tensor.shape.join(', ')}] into [${shape.join(', ')}], which has other elements`,
      'the model was exported for a fixed number of samples: give as many, or export it with a dynamic first axis',
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
      'the model was exported for a fixed number of samples: give as many, or export it with a dynamic first axis',
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

/** Where a slice of an axis begins, and how many elements it takes. Source: onnx/docs/Operators.md, Slice */
function rangeOf(
  extent: number,
  start: number,
  end: number,
  step: number,
): { readonly first: number; readonly count: number } {
  const within = (at: number, low: number, high: number): number =>
    Math.max(low, Math.min(high, at < 0 ? at + extent : at));
  if (step > 0) {
    const [first, last] = [within(start, 0, extent), within(end, 0, extent)];
    return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
  }
  if (extent === 0) return { first: 0, count: 0 };
  const first = within(start, 0, extent - 1);
  // −1 would be the last element, so what lies before the first one is said by a number below −extent.
  const last = within(end, -1, extent - 1);
  return { first, count: Math.max(0, Math.ceil((first - last) / -step)) };
}

/** Elements of one axis, in steps that may go backwards. */
function sliced(x: Value, axis: number, first: number, count: number, step: number): Value {
  const extent = x.spec.shape[axis];
  if (first === 0 && step === 1 && count === extent) return x;
  if (step > 0)
    return slice(
      x,
      x.spec.shape.map((_, at) => (at === axis ? { start: first, end: first + (count - 1) * step + 1, step } : null)),
    );
  const indices = Int32Array.from({ length: count }, (_, at) => first + at * step);
  return gather(x, constantIndices(indices), axis);
}

const constantIndices = (indices: Int32Array): Value => constant(indices, spec([indices.length], 'i32'));

function slicedAlongAxes(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const isOld = node.opset < 10;
  const starts = isOld ? node.ints('starts') : node.knownInts(1);
  const ends = isOld ? node.ints('ends') : node.knownInts(2);
  const given = isOld
    ? node.ints(
        'axes',
        starts.map((_, at) => at),
      )
    : node.knownInts(
        3,
        starts.map((_, at) => at),
      );
  const axes = axesOf(node, given, x.shape.length);
  const steps = isOld
    ? starts.map(() => 1)
    : node.knownInts(
        4,
        starts.map(() => 1),
      );
  if (
    ends.length !== starts.length ||
    axes.length !== starts.length ||
    steps.length !== starts.length ||
    steps.includes(0)
  ) {
    node.refuse(
      'has other numbers of starts, ends, axes and steps, or steps of 0',
      'the file was damaged; export the model again',
    );
  }
  let value = node.asValue(x);
  const shape = [...x.shape];
  for (const [at, axis] of axes.entries()) {
    const { first, count } = rangeOf(x.shape[axis], starts[at], ends[at], steps[at]);
    shape[axis] = count;
    if (steps[at] < 0) node.requireRoom(count);
    if (count > 0 && sizeOf(shape) > 0) value = sliced(value, axis, first, count, steps[at]);
  }
  return sizeOf(shape) === 0 ? empty(x, shape) : Tensor.of(value, x.type);
}

/** What has no elements: known, as there is nothing to compute. */
const empty = ({ type }: Tensor, shape: Shape): Tensor => Tensor.known(type, shape, new Float64Array(0));

function concatenated(node: OnnxNode): Tensor {
  const all = node.inputs.map((_, at) => node.tensor(at));
  const axis = axisOf(node, node.int('axis', 0), all[0].shape.length);
  const full = all.filter((tensor) => countOf(tensor) > 0);
  if (full.length === 0) return all[0];
  // Images stay as they lie.
  const { order, type } = full.find((tensor) => !tensor.numbers) ?? full[0];
  const values = full.map((tensor) => (tensor.numbers ? Tensor.of(node.asValue(tensor), type) : tensor).as(order));
  const alike = values.every(({ spec: { dtype } }) => dtype === values[0].spec.dtype) ? values : values.map(computable);
  return Tensor.of(concat(alike, order.indexOf(axis)), type, order);
}

function split(node: OnnxNode): Tensor[] {
  const x = node.tensor(0);
  const axis = axisOf(node, node.int('axis', 0), x.shape.length);
  const extent = x.shape[axis];
  const said = node.opset >= 13 ? node.knownInts(1) : node.ints('split');
  const parts = node.opset >= 18 ? node.int('num_outputs', node.outputs.length) : node.outputs.length;
  const each = Math.ceil(extent / parts);
  const sizes = said.length > 0 ? said : Array.from({ length: parts }, (_, at) => Math.min(each, extent - at * each));
  if (sizes.reduce((total, size) => total + size, 0) !== extent || sizes.some((size) => size < 0)) {
    node.refuse(`cuts ${extent} into [${sizes.join(', ')}]`, 'the file was damaged; export the model again');
  }
  let start = 0;
  return sizes.map((size) => {
    const shape = x.shape.map((own, at) => (at === axis ? size : own));
    if (sizeOf(shape) === 0) return empty(x, shape);
    const part = sliced(node.asValue(x), axis, start, size, 1);
    start += size;
    return Tensor.of(part, x.type);
  });
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
  Concat: { apply: concatenated },
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
  Slice: { known: [1, 2, 3, 4], apply: slicedAlongAxes },
  Split: { known: [1], apply: split },
  Squeeze: { known: [1], apply: squeezed },
  Tile: { known: [1], apply: tiled },
  Transpose: { apply: transposed },
  Unsqueeze: { known: [1], apply: unsqueezed },
};
