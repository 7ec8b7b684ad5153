import { describe, expect, test } from 'vitest';
import { spec, type Shape } from '../../src/core/shape.ts';
import { summarize, traitsOf } from '../../src/gpu/device.ts';
import { input } from '../../src/graph/leaf.ts';
import { convolve, convolveTransposed, type ConvolveOptions } from '../../src/ops/convolution/convolution.ts';
import { depthwiseParts } from '../../src/ops/convolution/depthwise.ts';
import { slide } from '../../src/ops/convolution/spatial.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';

const adapter = summarize(await sharedDevice()).name;

type Convolving = typeof convolve | typeof convolveTransposed;

/** Of x, weight and, where there is one, bias; each channel is a group. */
const check =
  (name: string, convolving: Convolving, channelsOf: (shapes: readonly Shape[]) => number) =>
  (options: ConvolveOptions, cases: readonly (readonly Shape[])[], how: CheckOptions = {}): void =>
    checkOp(
      `${name} ${JSON.stringify(options)}`,
      ([x, weight, bias]) => {
        const groups = channelsOf([x.spec.shape, weight.spec.shape]);
        return convolving(x, weight, { ...options, groups, ...(bias && { bias }) });
      },
      cases,
      how,
    );

const conv = check('conv2d', convolve, ([x]) => x[3]);
/** One feature a channel. */
const transposed = check('convTranspose2d', convolveTransposed, ([x]) => x[3]);

describe('a group for each channel', () => {
  conv({ padding: 'same' }, [
    [[2, 6, 5, 8], [3, 3, 1, 8], [8]],
    [[1, 1, 1, 4], [1, 1, 1, 4], [4]],
    [[3, 5, 9, 4], [2, 6, 1, 4], [4]],
  ]);
  conv({}, [
    [[2, 5, 7, 3], [3, 3, 1, 6], [6]],
    [[1, 4, 9, 2], [1, 5, 1, 2], [2]],
  ]);
  conv({ stride: 2, padding: 1 }, [
    [
      [2, 7, 8, 4],
      [3, 3, 1, 4],
    ],
    [
      [1, 6, 5, 3],
      [3, 2, 1, 9],
    ],
  ]);
  // More padding than the kernel reaches; neighbours that see the same although they are apart; pixels that none sees.
  conv({ padding: 3 }, [[[1, 3, 4, 4], [2, 2, 1, 4], [4]]]);
  conv({ stride: [1, 2], dilation: 2 }, [[[2, 6, 9, 3], [2, 3, 1, 3], [3]]]);
  conv({ stride: 3 }, [
    [
      [1, 8, 8, 2],
      [2, 1, 1, 2],
    ],
  ]);
  // Taps that share places lie two apart, or three, and their places two.
  conv({ stride: [2, 3], dilation: [2, 4], padding: 5 }, [
    [
      [2, 7, 8, 4],
      [3, 5, 1, 4],
    ],
  ]);
  conv({ stride: [4, 3], dilation: [2, 2], padding: 'same' }, [
    [
      [1, 9, 8, 2],
      [5, 4, 1, 4],
    ],
  ]);
  // In parts.
  conv({ padding: 1 }, [[[3, 25, 27, 8], [3, 3, 1, 8], [8]]], { kinked: true, special: false });
});

describe('as products of one row each, another form', () => {
  const kernels = { adapter, forms: { '*': 'registers4' } };
  conv({ padding: 'same' }, [[[2, 5, 6, 4], [3, 3, 1, 4], [4]]], { kernels, special: false });
});

describe('the transpose, of a group for each channel', () => {
  transposed({ stride: 2, padding: 1 }, [[[2, 4, 3, 4], [3, 3, 1, 4], [4]]]);
  transposed({ dilation: 2 }, [[[1, 3, 4, 3], [2, 2, 1, 3], [3]]]);
});

test('the gradient of the weights is made in parts, if there are many places', async () => {
  const axes = slide('conv2d', 'kernel', [25, 27], [3, 3], { padding: 1 });
  const traits = traitsOf(await sharedDevice());
  const parts = (images: number): number =>
    depthwiseParts(traits, { images, axes, channels: 8, features: 8, groups: 8 });
  expect(parts(3)).toBeGreaterThan(1);
  expect(parts(0)).toBe(1);
});

test('a single channel is no group of its own: its features are rows of one product', async () => {
  const traits = traitsOf(await sharedDevice());
  const formsOf = (channels: number): readonly string[] => {
    const x = input('x', spec([1, 5, 5, channels]));
    const weight = input('weight', spec([3, 3, 1, 8 * channels]));
    const { node } = convolve(x, weight, { groups: channels });
    return node.op.forms!(node, traits).names;
  };
  expect(formsOf(1)).not.toContain('depthwise');
  expect(formsOf(2)[0]).toBe('depthwise');
});
