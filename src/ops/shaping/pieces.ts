import { ShapeError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { flatGrid, output, type Word } from '../../core/launch.ts';
import { overNumbers } from '../../core/wasmLaunch.ts';
import {
  formatSpec,
  requireDtype,
  resolveAxis,
  sameShape,
  sizeOf,
  stridesOf,
  type Dtype,
  type Shape,
  type Spec,
} from '../../core/shape.ts';
import { eight, MAX_RANK } from '../../core/strided.ts';
import { applyAlike, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { bytesOf } from '../../graph/work.ts';
import { copyBox, copyInWasm, copyLaunch, copyText, wordDtypes, type Box } from './copy.ts';
import padKernel from '../../../shaders/shaping/pad.wgsl?raw';

/*
 * Slices, pads and concatenations are each other's derivatives, so they share this file: a slice's gradient is padded, and
 * pads side by side add up to a concatenation.
 */

export interface SliceAttrs {
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
  wasm: (node) => ({ launches: [copyInWasm(node, 0, slicedBox(node))] }),
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

export interface PadAttrs {
  readonly before: readonly number[];
  readonly step: readonly number[];
  readonly shape: Shape;
  readonly value: number;
}

const padOp: Op<PadAttrs> = {
  name: 'pad',
  infer([x], { shape }) {
    requireDtype('pad', 'x', x, ...wordDtypes);
    if (shape.length > MAX_RANK)
      throw new ShapeError(`[pad] ${formatSpec(x)} has more than ${MAX_RANK} axes: reshape first`);
    return [{ shape, dtype: x.dtype }];
  },
  cpu([x], [y], node) {
    y.fill(node.attrs.value);
    copyBox(x, y, paddedBox(node));
  },
  wasm(node) {
    const { shape, value } = node.attrs;
    const bits = node.inputs[0].spec.dtype === 'f32' ? { f32: value } : value >>> 0;
    return {
      launches: [overNumbers('fill', [output(0)], sizeOf(shape), [bits]), copyInWasm(node, 0, paddedBox(node))],
    };
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
  inFewerTerms: joinPads,
  vjp([dY], { inputs: [x], attrs: { before, step } }) {
    return [dY ? applyOne(sliceOp, [dY], { start: before, shape: x.spec.shape, step }) : null];
  },
};

function paddedBox({ inputs, attrs: { before, step, shape } }: Node<PadAttrs>): Box {
  const strides = stridesOf(shape);
  return {
    shape: inputs[0].spec.shape,
    xStart: 0,
    xStrides: stridesOf(inputs[0].spec.shape),
    yStart: before.reduce((total, at, axis) => total + at * strides[axis], 0),
    yStrides: strides.map((stride, axis) => stride * step[axis]),
  };
}

/** x where it begins so far along each axis of a larger shape, and 0 around it. */
const padTo = (x: Value, before: readonly number[], shape: Shape): Value =>
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
  wasm: (node) => ({ launches: concatBoxes(node).map((box, at) => copyInWasm(node, at, box)) }),
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

/*
 * A value that is read slice by slice has a gradient in as many pieces, each padded to the whole. Added up they would cost
 * the whole for each piece: of T steps, T² of them. Pieces that touch are put side by side instead.
 */

/** A piece of a whole, and where it begins there. */
interface Piece {
  readonly value: Value;
  readonly start: readonly number[];
}

/**
 * The same sum in fewer terms: of those in a row that are pieces padded with 0, such as touch each other are one.
 * Terms keep their order; pieces that overlap stay as they are.
 */
function joinPads(terms: readonly Value[]): readonly Value[] {
  if (terms.length < 2) return terms;
  const joined: Value[] = [];
  let run: Value[] = [];
  const close = (): void => {
    joined.push(...joinRun(run));
    run = [];
  };
  for (const term of terms) {
    if (pieceOf(term)) run.push(term);
    else {
      close();
      joined.push(term);
    }
  }
  close();
  return joined;
}

/** What was padded with 0, if a value is no more than that. */
function pieceOf({ node }: Value): Piece | undefined {
  const attrs = asUseOf(padOp, node);
  const isPlain = attrs && attrs.value === 0 && attrs.step.every((step) => step === 1);
  return isPlain ? { value: node.inputs[0], start: attrs.before } : undefined;
}

function joinRun(run: readonly Value[]): readonly Value[] {
  if (run.length < 2) return run;
  const { shape } = run[0].spec;
  let pieces: readonly Piece[] | undefined = run.map((term) => pieceOf(term)!);
  for (let axis = shape.length - 1; axis >= 0 && pieces; axis--) pieces = joinAlong(axis, pieces);
  return pieces && pieces.length < run.length ? pieces.map((piece) => wholeOf(piece, shape)) : run;
}

const wholeOf = ({ value, start }: Piece, shape: Shape): Value =>
  sameShape(value.spec.shape, shape) ? value : padTo(value, start, shape);

/** Pieces that touch along an axis, and are alike along all others, as one; undefined where two overlap. */
function joinAlong(axis: number, pieces: readonly Piece[]): readonly Piece[] | undefined {
  const lines = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const others = [piece.start, piece.value.spec.shape].map((extents) => extents.with(axis, 0).join());
    const key = others.join(' ');
    const line = lines.get(key);
    if (line) line.push(piece);
    else lines.set(key, [piece]);
  }
  const joined = [...lines.values()].map((line) => joinLine(axis, line));
  return joined.every((line) => line !== undefined) ? joined.flat() : undefined;
}

function joinLine(axis: number, line: readonly Piece[]): readonly Piece[] | undefined {
  const endOf = ({ value, start }: Piece): number => start[axis] + value.spec.shape[axis];
  const rows: Piece[][] = [];
  for (const piece of line.toSorted((a, b) => a.start[axis] - b.start[axis])) {
    const last = rows.at(-1)?.at(-1);
    if (last && endOf(last) > piece.start[axis]) return undefined;
    if (last && endOf(last) === piece.start[axis]) rows.at(-1)!.push(piece);
    else rows.push([piece]);
  }
  return rows.map((row) =>
    row.length === 1
      ? row[0]
      : {
          start: row[0].start,
          value: concat(
            row.map(({ value }) => value),
            axis,
          ),
        },
  );
}
