import { ShapeError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { flatGrid, type Word } from '../../core/launch.ts';
import { formatSpec, requireDtype, sizeOf, stridesOf, type Dtype, type Shape } from '../../core/shape.ts';
import { eight, MAX_RANK } from '../../core/strided.ts';
import { applyAlike, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { bytesOf } from '../../graph/work.ts';
import { copyBox, copyLaunch, copyText, wordDtypes, type Box } from './copy.ts';
import padKernel from '../../../shaders/shaping/pad.wgsl?raw';

/* Slicing and padding are each other's derivative, so they share this file. */

interface SliceAttrs {
  readonly start: readonly number[];
  readonly shape: Shape;
  readonly step: readonly number[];
}

export const sliceOp: Op<SliceAttrs> = {
  name: 'slice',
  epilogue: true,
  infer([x], { shape }) {
    requireDtype('slice', 'x', x, ...wordDtypes);
    return [{ shape, dtype: x.dtype }];
  },
  cpu: ([x], [y], node) => copyBox(x, y, slicedBox(node)),
  gpu: (node) => [copyLaunch(node, 0, slicedBox(node))],
  inline: (node, [x], store) => ({ statements: copyText(slicedBox(node), x, store) }),
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

/** A part of an axis. */
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

export const padOp: Op<PadAttrs> = {
  name: 'pad',
  infer([x], { shape }) {
    requireDtype('pad', 'x', x, ...wordDtypes);
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

/** x where it begins so far along each axis of a larger shape, and 0 around it. */
export const padTo = (x: Value, before: readonly number[], shape: Shape): Value =>
  applyOne(padOp, [x], { before, step: shape.map(() => 1), shape, value: 0 });

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
