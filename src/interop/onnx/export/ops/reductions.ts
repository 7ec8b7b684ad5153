import { sizeOf, spec } from '../../../../core/shape.ts';
import type { Node, Value } from '../../../../graph/graph.ts';
import { input } from '../../../../graph/leaf.ts';
import { argmax } from '../../../../ops/reductions/argmax.ts';
import { max, min } from '../../../../ops/reductions/extremum.ts';
import type { ReduceAttrs } from '../../../../ops/reductions/reduce.ts';
import { broadcastTo, sum, type BroadcastAttrs, type SumAttrs } from '../../../../ops/reductions/sum.ts';
import { reshaped, shapeOf } from '../batchShapes.ts';
import type { Definition, Definitions } from '../definition.ts';
import type { Tensor } from '../onnxNodes.ts';
import { inOrder, type OnnxWriter } from '../onnxWriter.ts';

/* What goes over axes, and what repeats along them. */

const sample = (): Value => input('x', spec([2, 2]));

/** From here on all reductions are handed their axes as a tensor. */
const AXES_SINCE = 18;

type Reduction = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin';

/** A tensor reduced over some of its own axes. */
export function reduced(
  to: OnnxWriter,
  operator: Reduction,
  tensor: Tensor,
  axes: readonly number[],
  keeps: boolean,
): Tensor {
  const keepdims = Number(keeps);
  if (operator === 'ReduceSum' || to.opset >= AXES_SINCE) {
    return to.emit(operator, [tensor, to.ints(axes)], { keepdims });
  }
  return to.emit(operator, [tensor], { axes, keepdims });
}

/** Reduces a value where its axes lie, if what is left then lies in order. */
function writeReduction(
  { inputs: [x], outputs: [y], attrs: { axes, keepDimensions } }: Node<ReduceAttrs>,
  to: OnnxWriter,
  operator: Reduction,
  finish: (tensor: Tensor) => Tensor = (tensor) => tensor,
): void {
  const own = to.formOf(x).order;
  const left = own.filter((axis) => !axes.includes(axis));
  const inPlace = keepDimensions || left.every((axis, at) => at === 0 || axis > left[at - 1]);
  const order = inPlace ? own : inOrder(x);
  const given = to.read(x, { order });
  const places = axes.map((axis) => order.indexOf(axis)).sort((a, b) => a - b);
  // Without axes, ONNX would take all of them.
  const tensor = axes.length === 0 ? given : reduced(to, operator, given, places, keepDimensions);
  to.write(y, finish(tensor), keepDimensions ? { order } : {});
}

const lengthOf = ({ inputs: [x], attrs: { axes } }: Node<SumAttrs>): number =>
  sizeOf(axes.map((axis) => x.spec.shape[axis]));

const isMean = (node: Node<SumAttrs>): boolean => node.attrs.scale === 1 / lengthOf(node);

const sumDefinition: Definition<SumAttrs> = {
  use: () => sum(sample()),
  operators: ['ReduceSum', 'ReduceMean', 'Mul'],
  varies: (few, more) => (isMean(few) && isMean(more) ? ['scale'] : []),
  write(node, to) {
    const { scale } = node.attrs;
    if (isMean(node)) {
      writeReduction(node, to, 'ReduceMean');
      return;
    }
    writeReduction(node, to, 'ReduceSum', (tensor) =>
      scale === 1 ? tensor : to.emit('Mul', [tensor, to.scalar(scale)]),
    );
  },
};

const extremum = (f: (x: Value) => Value, operator: Reduction): Definition<ReduceAttrs> => ({
  use: () => f(sample()),
  operators: [operator],
  write: (node, to) => writeReduction(node, to, operator),
});

const argmaxDefinition: Definition<{ readonly axis: number }> = {
  use: () => argmax(sample()),
  operators: ['ArgMax'],
  write({ inputs: [x], outputs: [y], attrs: { axis } }, to) {
    to.write(y, to.emit('ArgMax', [to.read(x)], { axis, keepdims: 0 }), { type: 'INT64' });
  },
};

const broadcastDefinition: Definition<BroadcastAttrs> = {
  use: () => broadcastTo(sample(), [2, 2, 2]),
  operators: ['Expand', 'Mul'],
  varies: () => ['shape'],
  write({ inputs: [x], outputs: [y], attrs: { axes, scale } }, to) {
    const extents = to.extentsOf(y);
    const kept = extents.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    const { type } = to.formOf(x);
    const aligned = reshaped(to, to.read(x, { type }), to.extentsOf(x), kept);
    // What is not repeated is 1 there: both sides are broadcast.
    const repeats = extents.map((extent, axis) => (axes.includes(axis) ? extent : 1));
    const wide = to.emit('Expand', [aligned, shapeOf(to, repeats)]);
    to.write(y, scale === 1 ? wide : to.emit('Mul', [wide, to.scalar(scale)]), { type });
  },
};

export const reductionOps: Definitions = {
  sum: sumDefinition,
  max: extremum(max, 'ReduceMax'),
  min: extremum(min, 'ReduceMin'),
  argmax: argmaxDefinition,
  broadcast: broadcastDefinition,
};
