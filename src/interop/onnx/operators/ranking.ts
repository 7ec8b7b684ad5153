import { sizeOf } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { add, equal, mul, neg, where } from '../../../ops/pointwise/arithmetic.ts';
import { argmax } from '../../../ops/reductions/argmax.ts';
import { concat } from '../../../ops/shaping/pieces.ts';
import { reshape, stopGradient } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';
import { axisOf } from './axes.ts';
import { counted } from './counted.ts';

/** Each is a search of its own. */
const MOST = 64;

/** The largest elements of an axis, or the smallest, and where they are: one after the other, each out of what is left. */
function largest(node: OnnxNode): Tensor[] {
  const x = node.tensor(0);
  const axis = axisOf(node, node.int('axis', -1), x.shape.length);
  const isLargest = node.int('largest', 1) === 1;
  // In no order is in any order.
  node.int('sorted', 1);
  const wanted = node.opset < 10 ? node.int('k', 1) : node.knownNumber(1, 1);
  const width = x.shape[axis];
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > Math.min(width, MOST)) {
    node.refuse(`wants ${wanted} of ${width}`, `1 to ${MOST} are read, and as many as there are`);
  }
  const order = [...x.shape.map((_, at) => at).filter((at) => at !== axis), axis];
  const value = floats(x.as(order));
  const front = value.spec.shape.slice(0, -1);
  const count = sizeOf(front);
  const rows = reshape(value, [count, width]);
  const flat = reshape(value, [-1]);
  let left: Value = stopGradient(isLargest ? rows : neg(rows));
  const [values, places]: [Value[], Value[]] = [[], []];
  for (let at = 0; at < wanted; at++) {
    const place = argmax(left, 1);
    places.push(reshape(place, [...front, 1]));
    const own = add(place, mul(counted(count), width));
    values.push(reshape(gather(flat, own), [...front, 1]));
    left = where(equal(reshape(place, [count, 1]), counted(width, [1, width])), -Infinity, left);
  }
  return [Tensor.of(concat(values, -1), x.type, order), Tensor.of(concat(places, -1), 'int', order)];
}

/** Operators that put numbers in order. */
export const rankingOperators: Operators = {
  TopK: { known: [1], apply: largest },
};
