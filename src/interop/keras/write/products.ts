import { sizeOf, type Numbers, type Shape } from '../../../core/shape.ts';
import type { Node } from '../../../graph/graph.ts';
import type { MatmulOptions } from '../../../ops/products/matmul.ts';
import type { Axes } from '../../../ops/convolution/spatial.ts';
import type { Windows } from '../../../ops/pooling/pooling.ts';
import type { Factors } from '../../../ops/pooling/upsampling.ts';
import type { Write, Writes } from './definitions.ts';
import { floatsOf, type Known, type KerasWriter, type Result } from './kerasWriter.ts';

/* Products, convolutions and windows. Kernels lie as they do in Keras. */

/** A matrix whose rows and columns change places. */
export function turned({ shape: [rows, columns], numbers, name }: Known): Known {
  const all = Float32Array.from(
    { length: rows * columns },
    (_, at) => numbers[(at % rows) * columns + Math.floor(at / rows)],
  );
  return { shape: [columns, rows], numbers: all, name };
}

const weightOf = (name: string, known: Known, shape: Shape = known.shape) => ({ name, shape, data: floatsOf(known) });

/** x · kernel + bias over the last axis, of x in the extents in which it was written. */
export function dense(to: KerasWriter, x: Result, kernel: Known, bias: Known | undefined): Result {
  const units = kernel.shape[1];
  const config = { units, activation: 'linear', use_bias: bias !== undefined };
  const weights = [weightOf('kernel', kernel), ...(bias ? [weightOf('bias', bias, [units])] : [])];
  return to.layer('Dense', config, [x], [...x.shape.slice(0, -1), units], weights, [kernel, bias]);
}

