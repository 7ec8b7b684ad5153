import { ShapeError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/given.ts';
import { flatGrid, output, type Launch, type Word } from '../../core/launch.ts';
import {
  formatSpec,
  requireDtype,
  resolveAxis,
  sameShape,
  sizeOf,
  stridesOf,
  type Dtype,
  type Numbers,
  type Shape,
  type Spec,
} from '../../core/shape.ts';
import { collapse, eight, forEachOffset, MAX_RANK } from '../../core/strided.ts';
import {
  applyAlike,
  applyOne,
  type Node,
  type Op,
  specOf,
  type State,
  type Value,
  type Watch,
} from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { bytesOf } from '../../graph/work.ts';
import copyKernel from '../../../shaders/shaping/copy.wgsl?raw';
import padKernel from '../../../shaders/shaping/pad.wgsl?raw';

/*
 * Ops that move numbers and compute none: views, which cost nothing, and copies of boxes. Slicing and padding are
 * each other's derivative, as are concatenating and slicing, so they share this file.
 */

const words: readonly Dtype[] = ['f32', 'i32', 'u32'];

/** A box of x written into a box of y. */
interface Box {
  readonly shape: Shape;
  readonly xStart: number;
  readonly xStrides: readonly number[];
  readonly yStart: number;
  readonly yStrides: readonly number[];
}

function copyBox(x: Numbers, y: Numbers, { shape, xStart, xStrides, yStart, yStrides }: Box): void {
  forEachOffset(collapse('copy', shape, xStrides, yStrides), (_, from, to) => (y[yStart + to] = x[xStart + from]!));
}

function copyLaunch(node: Node, inputIndex: number, { shape, xStart, xStrides, yStart, yStrides }: Box): Launch {
  const walk = collapse(node.op.name, shape, xStrides, yStrides);
  const type = node.outputs[0].spec.dtype;
  const count = sizeOf(shape);
  const sizes: Word[] = [
    count,
    walk.shape.length,
    xStart,
    yStart,
    ...eight(walk.shape),
    ...walk.strides.flatMap((strides) => eight(strides.map((stride) => stride >>> 0))),
  ];
  return {
    kernel: { name: node.op.name, source: copyKernel, constants: { X: type, Y: type } },
    bindings: [inputIndex, output(0)],
    uniform: sizes,
    grid: flatGrid(count),
  };
}

/** The whole of an input, row by row, into a range of the output. */
export function copyInto(node: Node, inputIndex: number, start: number): Launch {
  const size = sizeOf(node.inputs[inputIndex].spec.shape);
  return copyLaunch(node, inputIndex, { shape: [size], xStart: 0, xStrides: [1], yStart: start, yStrides: [1] });
}

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

interface PackAttrs {
  readonly size: number;
  readonly offsets: readonly number[];
  readonly watch?: Watch;
}

const packOp: Op<PackAttrs, 'f32'> = {
  name: 'pack',
  infer: (_, { size }) => [{ shape: [size], dtype: 'f32' }],
  cpu(inputs, [y], { attrs: { offsets } }) {
    y.fill(0);
    inputs.forEach((x, at) => y.set(x, offsets[at]));
  },
  // The planner lets most inputs be computed in place and launches copies of the others.
  gpu: (node) => node.inputs.map((_, at) => copyInto(node, at, node.attrs.offsets[at])),
  parts: ({ offsets }) => offsets,
  watches: ({ watch }) => watch,
  flops: () => 0,
  // Where only some inputs are copied, it is less.
  bytes: ({ inputs }) => 2 * bytesOf(inputs),
};

/**
 * Values at their offsets of one array, 0 between them: gradients in the layout of their parameters.
 * @param watch for those that are NaN or infinite
 */
export const pack = (values: readonly Value[], offsets: readonly number[], size: number, watch?: Watch): Value<'f32'> =>
  applyOne(packOp, values, { size, offsets, ...(watch && { watch }) });

const assignOp: Op<null> = {
  name: 'assign',
  effect: true,
  inPlace: [0],
  infer([state, x]) {
    if (!sameShape(state.shape, x.shape) || state.dtype !== x.dtype) {
      throw new ShapeError(
        `[assign] the state is ${formatSpec(state)} but the value is ${formatSpec(x)}: update it with one of its own shape`,
      );
    }
    return [state];
  },
  cpu: ([, x], [y]) => y.set(x),
  gpu: (node) => [copyInto(node, 1, 0)],
  flops: () => 0,
  bytes: ({ outputs }) => 2 * bytesOf(outputs),
};

/** What a state is to hold after the step: a copy of x, made when everyone has read what it held before. */
export const assign = (state: State, x: Value): Value => applyOne(assignOp, [read(state), x], null);

const transposeOp: Op<{ readonly order: readonly number[] }> = {
  name: 'transpose',
  infer([x], { order }) {
    requireDtype('transpose', 'x', x, ...words);
    return [{ shape: order.map((axis) => x.shape[axis]), dtype: x.dtype }];
  },
  cpu: ([x], [y], node) => copyBox(x, y, transposedBox(node)),
  gpu: (node) => [copyLaunch(node, 0, transposedBox(node))],
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

interface SliceAttrs {
  readonly start: readonly number[];
  readonly shape: Shape;
  readonly step: readonly number[];
}

const sliceOp: Op<SliceAttrs> = {
  name: 'slice',
  infer([x], { shape }) {
    requireDtype('slice', 'x', x, ...words);
    return [{ shape, dtype: x.dtype }];
  },
  cpu: ([x], [y], node) => copyBox(x, y, slicedBox(node)),
  gpu: (node) => [copyLaunch(node, 0, slicedBox(node))],
  flops: () => 0,
  bytes: ({ outputs }) => 2 * bytesOf(outputs),
  vjp([dY], { inputs: [x], attrs: { start, step } }) {
    return [dY ? applyOne(padOp, [dY], { before: start, step, shape: x.spec.shape, value: 0 }) : null];
  },
};

function slicedBox({ inputs, attrs: { start, shape, step } }: Node<SliceAttrs>): Box {
  const strides = stridesOf(inputs[0].spec.shape);
  return {
    shape,
    xStart: start.reduce((total, at, axis) => total + at * strides[axis], 0),
    xStrides: strides.map((stride, axis) => stride * step[axis]),
    yStart: 0,
    yStrides: stridesOf(shape),
  };
}

export interface SliceRange {
  /** First index; counted from the end if negative. 0 if left out. */
  readonly start?: number;
  /** One past the last index; counted from the end if negative. The extent if left out. */
  readonly end?: number;
  /** Every step-th element, 1 or more. */
  readonly step?: number;
}

/** A box of x, a range per axis; axes left out or null are kept whole. */
export function slice<D extends Dtype>(x: Value<D>, ranges: readonly (SliceRange | null)[]): Value<D> {
  const given = specOf('slice', 'x', x);
  requireKind('slice', 'the box', ranges, Array.isArray(ranges), 'an array of ranges, as [{ start: 1 }, null]');
  if (ranges.length > given.shape.length) {
    throw new ShapeError(
      `[slice] ${ranges.length} ranges for ${formatSpec(given)}, which has fewer axes: give at most one for each`,
    );
  }
  const start: number[] = [];
  const shape: number[] = [];
  const step: number[] = [];
  given.shape.forEach((extent, axis) => {
    const range = optionsOf('slice', ranges[axis] ?? undefined, { start: 0, end: extent, step: 1 });
    const [from, to, by] = [wrap(range.start, extent), wrap(range.end, extent), range.step];
    if (![from, to, by].every(Number.isInteger) || from < 0 || to > extent || from >= to || by < 1) {
      throw new ShapeError(
        `[slice] ${range.start} … ${range.end} by ${by} selects nothing from axis ${axis} of ${formatSpec(given)}: start and end must lie in it, the step must be 1 or more`,
      );
    }
    start.push(from);
    shape.push(Math.ceil((to - from) / by));
    step.push(by);
  });
  return applyAlike(sliceOp, x, { start, shape, step });
}

const wrap = (index: number, extent: number): number => (index < 0 ? index + extent : index);

interface PadAttrs {
  readonly before: readonly number[];
  readonly step: readonly number[];
  readonly shape: Shape;
  readonly value: number;
}

const padOp: Op<PadAttrs> = {
  name: 'pad',
  infer([x], { shape }) {
    requireDtype('pad', 'x', x, ...words);
    if (shape.length > MAX_RANK)
      throw new ShapeError(`[pad] ${formatSpec(x)} has more than ${MAX_RANK} axes: reshape first`);
    return [{ shape, dtype: x.dtype }];
  },
  cpu([x], [y], { inputs, attrs: { before, step, shape, value } }) {
    y.fill(value);
    const strides = stridesOf(shape);
    copyBox(x, y, {
      shape: inputs[0].spec.shape,
      xStart: 0,
      xStrides: stridesOf(inputs[0].spec.shape),
      yStart: before.reduce((total, at, axis) => total + at * strides[axis], 0),
      yStrides: strides.map((stride, axis) => stride * step[axis]),
    });
  },
  gpu({ inputs, attrs: { before, step, shape, value } }) {
    const { spec } = inputs[0];
    const count = sizeOf(shape);
    const sizes: Word[] = [
      count,
      shape.length,
      spec.dtype === 'f32' ? { f32: value } : value,
      0,
      ...[shape, spec.shape, stridesOf(spec.shape), before, step].flatMap(eight),
    ];
    return [
      {
        kernel: { name: 'pad', source: padKernel, constants: { X: spec.dtype } },
        uniform: sizes,
        grid: flatGrid(count),
      },
    ];
  },
  flops: () => 0,
  vjp([dY], { inputs: [x], attrs: { before, step } }) {
    return [dY ? applyOne(sliceOp, [dY], { start: before, shape: x.spec.shape, step }) : null];
  },
};

/** x with so many elements of `value` before and after it along each axis. */
export function pad<D extends Dtype>(x: Value<D>, widths: readonly (readonly [number, number])[], value = 0): Value<D> {
  const given = specOf('pad', 'x', x);
  const arePairs = Array.isArray(widths) && widths.every((pair) => Array.isArray(pair) && pair.length === 2);
  requireKind('pad', 'the widths', widths, arePairs, 'an array of pairs, as [[1, 1], [0, 0]]');
  requireKind('pad', 'the value', value, typeof value === 'number', 'a number');
  if (widths.length !== given.shape.length || !widths.flat().every((width) => Number.isInteger(width) && width >= 0)) {
    throw new ShapeError(`[pad] ${formatSpec(given)} needs a pair of widths, 0 or more, for each of its axes`);
  }
  return applyAlike(padOp, x, {
    before: widths.map(([before]) => before),
    step: widths.map(() => 1),
    shape: given.shape.map((extent, axis) => extent + widths[axis][0] + widths[axis][1]),
    value,
  });
}

const concatOp: Op<{ readonly axis: number }> = {
  name: 'concat',
  infer(inputs, { axis }) {
    const first = inputs[0];
    requireDtype('concat', 'the first', first, ...words);
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
