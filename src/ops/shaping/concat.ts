import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { formatSpec, requireDtype, resolveAxis, stridesOf, type Dtype, type Spec } from '../../core/shape.ts';
import { applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { copyBox, copyLaunch, copyText, wordDtypes, type Box } from './copy.ts';
import { slice } from './sliceAndPad.ts';

const concatOp: Op<{ readonly axis: number }> = {
  name: 'concat',
  infer(inputs, { axis }) {
    const first = inputs[0];
    requireDtype('concat', 'the first', first, ...wordDtypes);
    inputs.forEach((other, at) => {
      const fits = other.shape.every((extent, i) => i === axis || extent === first.shape[i]);
      if (!fits || other.shape.length !== first.shape.length || other.dtype !== first.dtype) {
        throw new ShapeError(
          `[concat] value ${at} is ${formatSpec(other)} but value 0 is ${formatSpec(first)}: they may differ along axis ${axis} only`,
        );
      }
    });
    const length = inputs.reduce((total, { shape }) => total + shape[axis], 0);
    return [{ shape: first.shape.map((extent, i) => (i === axis ? length : extent)), dtype: first.dtype }];
  },
  cpu: (inputs, [y], node) => concatBoxes(node).forEach((box, at) => copyBox(inputs[at], y, box)),
  gpu: (node) => concatBoxes(node).map((box, at) => copyLaunch(node, at, box)),
  inline: (node, operands, store) => ({
    statements: concatBoxes(node)
      .map((box, at) => copyText(box, operands[at], store))
      .join('\n  '),
  }),
  flops: () => 0,
  vjp([dY], { inputs, attrs: { axis } }) {
    let end = 0;
    return inputs.map(({ spec }: { spec: Spec }) => {
      const start = end;
      end += spec.shape[axis];
      return dY
        ? slice(
            dY,
            spec.shape.map((_, i) => (i === axis ? { start, end } : null)),
          )
        : null;
    });
  },
};

function concatBoxes({ inputs, outputs, attrs: { axis } }: Node<{ readonly axis: number }>): Box[] {
  const yStrides = stridesOf(outputs[0].spec.shape);
  let at = 0;
  return inputs.map(({ spec: { shape } }) => {
    const yStart = at * yStrides[axis];
    at += shape[axis];
    return { shape, xStart: 0, xStrides: stridesOf(shape), yStart, yStrides };
  });
}

/** Values one behind the other along an axis. */
export function concat<D extends Dtype>(values: readonly Value<D>[], axis = 0): Value<D> {
  requireKind('concat', 'what is joined', values, Array.isArray(values), 'an array of values');
  if (values.length === 0) throw new ShapeError('[concat] there are no values to join: give at least one');
  return applyOne(concatOp, values, {
    axis: resolveAxis('concat', axis, specOf('concat', 'value 0', values[0])),
  }) as Value<D>;
}
