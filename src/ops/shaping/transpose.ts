import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { formatSpec, requireDtype, resolveAxis, stridesOf, type Dtype } from '../../core/shape.ts';
import { applyAlike, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { copyBox, copyInWasm, copyLaunch, wordDtypes, type Box } from './copy.ts';

const transposeOp: Op<{ readonly order: readonly number[] }> = {
  name: 'transpose',
  epilogue: true,
  infer([x], { order }) {
    requireDtype('transpose', 'x', x, ...wordDtypes);
    return [{ shape: order.map((axis) => x.shape[axis]), dtype: x.dtype }];
  },
  cpu: ([x], [y], node) => copyBox(x, y, transposedBox(node)),
  gpu: (node) => [copyLaunch(node, 0, transposedBox(node))],
  wasm: (node) => ({ launches: [copyInWasm(node, 0, transposedBox(node))] }),
  flops: () => 0,
  vjp([dY], { attrs: { order } }) {
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return [dY ? applyOne(transposeOp, [dY], { order: inverse }) : null];
  },
};

function transposedBox({ inputs, outputs, attrs }: Node<{ readonly order: readonly number[] }>): Box {
  const { shape } = outputs[0].spec;
  const strides = stridesOf(inputs[0].spec.shape);
  return {
    shape,
    xStart: 0,
    xStrides: attrs.order.map((axis) => strides[axis]),
    yStart: 0,
    yStrides: stridesOf(shape),
  };
}

/** Axes in another order; reversed if none is given. */
export function transpose<D extends Dtype>(x: Value<D>, order?: readonly number[]): Value<D> {
  const given = specOf('transpose', 'x', x);
  const rank = given.shape.length;
  requireKind('transpose', 'the order', order, order === undefined || Array.isArray(order), 'an array of axes');
  const reversed = Array.from({ length: rank }, (_, at) => rank - 1 - at);
  const resolved = order?.map((axis) => resolveAxis('transpose', axis, given)) ?? reversed;
  if (new Set(resolved).size !== rank || resolved.length !== rank) {
    throw new ShapeError(`[transpose] [${resolved.join(', ')}] does not name each axis of ${formatSpec(given)} once`);
  }
  return applyAlike(transposeOp, x, { order: resolved });
}
