import { sizeOf, spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { averagePool } from '../../../ops/pooling/averagePool.ts';
import { maxPool } from '../../../ops/pooling/maxPool.ts';
import { abs, add, div, maximum, mul, pow } from '../../../ops/pointwise/arithmetic.ts';
import { sqrt } from '../../../ops/pointwise/elementary.ts';
import { max } from '../../../ops/reductions/extremum.ts';
import { mean, sum } from '../../../ops/reductions/sum.ts';
import { pad } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';
import { placesAlong, tapAlong } from './taps.ts';
import { ceiled, channelsLast, imagesOf, slideOf, windowAxes, type Two, type WindowAxis } from './windows.ts';

/*
 * Pools. Windows of neighbouring places over one or two axes have ops of their own; all others go along one axis after the
 * other, place of the window by place of the window.
 */

const hasOwnOp = (axes: readonly WindowAxis[]): boolean =>
  axes.length < 3 && axes.every(({ dilation }) => dilation === 1);

const ceiledIf = (node: OnnxNode, axes: readonly WindowAxis[]): readonly WindowAxis[] =>
  node.int('ceil_mode', 0) === 1 ? axes.map(ceiled) : axes;

function largestPooled(node: OnnxNode): Tensor {
  node.int('storage_order', 0);
  node.requireUnused(1, 'where its maxima are');
  const axes = ceiledIf(node, windowAxes(node));
  if (!hasOwnOp(axes)) return tapByTap(node, axes, (x) => x, maximum, -Infinity);
  const images = imagesOf(node);
  const { window, stride, padding } = slideOf(axes);
  return images.back(maxPool(images.value, window, { stride, padding }));
}

function averagePooled(node: OnnxNode): Tensor {
  const said = windowAxes(node);
  const counts = node.int('count_include_pad', 0) === 1;
  const axes = ceiledIf(node, said);
  if (!hasOwnOp(axes)) {
    const total = tapByTap(node, axes, (x) => x, add, 0);
    return Tensor.of(div(total.native, countsOf(axes, counts ? said : undefined)), 'float', total.order);
  }
  const images = imagesOf(node);
  const { window, stride, padding } = slideOf(axes);
  if (!counts || axes === said) {
    return images.back(averagePool(images.value, window, { stride, padding, countPadding: counts }));
  }
  // Padding that is said counts, what the last window has beyond it does not.
  const own = slideOf(said).padding;
  const whole = pad(images.value, [[0, 0], own[0], own[1], [0, 0]]);
  const rest = ([0, 1] as const).map((at): Two<number> => [0, padding[at][1] - own[at][1]]);
  return images.back(averagePool(whole, window, { stride, padding: [rest[0], rest[1]] }));
}

/** Along one axis after the other. @param before done to each element first   @param fill what padding counts as */
function tapByTap(
  node: OnnxNode,
  axes: readonly WindowAxis[],
  before: (x: Value) => Value,
  f: (a: Value, b: Value) => Value,
  fill: number,
): Tensor {
  const order = channelsLast(axes.length);
  node.requireRoom(axes.reduce((all, { window }) => all + window, 0));
  const x = before(floats(node.tensor(0).as(order)));
  const made = axes.reduce((y, axis, at) => {
    const widths = y.spec.shape.map((_, other): Two<number> => (other === at + 1 ? axis.padding : [0, 0]));
    const whole = axis.padding.some((width) => width > 0) ? pad(y, widths, fill) : y;
    const taps = Array.from({ length: axis.window }, (_, tap) => tapAlong(whole, at + 1, axis, tap));
    return taps.reduce((a, b) => f(a, b));
  }, x);
  return Tensor.of(made, 'float', order);
}

/** How many elements each window has inside its image, or inside the padding that is said as well. */
function countsOf(axes: readonly WindowAxis[], said: readonly WindowAxis[] | undefined): Value {
  return axes.reduce<Value>(
    (all, axis, at) => {
      const { extent, window, stride, dilation, padding } = axis;
      const [low, high] = said ? [-said[at].padding[0], extent + said[at].padding[1]] : [0, extent];
      const own = Float32Array.from({ length: placesAlong(axis) }, (_, place) => {
        const taps = Array.from({ length: window }, (__, tap) => place * stride - padding[0] + tap * dilation);
        return taps.filter((line) => line >= low && line < high).length;
      });
      const shape = [1, ...axes.map((_, other) => (other === at ? own.length : 1)), 1];
      return mul(all, constant(own, spec(shape)));
    },
    constant(Float32Array.of(1), spec([])),
  );
}

/** |x| to a power, and what is that power's root. */
function norm(power: number): { readonly before: (x: Value) => Value; readonly behind: (x: Value) => Value } {
  if (power === 1) return { before: abs, behind: (x) => x };
  if (power === 2) return { before: (x) => mul(x, x), behind: sqrt };
  return { before: (x) => pow(abs(x), power), behind: (x) => pow(x, 1 / power) };
}

function normPooled(node: OnnxNode): Tensor {
  const axes = ceiledIf(node, windowAxes(node));
  const { before, behind } = norm(node.int('p', 2));
  if (!hasOwnOp(axes)) {
    const total = tapByTap(node, axes, before, add, 0);
    return Tensor.of(behind(total.native), 'float', total.order);
  }
  const images = imagesOf(node);
  const { window, stride, padding } = slideOf(axes);
  const average = averagePool(before(images.value), window, { stride, padding, countPadding: true });
  return images.back(behind(mul(average, sizeOf(window))));
}

interface Over {
  readonly axes: readonly number[];
  readonly keepDimensions: true;
}

/** Over all places, which stay as axes of one element. */
function pooledWhole(node: OnnxNode, f: (x: Value, options: Over) => Value): Tensor {
  const x = node.tensor(0);
  const order = channelsLast(x.shape.length - 2);
  const axes = Array.from({ length: x.shape.length - 2 }, (_, at) => at + 1);
  return Tensor.of(f(floats(x.as(order)), { axes, keepDimensions: true }), 'float', order);
}

/** Numbers over those of neighbouring channels. Source: Krizhevsky, Sutskever and Hinton 2012, 3.3 */
function overNeighbours(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const size = node.int('size', 1);
  const [alpha, beta, bias] = [node.real('alpha', 1e-4), node.real('beta', 0.75), node.real('bias', 1)];
  const order = channelsLast(x.shape.length - 2);
  const value = floats(x.as(order));
  const channels = x.shape[1];
  // Channels are the rows of an image, over which a window goes.
  const rows = reshape(mul(value, value), [sizeOf(x.shape) / channels, channels, 1, 1]);
  const around: Two<number> = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const average = averagePool(rows, [size, 1], { stride: 1, padding: [around, [0, 0]], countPadding: true });
  const divisor = pow(add(mul(reshape(average, value.spec.shape), alpha), bias), beta);
  return Tensor.of(div(value, divisor), 'float', order);
}

/** Operators that bring neighbouring places together. */
export const poolOperators: Operators = {
  AveragePool: { apply: averagePooled },
  GlobalAveragePool: { apply: (node) => pooledWhole(node, mean) },
  GlobalLpPool: {
    apply(node) {
      const { before, behind } = norm(node.int('p', 2));
      return pooledWhole(node, (x, over) => behind(sum(before(x), over)));
    },
  },
  GlobalMaxPool: { apply: (node) => pooledWhole(node, max) },
  LRN: { apply: overNeighbours },
  LpPool: { apply: normPooled },
  MaxPool: { apply: largestPooled },
};
