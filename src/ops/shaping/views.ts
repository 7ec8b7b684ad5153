import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { formatSpec, sameShape, sizeOf, type Dtype, type Shape } from '../../core/shape.ts';
import { applyAlike, applyOne, type Node, type Op, specOf, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';

/* Ops that see the numbers of another value, in place: they have no launch. */

interface ViewAttrs {
  readonly label?: string;
  readonly shape: Shape;
  readonly offset: number;
}

const viewOp: Op<ViewAttrs> = {
  name: 'view',
  infer: ([x], { shape }) => [{ shape, dtype: x.dtype }],
  cpu([x], [y], { attrs: { offset } }) {
    y.set(x.subarray(offset, offset + y.length));
  },
  gpu: () => [],
  view: ({ offset }) => offset,
};

/** A named range of a state: a parameter in its arena. It is a leaf for differentiation. */
export const viewOf = (state: State, label: string, shape: Shape, offset: number): Value =>
  applyOne(viewOp, [read(state)], { label, shape, offset });

/** What such a range is called; undefined of another node. */
export const viewLabel = (node: Node): string | undefined =>
  node.op === (viewOp as Op) ? (node.attrs as ViewAttrs).label : undefined;

/** A range of a value's numbers, in another shape; it begins at a multiple of 64, as bindings do. No launch. */
export const part = <D extends Dtype>(x: Value<D>, shape: Shape, offset: number): Value<D> =>
  applyAlike(viewOp, x, { shape, offset });

const reshapeOp: Op<{ readonly shape: Shape }> = {
  name: 'reshape',
  infer([x], { shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        `[reshape] ${formatSpec(x)} has ${sizeOf(x.shape)} elements but [${shape.join(', ')}] has ${sizeOf(shape)}: keep their number`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  cpu: ([x], [y]) => y.set(x),
  gpu: () => [],
  view: () => 0,
  vjp: ([dY], { inputs: [x] }) => [dY ? reshape(dY, x.spec.shape) : null],
};

/** The same elements in another shape; one extent may be −1, which is then computed. No launch. */
export function reshape<D extends Dtype>(x: Value<D>, shape: Shape): Value<D> {
  const given = specOf('reshape', 'x', x);
  requireKind('reshape', 'the shape', shape, Array.isArray(shape), 'an array of extents');
  if (shape.some((extent) => !Number.isInteger(extent) || extent < -1)) {
    throw new ShapeError(`[reshape] [${shape.join(', ')}] is no shape: extents are whole, 0 or more, or −1 once`);
  }
  const known = shape.filter((extent) => extent !== -1);
  const free = sizeOf(given.shape) / sizeOf(known);
  if (shape.length - known.length > 1 || (known.length < shape.length && !Number.isInteger(free))) {
    throw new ShapeError(
      `[reshape] ${formatSpec(given)} does not fit [${shape.join(', ')}]: at most one extent may be −1, and the others must divide ${sizeOf(given.shape)}`,
    );
  }
  const resolved = shape.map((extent) => (extent === -1 ? free : extent));
  return sameShape(resolved, given.shape) ? x : applyAlike(reshapeOp, x, { shape: resolved });
}

/** What a value was before it was given other shapes. */
export function unreshaped(x: Value): Value {
  let value = x;
  while (value.node.op === (reshapeOp as Op)) value = value.node.inputs[0];
  return value;
}

const stopGradientOp: Op<null> = {
  name: 'stopGradient',
  infer: ([x]) => [x],
  cpu: ([x], [y]) => y.set(x),
  gpu: () => [],
  view: () => 0,
  vjp: () => [null],
};

/** x itself, through which no gradient flows: a target that the model computes is one to compare with, not to change. */
export const stopGradient = <D extends Dtype>(x: Value<D>): Value<D> => applyAlike(stopGradientOp, x, null);

const behindOp: Op<null> = {
  name: 'behind',
  infer: ([x]) => [x],
  cpu: ([x], [y]) => y.set(x),
  gpu: () => [],
  view: () => 0,
};

/** x itself, for who is to come behind what makes others, too. No launch. */
export const behind = (x: Value, others: readonly Value[]): Value => applyOne(behindOp, [x, ...others], null);

/** All axes but the first become one: `[N, …]` to `[N, C]`. */
export const flatten = <D extends Dtype>(x: Value<D>): Value<D> =>
  reshape(x, [specOf('flatten', 'x', x).shape[0] ?? 1, -1]);
