import { sizeOf, type Shape } from '../../../core/shape.ts';
import type { Node, Value } from '../../../graph/graph.ts';
import { reshaped } from './batchShapes.ts';
import { computedType, type ElementType } from './elementTypes.ts';
import type { Tensor } from './onnxNodes.ts';
import { inOrder, type OnnxWriter } from './onnxWriter.ts';

/* Ops that go element by element leave their operands' axes where they lie, if those of all lie alike. */

/** The order of axes in which a node's result is had for the least. */
export function orderOver({ inputs, outputs: [y] }: Node, to: OnnxWriter): readonly number[] {
  const plain = inOrder(y);
  const whole = inputs.filter((input) => isWhole(input, y) && to.known(input) === undefined);
  const orders = whole.map((input) => to.formOf(input).order);
  const fits = (order: readonly number[]): boolean =>
    whole.every((input) => to.lies(input, order)) &&
    inputs.every((input) => isWhole(input, y) || isNumber(input) || to.known(input) !== undefined);
  return orders.find((order) => fits(order)) ?? plain;
}

const isWhole = (input: Value, y: Value): boolean =>
  input.spec.shape.length === y.spec.shape.length && !isNumber(input);

const isNumber = ({ spec }: Value): boolean => sizeOf(spec.shape) === 1;

/** An operand that is broadcast to a result whose axes are in some order. */
export function operandIn(input: Value, order: readonly number[], type: ElementType, to: OnnxWriter): Tensor {
  const rank = order.length;
  const isPlain = order.every((axis, at) => axis === at);
  if (isPlain || isNumber(input)) return to.read(input, { type });
  if (input.spec.shape.length === rank) return to.read(input, { type, order });
  const missing = rank - input.spec.shape.length;
  const shape = [...new Array<number>(missing).fill(1), ...input.spec.shape];
  return to.stored(to.known(input)!, shape, { type, order });
}

/** A value of fixed extents in another shape: numbers that are known are stored so. */
export function inShape(value: Value, shape: Shape, to: OnnxWriter): Tensor {
  const known = to.known(value);
  if (known) return to.stored(known, shape, { type: 'FLOAT', order: shape.map((_, axis) => axis) });
  return reshaped(to, to.read(value), value.spec.shape, shape);
}

/** Writes what is computed element by element. @param types by input; what its dtype is computed with, if left out */
export function writeElementwise(
  node: Node,
  to: OnnxWriter,
  compute: (...operands: readonly Tensor[]) => Tensor,
  { types = [], result }: { readonly types?: readonly ElementType[]; readonly result?: ElementType } = {},
): void {
  const [y] = node.outputs;
  const order = orderOver(node, to);
  const operands = node.inputs.map((input, at) =>
    operandIn(input, order, types[at] ?? computedType[input.spec.dtype], to),
  );
  to.write(y, compute(...operands), { order, type: result ?? computedType[y.spec.dtype] });
}
