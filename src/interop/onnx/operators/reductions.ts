import { sizeOf, spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { logSoftmax, softmax } from '../../../ops/losses/softmax.ts';
import { abs, add, equal, mul, neg, sub } from '../../../ops/pointwise/arithmetic.ts';
import { exp, log, sqrt } from '../../../ops/pointwise/elementary.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { argmax } from '../../../ops/reductions/argmax.ts';
import { max, min } from '../../../ops/reductions/extremum.ts';
import { mean, sum } from '../../../ops/reductions/sum.ts';
import { slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operator, Operators } from '../operator.ts';
import { floats, Tensor, type Order } from '../tensor.ts';
import { axesOf, axisOf, saidAxes } from './axes.ts';

interface Over {
  readonly axes: readonly number[];
  readonly keepDimensions: boolean;
}

/**
 * Over some axes, which stay as ones of one element unless it is said.
 * @param ofNothing what it makes of no elements   @param since the opset since which axes are an input
 */
const reduction = (f: (x: Value<'f32'>, over: Over) => Value, ofNothing: number, since = 18): Operator => ({
  known: [1],
  apply(node) {
    const x = node.tensor(0);
    const rank = x.shape.length;
    const said = saidAxes(node, 1, since) ?? [];
    const keepDimensions = node.int('keepdims', 1) === 1;
    if (node.int('noop_with_empty_axes', 0) === 1 && said.length === 0) return x;
    const axes = said.length === 0 ? x.shape.map((_, axis) => axis) : axesOf(node, said, rank);
    if (sizeOf(x.shape) === 0) return filled(x, axes, keepDimensions, ofNothing);
    for (const axis of axes) node.requireApart(axis);
    const order: Order = keepDimensions && !x.numbers ? x.order : x.shape.map((_, axis) => axis);
    const value = x.numbers ? floats(node.asValue(x)) : floats(x.as(order));
    const over = { axes: axes.map((axis) => order.indexOf(axis)).toSorted((a, b) => a - b), keepDimensions };
    const result = f(value, over);
    return keepDimensions ? Tensor.of(result, x.type, order) : Tensor.of(result, x.type);
  },
});

/** What is made of no elements. */
function filled({ shape, type }: Tensor, axes: readonly number[], keepDimensions: boolean, number: number): Tensor {
  const own = shape.flatMap((extent, axis) => (axes.includes(axis) ? (keepDimensions ? 1 : []) : extent));
  // The largest truth of none is false.
  const each = type === 'bool' ? Math.max(0, Math.min(1, number)) : number;
  return Tensor.known(type, own, new Float64Array(sizeOf(own)).fill(each));
}

/** log Σ eˣ, without an overflow on the way. */
function logSumExp(x: Value<'f32'>, { axes, keepDimensions }: Over): Value {
  const largest = max(x, { axes, keepDimensions: true });
  const total = add(log(sum(exp(sub(x, largest)), { axes, keepDimensions: true })), largest);
  const shape = total.spec.shape.filter((_, axis) => keepDimensions || !axes.includes(axis));
  return reshape(total, shape);
}

/** Π x, one slice of an axis after the other. */
function productOf(x: Value<'f32'>, { axes, keepDimensions }: Over): Value {
  let result: Value = x;
  for (const axis of axes) {
    const pieces = Array.from({ length: x.spec.shape[axis] }, (_, at) =>
      slice(
        result,
        result.spec.shape.map((__, other) => (other === axis ? { start: at, end: at + 1 } : null)),
      ),
    );
    result = pieces.reduce((a, b) => mul(a, b));
  }
  return reshape(
    result,
    result.spec.shape.filter((_, axis) => keepDimensions || !axes.includes(axis)),
  );
}

/** Along one axis, which is brought to the end; before opset 13 along all axes from there on, as one. */
function alongAxis(node: OnnxNode, f: (x: Value) => Value): Tensor {
  const x = node.tensor(0);
  const rank = x.shape.length;
  const axis = axisOf(node, node.int('axis', node.opset < 13 ? 1 : -1), rank);
  node.requireApart(axis);
  if (node.opset < 13) {
    const flat = reshape(node.float(0), [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
    return Tensor.of(reshape(f(flat), x.shape), 'float');
  }
  const order = [...x.shape.map((_, at) => at).filter((at) => at !== axis), axis];
  return Tensor.of(f(floats(x.as(order))), 'float', order);
}

/** Where the largest element of an axis is. */
const place = (sign: 1 | -1): Operator => ({
  apply(node) {
    const x = node.float(0);
    const { shape } = x.spec;
    const axis = axisOf(node, node.int('axis', 0), shape.length);
    const keeps = node.int('keepdims', 1) === 1;
    const found = placeOfLargest(sign === 1 ? x : neg(x), axis, node.int('select_last_index', 0) === 1);
    return Tensor.of(
      keeps
        ? reshape(
            found,
            shape.map((extent, at) => (at === axis ? 1 : extent)),
          )
        : found,
      'int',
    );
  },
});

/** The last of equals is the first from behind. */
function placeOfLargest(x: Value, axis: number, isLast: boolean): Value<'i32'> {
  if (!isLast) return argmax(x, axis);
  const extent = x.spec.shape[axis];
  const backwards = Int32Array.from({ length: extent }, (_, at) => extent - 1 - at);
  return sub(extent - 1, argmax(gather(x, constant(backwards, spec([extent], 'i32')), axis), axis));
}

/** 1 at the first of the largest elements, else 0. */
function hardmax(x: Value): Value {
  const width = x.spec.shape.at(-1)!;
  const found = cast(argmax(x, -1), 'f32');
  const counted = Float32Array.from({ length: width }, (_, at) => at);
  return cast(equal(reshape(found, [...found.spec.shape, 1]), constant(counted, spec([width]))), 'f32');
}

/** Operators that bring axes together. */
export const reductionOperators: Operators = {
  ArgMax: place(1),
  ArgMin: place(-1),
  Hardmax: { apply: (node) => alongAxis(node, hardmax) },
  LogSoftmax: { apply: (node) => alongAxis(node, logSoftmax) },
  ReduceL1: reduction((x, over) => sum(abs(x), over), 0),
  ReduceL2: reduction((x, over) => sqrt(sum(mul(x, x), over)), 0),
  ReduceLogSum: reduction((x, over) => log(sum(x, over)), -Infinity),
  ReduceLogSumExp: reduction(logSumExp, -Infinity),
  ReduceMax: reduction(max, -Infinity),
  ReduceMean: reduction(mean, NaN),
  ReduceMin: reduction(min, Infinity),
  ReduceProd: reduction(productOf, 1),
  ReduceSum: reduction(sum, 0, 13),
  ReduceSumSquare: reduction((x, over) => sum(mul(x, x), over), 0),
  Softmax: { apply: (node) => alongAxis(node, softmax) },
};
