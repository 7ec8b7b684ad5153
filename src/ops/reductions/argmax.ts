import { ShapeError } from '../../core/errors.ts';
import { formatSpec, requireDtype, resolveAxis, sizeOf, type Dtype } from '../../core/shape.ts';
import { applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { sharedBy, sharingOf } from './rowSharing.ts';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import argmaxKernel from '../../../shaders/reductions/argmax.wgsl?raw';

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

/** Whether a number takes the place of the largest so far: the first NaN does, and keeps it. */
export const exceeds = (value: number, best: number): boolean =>
  !Number.isNaN(best) && (value > best || Number.isNaN(value));

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
