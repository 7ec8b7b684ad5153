import { sizeOf, spec, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { concat, slice } from '../../../ops/shaping/pieces.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { computable, countOf, Tensor } from '../tensor.ts';
import { axesOf, axisOf } from './axes.ts';

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
export const empty = ({ type }: Tensor, shape: Shape): Tensor => Tensor.known(type, shape, new Float64Array(0));

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

/** Operators that take apart and put together. */
export const pieceOperators: Operators = {
  Concat: { apply: concatenated },
  Slice: { known: [1, 2, 3, 4], apply: slicedAlongAxes },
  Split: { known: [1], apply: split },
};
