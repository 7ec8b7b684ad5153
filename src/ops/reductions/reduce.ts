import type { ContextLike } from '../../core/given.ts';
import { ShapeError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/given.ts';
import { f32Literal, flatGrid, type AdapterTraits, type Kernel, type Launch, type Word } from '../../core/launch.ts';
import {
  broadcastShapes,
  broadcastStrides,
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
import { collapse, eight, forEachOffset, offsetAt, type Walk } from '../../core/strided.ts';
import { applyAlike, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { elementsOf } from '../../graph/work.ts';
import { partOf, sharedBy, sharingOf } from './rowSharing.ts';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import argmaxKernel from '../../../shaders/reductions/argmax.wgsl?raw';
import copy from '../../../shaders/shaping/copy.wgsl?raw';
import extremumGradKernel from '../../../shaders/reductions/extremumGrad.wgsl?raw';
import reduce from '../../../shaders/reductions/reduce.wgsl?raw';

/* Sums and broadcasts are each other's derivative, so they share this file. */

interface ReduceAttrs {
  /** From the front, ascending. */
  readonly axes: readonly number[];
  readonly keepDimensions: boolean;
  /** Into how many runs the terms are cut, each reduced by itself, along a new first axis; left out: all are one. */
  readonly parts?: number;
}

interface SumAttrs extends ReduceAttrs {
  /** The sum is multiplied by this; 1 / length makes a mean of it. */
  readonly scale: number;
}

export interface ReduceOptions extends ContextLike {
  /** All axes if left out. */
  readonly axes?: number | readonly number[];
  /** Keeps the reduced axes, with extent 1. */
  readonly keepDimensions?: boolean;
}

function reducedShape(shape: Shape, { axes, keepDimensions, parts }: ReduceAttrs): number[] {
  const kept = keepDimensions
    ? shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    : shape.filter((_, axis) => !axes.includes(axis));
  return parts === undefined ? kept : [parts, ...kept];
}

function attrsOf(where: string, x: Value, options: ReduceOptions | undefined): ReduceAttrs {
  const given = specOf(where, 'x', x);
  const { axes, keepDimensions } = optionsOf(where, options, { axes: undefined, keepDimensions: false });
  const rank = given.shape.length;
  const list = axes === undefined ? Array.from({ length: rank }, (_, axis) => axis) : [axes].flat();
  const resolved = list.map((axis) => resolveAxis(where, axis, given)).sort((a, b) => a - b);
  if (new Set(resolved).size !== resolved.length) {
    throw new ShapeError(
      `[${where}] axes [${list.join(', ')}] name one axis of ${formatSpec(given)} twice: name each once`,
    );
  }
  return { axes: resolved, keepDimensions };
}

/** How x is read. */
interface Layout {
  /** The kept axes and the reduced ones of x, each walked with x's own strides. */
  readonly kept: Walk;
  readonly reduced: Walk;
  /** Outputs of one part; terms of all, and of one. */
  readonly count: number;
  readonly length: number;
  readonly part: number;
  /** Outputs whose terms lie side by side in x; 1 where those of one output do. */
  readonly run: number;
}

function layoutOf({ op, inputs, attrs: { axes, parts = 1 } }: Node<ReduceAttrs>): Layout {
  const { shape } = inputs[0].spec;
  const strides = stridesOf(shape);
  const pick = (isReduced: boolean): Walk => {
    const chosen = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === isReduced);
    return collapse(
      op.name,
      chosen.map((axis) => shape[axis]),
      chosen.map((axis) => strides[axis]),
    );
  };
  const [kept, reduced] = [pick(false), pick(true)];
  const length = sizeOf(reduced.shape);
  const run = kept.strides[0].at(-1) === 1 ? kept.shape.at(-1)! : 1;
  return { kept, reduced, count: sizeOf(kept.shape), length, part: Math.ceil(length / parts), run };
}

/** Calls back for each element of the output, with a way to visit the places of x that belong to it. */
function forEachOutput(
  node: Node<ReduceAttrs>,
  compute: (output: number, forEachTerm: (visit: (at: number) => void) => void) => void,
): void {
  const { kept, reduced, count, length, part } = layoutOf(node);
  const { parts = 1 } = node.attrs;
  for (let p = 0; p < parts; p++) {
    const end = Math.min((p + 1) * part, length);
    forEachOffset(kept, (output, base) => {
      compute(p * count + output, (visit) => {
        // A walk over all terms takes half as long as looking each of them up.
        if (parts === 1) forEachOffset(reduced, (_, offset) => visit(base + offset));
        else for (let r = p * part; r < end; r++) visit(base + offsetAt(reduced, r));
      });
    });
  }
}

/** @param words behind those that all such kernels have */
function reduceLaunch(
  node: Node<ReduceAttrs>,
  kernel: Kernel,
  adapter: AdapterTraits,
  ...words: readonly Word[]
): Launch[] {
  const { kept, reduced, count, length, part, run } = layoutOf(node);
  const outputs = count * (node.attrs.parts ?? 1);
  const sharing = sharingOf(part, adapter, run);
  const uniform = [
    outputs,
    length,
    kept.shape.length,
    reduced.shape.length,
    count,
    part,
    sharing.shares,
    run > 1 ? 1 : 0,
    ...eight(kept.shape),
    ...eight(kept.strides[0]),
    ...eight(reduced.shape),
    ...eight(reduced.strides[0]),
    ...words,
  ];
  return [{ ...sharedBy(sharing, kernel, outputs), uniform }];
}

/** Where few outputs have many terms: parts of each first, by `attrs`, and then what the parts make together. */
function inParts<A extends ReduceAttrs>(node: Node<A>, attrs: A, adapter: AdapterTraits): [Value] | undefined {
  const { count, length, run } = layoutOf(node);
  const part = partOf(length, count, adapter, run);
  if (part === undefined) return undefined;
  const partial = applyOne(node.op, node.inputs, { ...attrs, parts: Math.ceil(length / part) });
  return [applyOne(node.op, [partial], { ...node.attrs, axes: [0], keepDimensions: false })];
}

const sumOp: Op<SumAttrs, 'f32'> = {
  name: 'sum',
  epilogue: true,
  infer([x], attrs) {
    requireDtype('sum', 'x', x, 'f32');
    return [{ shape: reducedShape(x.shape, attrs), dtype: 'f32' }];
  },
  cpu([x], [y], node) {
    const { scale } = node.attrs;
    forEachOutput(node, (i, forEachTerm) => {
      let total = 0;
      forEachTerm((at) => (total += x[at]));
      y[i] = total * scale;
    });
  },
  gpu(node, adapter) {
    // A word, not a constant: batches of any size have one text.
    const functions = { epilogue: 'fn epilogue(value: X, at: u32) -> X {\n  return value * sizes.scale;\n}' };
    return reduceLaunch(node, { name: 'sum', source: reduce, functions }, adapter, { f32: node.attrs.scale });
  },
  flops: (node) => elementsOf(node.inputs),
  expand: (node, adapter) => inParts(node, { ...node.attrs, scale: 1 }, adapter),
  // At most 64 terms one by one, then their blocks one by one. Invocations that share the terms have fewer of either, by
  // more than the additions of their tree.
  accuracy: (node) => ({
    ulps: 2 * (64 + sizeOf(node.inputs[0].spec.shape) / sizeOf(node.outputs[0].spec.shape) / 64 + 4),
    magnitude: 'terms',
  }),
  vjp([dY], node) {
    const { axes, scale } = node.attrs;
    return [dY ? spread(dY, node.inputs[0].spec.shape, axes, scale) : null];
  },
};

interface BroadcastAttrs {
  readonly shape: Shape;
  /** The axes of `shape` along which x is repeated; x has them with extent 1, or not at all. */
  readonly axes: readonly number[];
  readonly scale: number;
}

const broadcastOp: Op<BroadcastAttrs> = {
  name: 'broadcast',
  infer: ([x], { shape }) => [{ shape, dtype: x.dtype }],
  cpu([x], [y], node) {
    const { scale } = node.attrs;
    forEachOffset(broadcastWalk(node), (i, from) => (y[i] = x[from] * scale));
  },
  gpu(node) {
    const { scale } = node.attrs;
    const walk = broadcastWalk(node);
    const count = sizeOf(walk.shape);
    const type = node.inputs[0].spec.dtype;
    const epilogue = `fn epilogue(value: X, at: u32) -> Y {\n  return value * ${f32Literal(scale)};\n}`;
    return [
      {
        kernel: {
          name: 'broadcast',
          source: copy,
          constants: { X: type, Y: type },
          functions: scale === 1 ? {} : { epilogue },
        },
        uniform: [
          count,
          walk.shape.length,
          0,
          0,
          ...eight(walk.shape),
          ...eight(walk.strides[0]),
          ...eight(stridesOf(walk.shape)),
        ],
        grid: flatGrid(count),
      },
    ];
  },
  flops: (node) => (node.attrs.scale === 1 ? 0 : elementsOf(node.outputs)),
  accuracy: () => ({ ulps: 2, magnitude: 'result' }),
  vjp([dY], node) {
    const { axes, scale } = node.attrs;
    if (!dY) return [null];
    const keepDimensions = node.inputs[0].spec.shape.length === node.attrs.shape.length;
    return [applyOne(sumOp, [dY], { axes, keepDimensions, scale })];
  },
};

function broadcastWalk(node: Node<BroadcastAttrs>): Walk {
  const { shape, axes } = node.attrs;
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return collapse('broadcast', shape, broadcastStrides(kept, shape));
}

/** Repeats x along `axes` of `shape`. */
const spread = <D extends Dtype>(x: Value<D>, shape: Shape, axes: readonly number[], scale: number): Value<D> =>
  applyAlike(broadcastOp, x, { shape, axes, scale });

/** Sum over axes. @returns x's shape without them */
export function sum(x: Value, options?: ReduceOptions): Value<'f32'> {
  return applyOne(sumOp, [x], { ...attrsOf('sum', x, options), scale: 1 });
}

/** Arithmetic mean over axes. @returns x's shape without them */
export function mean(x: Value, options?: ReduceOptions): Value<'f32'> {
  const attrs = attrsOf('mean', x, options);
  const length = attrs.axes.reduce((product, axis) => product * x.spec.shape[axis], 1);
  if (length === 0)
    throw new ShapeError(`[mean] ${formatSpec(x.spec)} has no elements to average: an axis has extent 0`);
  return applyOne(sumOp, [x], { ...attrs, scale: 1 / length });
}

/** Repeats x to a shape that it broadcasts to. */
export function broadcastTo<D extends Dtype>(x: Value<D>, shape: Shape): Value<D> {
  const given = specOf('broadcastTo', 'x', x);
  requireKind('broadcastTo', 'the shape', shape, Array.isArray(shape), 'an array of extents');
  if (sameShape(given.shape, shape)) return x;
  const result = broadcastShapes('broadcastTo', given, { shape, dtype: given.dtype });
  if (!sameShape(result, shape)) {
    throw new ShapeError(
      `[broadcastTo] ${formatSpec(given)} does not broadcast to [${shape.join(', ')}]: only axes of 1 stretch`,
    );
  }
  return spread(x, shape, stretchedAxes(given, shape), 1);
}

function stretchedAxes(from: Spec, shape: Shape): number[] {
  const missing = shape.length - from.shape.length;
  return shape
    .map((_, axis) => axis)
    .filter((axis) => axis < missing || (from.shape[axis - missing] === 1 && shape[axis] !== 1));
}

/** Sums what broadcasting repeated: the derivative of reading `dY`'s shape out of `target`'s. */
export function sumTo(dY: Value, target: Spec): Value {
  const { shape } = dY.spec;
  if (sameShape(shape, target.shape)) return dY;
  const missing = shape.length - target.shape.length;
  const axes = stretchedAxes(target, shape);
  if (missing === 0 || axes.length === missing) {
    return applyOne(sumOp, [dY], { axes, keepDimensions: missing === 0, scale: 1 });
  }
  // Some axes were missing and others stretched: first the missing ones, which are in front.
  const leading = Array.from({ length: missing }, (_, axis) => axis);
  return sumTo(applyOne(sumOp, [dY], { axes: leading, keepDimensions: false, scale: 1 }), target);
}

const extremumGradOp: Op<ReduceAttrs> = {
  name: 'extremumGrad',
  infer: ([x]) => [x],
  cpu([x, y, dY], [dX], node) {
    forEachOutput(node, (i, forEachTerm) => {
      let ties = 0;
      forEachTerm((at) => (ties += x[at] === y[i] ? 1 : 0));
      forEachTerm((at) => (dX[at] = x[at] === y[i] ? dY[i] / ties : 0));
    });
  },
  gpu: (node, adapter) => reduceLaunch(node, { name: 'extremumGrad', source: extremumGradKernel }, adapter),
  // A comparison with the extremum, to count ties and to share the gradient.
  flops: (node) => 2 * elementsOf(node.outputs),
  accuracy: () => ({ ulps: 8, magnitude: 'result' }),
};

const extremum = (name: string, sign: 1 | -1): Op<ReduceAttrs, 'f32'> => ({
  name,
  infer([x], attrs) {
    requireDtype(name, 'x', x, 'f32');
    if (attrs.axes.some((axis) => x.shape[axis] === 0)) {
      throw new ShapeError(`[${name}] ${formatSpec(x)} has no elements to choose from: an axis has extent 0`);
    }
    return [{ shape: reducedShape(x.shape, attrs), dtype: 'f32' }];
  },
  cpu([x], [y], node) {
    forEachOutput(node, (i, forEachTerm) => {
      let best = -sign * Infinity;
      forEachTerm((at) => {
        if (x[at] * sign > best * sign || Number.isNaN(x[at])) best = x[at];
      });
      y[i] = best;
    });
  },
  gpu(node, adapter) {
    const compare = sign === 1 ? '>' : '<';
    const functions = {
      // WGSL forbids an infinity in a constant expression, so a word of the uniform makes it one of run time.
      initial: `fn initial() -> X {\n  return bitcast<f32>(${sign === 1 ? '0xff800000u' : '0x7f800000u'} | (sizes.count & 0u));\n}`,
      combine: `fn combine(a: Term, b: Term) -> Term {\n  return select(a, b, b ${compare} a || is_nan(b));\n}`,
    };
    return reduceLaunch(node, { name, source: reduce, functions, includes: [nan] }, adapter, { f32: 1 });
  },
  flops: (node) => elementsOf(node.inputs),
  expand: (node, adapter) => inParts(node, node.attrs, adapter),
  vjp: ([dY], node) => [dY ? applyOne(extremumGradOp, [node.inputs[0], node.outputs[0], dY], node.attrs) : null],
});

const maxOp = extremum('max', 1);
const minOp = extremum('min', -1);

/** The largest element over axes; NaN if one is. Ties share the gradient evenly. */
export const max = (x: Value, options: ReduceOptions = {}): Value<'f32'> =>
  applyOne(maxOp, [x], attrsOf('max', x, options));

/** The smallest element over axes; NaN if one is. Ties share the gradient evenly. */
export const min = (x: Value, options: ReduceOptions = {}): Value<'f32'> =>
  applyOne(minOp, [x], attrsOf('min', x, options));

const argmaxOp: Op<{ readonly axis: number }, 'i32'> = {
  name: 'argmax',
  infer([x], { axis }) {
    requireDtype('argmax', 'x', x, 'f32', 'i32', 'u32');
    if (x.shape[axis] === 0)
      throw new ShapeError(`[argmax] ${formatSpec(x)} has no elements to choose from: an axis has extent 0`);
    return [{ shape: x.shape.filter((_, at) => at !== axis), dtype: 'i32' }];
  },
  cpu([x], [y], node) {
    const { length, inner } = splitAt(node);
    for (let i = 0; i < y.length; i++) {
      const base = Math.floor(i / inner) * length * inner + (i % inner);
      let best = 0;
      for (let r = 1; r < length; r++) {
        if (exceeds(x[base + r * inner], x[base + best * inner])) best = r;
      }
      y[i] = best;
    }
  },
  gpu(node, adapter) {
    const { length, inner, count } = splitAt(node);
    const sharing = sharingOf(length, adapter, inner);
    const type: Dtype = node.inputs[0].spec.dtype;
    const functions: Record<string, string> =
      type === 'f32'
        ? {
            exceeds:
              'fn exceeds(value: X, best: X) -> bool {\n  return !is_nan(best) && (value > best || is_nan(value));\n}',
          }
        : {};
    const kernel = { name: 'argmax', source: argmaxKernel, constants: { X: type }, functions, includes: [nan] };
    return [{ ...sharedBy(sharing, kernel, count), uniform: [count, length, inner, sharing.shares] }];
  },
  flops: (node) => elementsOf(node.inputs),
  vjp: () => [null],
};

const exceeds = (value: number, best: number): boolean => !Number.isNaN(best) && (value > best || Number.isNaN(value));

function splitAt({ inputs, outputs, attrs }: Node<{ readonly axis: number }>): {
  length: number;
  inner: number;
  count: number;
} {
  const { shape } = inputs[0].spec;
  return {
    length: shape[attrs.axis],
    inner: sizeOf(shape.slice(attrs.axis + 1)),
    count: sizeOf(outputs[0].spec.shape),
  };
}

/** Where the largest element along an axis is, the first of equals. @returns i32, x's shape without the axis */
export const argmax = (x: Value, axis = -1): Value<'i32'> =>
  applyOne(argmaxOp, [x], { axis: resolveAxis('argmax', axis, specOf('argmax', 'x', x)) });

/** What a sum over axes is multiplied by; undefined if a node is none. */
export const scaleOfSum = (node: Node): number | undefined => asUseOf(sumOp, node)?.scale;

/** Which extreme over axes a node takes; undefined if none. */
export const extremeOf = ({ op }: Node): 'max' | 'min' | undefined =>
  op === (maxOp as Op) ? 'max' : op === (minOp as Op) ? 'min' : undefined;

/** The value whose elements a value is the mean of, all of them; undefined if it is no such mean. */
export function averagedBy({ node, spec }: Value): Value | undefined {
  const attrs = asUseOf(sumOp, node);
  const [x] = node.inputs;
  const isMean = attrs && sizeOf(spec.shape) === 1 && attrs.scale === 1 / sizeOf(x.spec.shape);
  return isMean ? x : undefined;
}
