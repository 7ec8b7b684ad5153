import type { Value } from '../../../graph/graph.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import { computable, floats, orderOf, Tensor, type ElementType, type Order } from '../tensor.ts';

/* Operators that go element by element keep the order in which their operands lie. */

/** Operands whose axes lie alike, to be broadcast. */
export interface Aligned {
  readonly values: readonly Value[];
  readonly order: Order;
}

const isStill = (order: Order): boolean => order.every((axis, at) => axis === at);

/** Some inputs as values whose axes lie in one order, as many as the largest has. */
export function alignedInputs(node: OnnxNode, places: readonly number[]): Aligned {
  const tensors = places.map((at) => node.tensor(at));
  const rank = Math.max(...tensors.map(({ shape }) => shape.length));
  const other = tensors.find(({ order, shape }) => shape.length === rank && !isStill(order));
  const order = other?.order ?? Array.from({ length: rank }, (_, axis) => axis);
  return { values: tensors.map((tensor) => inOrder(node, tensor, order)), order };
}

/** A tensor in an order of as many axes or more: those that it lacks are in front, of one element. */
function inOrder(node: OnnxNode, tensor: Tensor, order: Order): Value {
  const { shape, type, numbers } = tensor;
  if (isStill(order)) return node.asValue(tensor);
  if (shape.length === order.length) {
    const known = numbers && type !== 'float' ? Tensor.of(node.asValue(tensor), type) : tensor;
    return known.as(order);
  }
  // A scalar broadcasts to whatever there is.
  if (shape.every((extent) => extent === 1)) return reshape(node.asValue(tensor), []);
  const missing = order.length - shape.length;
  const whole = [...order.slice(0, missing).map(() => 1), ...shape];
  return Tensor.of(reshape(node.asValue(tensor), whole), type).as(order);
}

/** What a function makes of the elements of some inputs, as f32. */
export function elementwise(
  node: OnnxNode,
  places: readonly number[],
  f: (...values: Value<'f32'>[]) => Value,
  type: ElementType = 'float',
): Tensor {
  const { values, order } = alignedInputs(node, places);
  return inThisOrder(f(...values.map(floats)), type, order);
}

/** The same as numbers of their own type, if all are integers; else as f32. */
export function numberwise(node: OnnxNode, places: readonly number[], f: (...values: Value[]) => Value): Tensor {
  const { values, order } = alignedInputs(node, places);
  const type = node.tensor(places[0]).type;
  const own = values.map(computable);
  const alike = own.every(({ spec }) => spec.dtype === own[0].spec.dtype) ? own : values.map(floats);
  return inThisOrder(f(...alike), type, order);
}

/** @param order of as many axes as the value has */
function inThisOrder(value: Value, type: ElementType, order: Order): Tensor {
  return Tensor.of(value, type, value.spec.shape.length === order.length ? order : orderOf(value.spec.shape));
}
