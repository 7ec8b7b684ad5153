import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { f32Literal, flatGrid } from '../../core/launch.ts';
import {
  broadcastShapes,
  broadcastStrides,
  formatSpec,
  requireDtype,
  sameShape,
  sizeOf,
  stridesOf,
  type Dtype,
  type Shape,
  type Spec,
} from '../../core/shape.ts';
import { collapse, eight, forEachOffset, rankOf, type Walk } from '../../core/strided.ts';
import { applyAlike, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { wasmPointwise } from '../pointwise/wasmPointwise.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { elementsOf } from '../../graph/work.ts';
import {
  attrsOf,
  forEachOutput,
  inParts,
  reducedShape,
  reduceInWasm,
  reduceLaunch,
  type ReduceAttrs,
  type ReduceOptions,
} from './reduce.ts';
import copy from '../../../shaders/shaping/copy.wgsl?raw';
import reduce from '../../../shaders/reductions/reduce.wgsl?raw';

/* Sums and broadcasts are each other's derivative, so they share this file. */

export interface SumAttrs extends ReduceAttrs {
  /** The sum is multiplied by this; 1 / length makes a mean of it. */
  readonly scale: number;
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
  wasm: (node) => reduceInWasm(node, 'sums', node.attrs.scale),
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

export interface BroadcastAttrs {
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
          constants: { X: type, Y: type, RANK: rankOf(walk) },
          functions: scale === 1 ? {} : { epilogue },
        },
        uniform: [count, 0, 0, 0, ...eight(walk.shape), ...eight(walk.strides[0]), ...eight(stridesOf(walk.shape))],
        grid: flatGrid(count),
      },
    ];
  },
  wasm: (node) => wasmPointwise('scaled', node, broadcastWalk(node), [node.attrs.scale]),
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

/** What a sum over axes is multiplied by; undefined if a node is none. */
export const scaleOfSum = (node: Node): number | undefined => asUseOf(sumOp, node)?.scale;

/** The value whose elements a value is the mean of, all of them; undefined if it is no such mean. */
export function averagedBy({ node, spec }: Value): Value | undefined {
  const attrs = asUseOf(sumOp, node);
  const [x] = node.inputs;
  const isMean = attrs && sizeOf(spec.shape) === 1 && attrs.scale === 1 / sizeOf(x.spec.shape);
  return isMean ? x : undefined;
}
