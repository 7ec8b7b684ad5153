import { spec } from '../../../../core/shape.ts';
import type { Value } from '../../../../graph/graph.ts';
import { input } from '../../../../graph/leaf.ts';
import {
  convolve,
  convolveTransposed,
  type Attrs as ConvolutionAttrs,
} from '../../../../ops/convolution/convolution.ts';
import { spanOf, type Axes, type Axis } from '../../../../ops/convolution/spatial.ts';
import { matmul, type Attrs as ProductAttrs } from '../../../../ops/products/matmul.ts';
import type { Definition, Definitions } from '../definition.ts';
import { inShape } from '../elementwise.ts';
import type { Attributes } from '../onnxNodes.ts';
import { inOrder } from '../onnxWriter.ts';
import type { Extent } from '../sampledGraph.ts';

/* Products and convolutions. Images are [N, H, W, C] here and [N, C, H, W] there, kernels [H, W, I, O] and [O, I, H, W]. */

export const CHANNELS_FIRST = [0, 3, 1, 2] as const;
const KERNEL = [3, 2, 0, 1] as const;

/** A value's axes, the last two in each other's place. */
const swapped = (value: Value): number[] => {
  const order = inOrder(value);
  return [...order.slice(0, -2), ...order.slice(-2).reverse()];
};

/** Whether there are several axes of rows. */
const areSteps = (extents: readonly Extent[]): boolean =>
  extents.slice(0, -1).filter((extent) => extent !== 1).length > 1;

const matmulDefinition: Definition<ProductAttrs> = {
  use: () => matmul(input('a', spec([2, 2])), input('b', spec([2, 2]))),
  operators: ['Gemm', 'MatMul', 'Add'],
  write({ inputs: [a, b, bias], outputs: [c], attrs: { transposeA, transposeB } }, to) {
    const rows = transposeA || transposeB || b.spec.shape.length > 2 ? undefined : to.elementsOf(a);
    // Steps that were made rows of for the product: behind it they are given their axes again.
    if (rows && areSteps(rows.extents) && rows.extents.at(-1) === b.spec.shape[0]) {
      const product = to.emit('MatMul', [rows.tensor, to.read(b)]);
      const tensor = bias ? to.emit('Add', [product, to.read(bias)]) : product;
      to.writeElements(c, { tensor, extents: [...rows.extents.slice(0, -1), c.spec.shape.at(-1)!], type: 'FLOAT' });
      return;
    }
    const areMatrices = [a, b].every(({ spec: { shape } }) => shape.length === 2);
    if (areMatrices && (bias || transposeA || transposeB)) {
      const operands = [a, b, ...(bias ? [bias] : [])].map((value) => to.read(value));
      const attributes = { ...(transposeA && { transA: 1 }), ...(transposeB && { transB: 1 }) };
      to.write(c, to.emit('Gemm', operands, attributes));
      return;
    }
    const left = to.read(a, transposeA ? { order: swapped(a) } : {});
    const right = to.read(b, transposeB ? { order: swapped(b) } : {});
    const product = to.emit('MatMul', [left, right]);
    to.write(c, bias ? to.emit('Add', [product, to.read(bias)]) : product);
  },
};

/** What Conv and ConvTranspose are told alike. */
function attributesOf(axes: Axes, groups: number): Attributes {
  const each = (of: (axis: Axis) => number): number[] => axes.map(of);
  return {
    kernel_shape: each(({ window }) => window),
    strides: each(({ stride }) => stride),
    dilations: each(({ dilation }) => dilation),
    group: groups,
  };
}

/** What a window's last place has behind the image; where it does not reach the end, nothing. */
export const paddingBehind = ({ input: extent, output, stride, before }: Axis, span: number): number =>
  Math.max(0, (output - 1) * stride + span - before - extent);

const images = (): Value => input('x', spec([1, 4, 4, 2]));
const kernel = (): Value => input('weight', spec([3, 3, 2, 2]));

const convolutionDefinition: Definition<ConvolutionAttrs> = {
  use: () => convolve(images(), kernel()),
  operators: ['Conv'],
  write({ inputs: [x, weight, bias], outputs: [y], attrs: { axes, groups } }, to) {
    const behind = axes.map((axis) => paddingBehind(axis, spanOf(axis)));
    const operands = [to.read(x, { order: CHANNELS_FIRST }), to.read(weight, { order: KERNEL })];
    const pads = [...axes.map(({ before }) => before), ...behind];
    const tensor = to.emit('Conv', [...operands, ...(bias ? [to.read(bias)] : [])], {
      ...attributesOf(axes, groups),
      pads,
    });
    to.write(y, tensor, { order: CHANNELS_FIRST });
  },
};

/** What is cut off behind an image that is made larger; less than nothing where something is added. */
const cutBehind = (axis: Axis): number => (axis.output - 1) * axis.stride + spanOf(axis) - axis.before - axis.input;

const transposedDefinition: Definition<ConvolutionAttrs> = {
  use: () => convolveTransposed(images(), kernel()),
  operators: ['ConvTranspose', 'Pad', 'Add'],
  write({ inputs: [y, weight, bias], outputs: [x], attrs: { axes, groups } }, to) {
    const cuts = axes.map(cutBehind);
    const more = cuts.map((cut) => Math.max(0, -cut));
    const operands = [to.read(y, { order: CHANNELS_FIRST }), to.read(weight, { order: KERNEL })];
    const told = {
      ...attributesOf(axes, groups),
      pads: [...axes.map(({ before }) => before), ...cuts.map((cut) => Math.max(0, cut))],
    };
    // onnxruntime takes an output_padding below the stride.
    if (more.every((each, axis) => each < axes[axis].stride)) {
      const all = [...operands, ...(bias ? [to.read(bias)] : [])];
      to.write(x, to.emit('ConvTranspose', all, { ...told, output_padding: more }), { order: CHANNELS_FIRST });
      return;
    }
    const small = to.emit('ConvTranspose', operands, told);
    const whole = to.emit('Pad', [small, to.ints([0, 0, 0, 0, 0, 0, ...more])]);
    to.write(x, bias ? to.emit('Add', [whole, inShape(bias, [...bias.spec.shape, 1, 1], to)]) : whole, {
      order: CHANNELS_FIRST,
    });
  },
};

export const productOps: Definitions = {
  matmul: matmulDefinition,
  conv2d: convolutionDefinition,
  convTranspose2d: transposedDefinition,
};