const matmul: Write = (node, to) => {
  const { inputs, outputs, attrs } = node;
  const { transposeA, transposeB } = attrs as Required<MatmulOptions>;
  const [a, b, bias] = inputs;
  const [kernel, shift] = [to.known(b), bias && to.known(bias)];
  if (kernel && kernel.shape.length === 2 && !transposeA && (!bias || shift)) {
    const x = to.rows(a, a.spec.shape.at(-1)!);
    // A recurrent layer that reads it has its product within.
    return to.write(outputs[0], () => dense(to, x, transposeB ? turned(kernel) : kernel, shift));
  }
  const [x, y] = [to.operand(a), to.operand(b)].map((each, at) => {
    const isTurned = at === 0 ? transposeA : transposeB;
    const { shape } = inputs[at].spec;
    if (!isTurned) return each;
    const rank = shape.length;
    const axes = Array.from({ length: rank }, (_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
    return to.operation(
      'Transpose',
      [each],
      axes.map((axis) => shape[axis]),
      { axes },
    );
  });
  const product = to.operation('Matmul', [x, y], outputs[0].spec.shape);
  to.write(outputs[0], bias ? to.operation('Add', [product, to.operand(bias)], outputs[0].spec.shape) : product);
};

interface Convolved {
  readonly axes: Axes;
  readonly groups: number;
}

/** The images with zeros around them, where Keras has no such padding. */
function padded(
  to: KerasWriter,
  x: Result,
  axes: Axes,
): { readonly images: Result; readonly padding: 'valid' | 'same' } {
  const sides = axes.map(({ input, window, stride, dilation, before, output }) => {
    const span = (window - 1) * dilation + 1;
    const after = Math.max(0, (output - 1) * stride + span - input - before);
    const same = Math.max(0, (Math.ceil(input / stride) - 1) * stride + span - input);
    const isSame = output === Math.ceil(input / stride) && before === Math.floor(same / 2);
    return { before, after, isSame, isValid: before === 0 && output === Math.floor((input - span) / stride) + 1 };
  });
  if (sides.every(({ isValid }) => isValid)) return { images: x, padding: 'valid' };
  if (sides.every(({ isSame }) => isSame)) return { images: x, padding: 'same' };
  const padding = sides.map(({ before, after }) => [before, after]);
  const [samples, rows, columns, channels] = x.shape as readonly [number, number, number, number];
  const shape = [
    samples,
    rows + sides[0].before + sides[0].after,
    columns + sides[1].before + sides[1].after,
    channels,
  ];
  return { images: to.layer('ZeroPadding2D', { padding }, [x], shape), padding: 'valid' };
}

const pairsOf = (axes: Axes): { strides: number[]; dilation_rate: number[]; kernel_size: number[] } => ({
  strides: axes.map(({ stride }) => stride),
  dilation_rate: axes.map(({ dilation }) => dilation),
  kernel_size: axes.map(({ window }) => window),
});

function kernelOf(node: Node, to: KerasWriter): Known {
  const known = to.known(node.inputs[1]);
  return known ?? to.refuse(node.op.name, 'its weights follow from the samples', 'give the layer weights of its own');
}

const convolution: Write = (node, to) => {
  const { axes, groups } = node.attrs as Convolved;
  const [kernel, bias] = [kernelOf(node, to), node.inputs[2] && to.known(node.inputs[2])];
  if (axes.some(({ stride }) => stride > 1) && axes.some(({ dilation }) => dilation > 1)) {
    to.refuse(node.op.name, 'Keras has no stride beside a dilation', 'use one of them');
  }
  const { images, padding } = padded(to, to.read(node.inputs[0]), axes);
  const features = kernel.shape[3];
  const config = { ...pairsOf(axes), padding, activation: 'linear', use_bias: bias !== undefined };
  const shift = bias ? [weightOf('bias', bias, [features])] : [];
  const { shape } = node.outputs[0].spec;
  const channels = images.shape[3];
  if (groups > 1 && groups === channels) {
    const multiplier = features / channels;
    const name = to.target === 'keras' ? 'kernel' : 'depthwise_kernel';
    const own = weightOf(name, kernel, [...kernel.shape.slice(0, 2), channels, multiplier]);
    const depthwise = { ...config, depth_multiplier: multiplier };
    return to.write(
      node.outputs[0],
      to.layer('DepthwiseConv2D', depthwise, [images], shape, [own, ...shift], [kernel, bias]),
    );
  }
  if (groups > 1 && to.target !== 'keras')
    to.refuse(node.op.name, `TensorFlow.js has none of ${groups} groups`, 'use toKeras or toOnnx');
  const told = { ...config, filters: features, ...(to.target === 'keras' && { groups }) };
  to.write(
    node.outputs[0],
    to.layer('Conv2D', told, [images], shape, [weightOf('kernel', kernel), ...shift], [kernel, bias]),
  );
};

/** What is spread is as Keras has it without padding, and cut where ours has some. */
const spread: Write = (node, to) => {
  const { axes, groups } = node.attrs as Convolved;
  const [kernel, bias] = [kernelOf(node, to), node.inputs[2] && to.known(node.inputs[2])];
  if (groups > 1) to.refuse(node.op.name, `Keras has no transposed convolution of ${groups} groups`, 'use one group');
  const x = to.read(node.inputs[0]);
  const [samples, , , channels] = node.outputs[0].spec.shape as readonly [number, number, number, number];
  const grown = axes.map(
    ({ output, stride, window, dilation }) => (output - 1) * stride + Math.max((window - 1) * dilation + 1, stride),
  );
  const cut = axes.map(({ input, before }, at) => [before, grown[at] - before - input]);
  if (cut.flat().some((side) => side < 0)) {
    to.refuse(
      node.op.name,
      'it has an outputPadding beyond what Keras adds',
      'leave outputPadding out, and pad behind it',
    );
  }
  const config = {
    ...pairsOf(axes),
    filters: channels,
    padding: 'valid',
    activation: 'linear',
    use_bias: bias !== undefined,
  };
  const weights = [weightOf('kernel', kernel), ...(bias ? [weightOf('bias', bias, [channels])] : [])];
  const y = to.layer('Conv2DTranspose', config, [x], [samples, ...grown, channels], weights, [kernel, bias]);
  const isWhole = cut.flat().every((side) => side === 0);
  to.write(node.outputs[0], isWhole ? y : to.layer('Cropping2D', { cropping: cut }, [y], node.outputs[0].spec.shape));
};

const pool =
  (className: 'MaxPooling2D' | 'AveragePooling2D'): Write =>
  (node, to) => {
    const { window, stride, before, input, output, divisor } = node.attrs as Windows & { divisor?: number | 'inside' };
    const x = to.read(node.inputs[0]);
    const isSame = [0, 1].every((axis) => {
      const total = Math.max(
        0,
        (Math.ceil(input[axis] / stride[axis]) - 1) * stride[axis] + window[axis] - input[axis],
      );
      return output[axis] === Math.ceil(input[axis] / stride[axis]) && before[axis] === Math.floor(total / 2);
    });
    const isValid = [0, 1].every(
      (axis) => before[axis] === 0 && output[axis] === Math.floor((input[axis] - window[axis]) / stride[axis]) + 1,
    );
    const isOwn = divisor === undefined || divisor === 'inside' || divisor === sizeOf(window);
    const counts = isValid || divisor === undefined || divisor === 'inside';
    if ((!isSame && !isValid) || !isOwn || !counts) {
      to.refuse(node.op.name, 'its padding is neither "same" nor "valid"', 'pad in front of it, or use one of these');
    }
    const config = { pool_size: [...window], strides: [...stride], padding: isValid ? 'valid' : 'same' };
    to.write(node.outputs[0], to.layer(className, config, [x], node.outputs[0].spec.shape));
  };

const upsampled =
  (interpolation: 'nearest' | 'bilinear', factorOf: (node: Node) => readonly number[]): Write =>
  (node, to) => {
    const config = { size: [...factorOf(node)], interpolation };
    to.write(node.outputs[0], to.layer('UpSampling2D', config, [to.read(node.inputs[0])], node.outputs[0].spec.shape));
  };

/** All numbers of two arrays alike. */
export const alike = (a: Numbers, b: number): boolean => a.every((number) => number === b);

export const productWrites: Writes = {
  matmul,
  conv2d: convolution,
  convTranspose2d: spread,
  maxPool: pool('MaxPooling2D'),
  averagePool: pool('AveragePooling2D'),
  upsample: upsampled('nearest', (node) => (node.attrs as Windows).window),
  upsampleBilinear: upsampled('bilinear', (node) => (node.attrs as Factors).factor),
};
