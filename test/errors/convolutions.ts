import { spec, type Dtype, type Shape } from '../../src/core/shape.ts';
import {
  conv1d,
  conv2d,
  convolve,
  convolveTransposed,
  convTranspose2d,
  input,
  type Context,
  type ConvolveOptions,
  type ConvolveTransposedOptions,
  type Layer,
  type Value,
} from '../../src/index.ts';
import type { Case } from '../support/provoke.ts';

const x = (shape: Shape, dtype: Dtype = 'f32'): Value => input('x', spec(shape, dtype));

const convolved = (image: Shape, weight: Shape, options?: ConvolveOptions): Value =>
  convolve(x(image), x(weight), options);
const transposed = (image: Shape, weight: Shape, options?: ConvolveTransposedOptions): Value =>
  convolveTransposed(x(image), x(weight), options);

/** What a layer makes of images, or sequences, of such a shape. */
const applied = (layer: Layer, shape: Shape): Value => {
  const bound = Object.entries(layer.parameters).map(([name, parameter]) => [name, x(parameter.shape)] as const);
  return layer.apply(x(shape), Object.fromEntries(bound), {} as Context);
};

export const convolutions: readonly Case[] = [
  ['[<op>] a <size> <window> does not fit', () => convolved([1, 5, 5, 1], [7, 7, 1, 2])],
  ['[<op>] a <size> <window> does not fit', () => convolved([1, 5, 5, 1], [7, 7, 1, 2], { padding: [1, 0] })],
  ['[<op>] a <size> <window> does not fit', () => convolved([1, 5, 5, 1], [3, 3, 1, 2], { dilation: 3 })],
  ['[<op>] a <size> <window> does not fit', () => applied(conv1d(2, 3, 5), [1, 4, 2])],
  ['[<op>] <name> is <spec> but must be', () => convolve(x([1, 5, 5, 1], 'i32'), x([3, 3, 1, 2]))],
  ['[<op>] <what> is <value>', () => convolved([1, 5, 5, 1], [3, 3, 1, 2], { stride: 0 })],
  ['[<op>] <what> is <value>', () => convolved([1, 5, 5, 1], [3, 3, 1, 2], { dilation: [1, 0.5] })],
  ['[<op>] <what> is <value>', () => convolved([1, 5, 5, 1], [3, 3, 1, 2], { padding: -1 })],
  [
    '[<op>] <what> is <value>',
    () =>
      convolved([1, 5, 5, 1], [3, 3, 1, 2], {
        padding: [
          [0, -1],
          [0, 0],
        ],
      }),
  ],
  ['[<op>] <what> is <value>', () => convolved([1, 5, 5, 1], [3, 3, 1, 2], { padding: [[1, 1]] as unknown as number })],
  ['[<op>] <what> is <value>', () => conv2d(1, 4, 0)],
  ['[<op>] <what> is <value>', () => convTranspose2d(1, 4, [2, 0])],
  ['[<op>] padding is "<text>"', () => convolved([1, 5, 5, 1], [3, 3, 1, 2], { padding: 'full' as 'same' })],
  ['[<convolution>] <what> is <value>', () => conv1d(1, 4, 0)],
  ['[<convolution>] <what> is <value>', () => conv1d(1, 4, 3, { stride: 0 })],
  ['[<convolution>] <what> is <value>', () => conv2d(0, 4, 3)],
  ['[<convolution>] <what> is <value>', () => conv2d(4, 4, 3, { groups: 0 })],
  ['[<convolution>] <what> is <value>', () => convolved([1, 5, 5, 1], [3, 3, 1, 2], { groups: 1.5 })],
  ['[<convolution>] <name> is', () => convolved([5, 5, 1], [3, 3, 1, 2])],
  ['[<convolution>] <name> is', () => convolved([1, 5, 5, 1], [3, 3, 2])],
  ['[<convolution>] weight is', () => convolved([1, 5, 5, 1], [0, 3, 1, 2])],
  ['[<convolution>] x has', () => convolved([1, 5, 5, 3], [3, 3, 1, 2])],
  ['[<convolution>] x has', () => convolved([1, 5, 5, 3], [3, 3, 2, 2], { groups: 2 })],
  ['[<convolution>] x has', () => transposed([1, 5, 5, 3], [3, 3, 3, 2])],
  ['[<convolution>] <n> groups do not divide <n>', () => convolved([1, 5, 5, 4], [3, 3, 2, 3], { groups: 2 })],
  ['[<convolution>] bias is', () => convolved([1, 5, 5, 4], [3, 3, 4, 3], { bias: x([4]) })],
  ['[<convolution>] bias is', () => convolved([1, 5, 5, 4], [3, 3, 4, 3], { bias: x([3], 'i32') })],
  ['[<convolution>] bias is', () => transposed([1, 5, 5, 4], [3, 3, 3, 4], { bias: x([4]) })],
  ['[convTranspose2d] a <size>', () => transposed([1, 1, 1, 4], [3, 3, 3, 4], { padding: 2 })],
  ['[convTranspose2d] outputPadding', () => transposed([1, 2, 2, 4], [3, 3, 3, 4], { stride: 2, outputPadding: 2 })],
  ['[<convolution>] <n> groups do not divide both', () => conv2d(6, 4, 3, { groups: 4 })],
  ['[<convolution>] x is <spec> but the', () => applied(conv2d(3, 4, 3), [8, 28, 28, 1])],
  ['[<convolution>] x is <spec> but the', () => applied(conv2d(1, 4, 3), [8, 784])],
  ['[<convolution>] x is <spec> but the', () => applied(convTranspose2d(3, 4, 3), [8, 28, 28])],
  ['[conv1d] x is', () => applied(conv1d(3, 4, 3), [8, 3, 28])],
];
