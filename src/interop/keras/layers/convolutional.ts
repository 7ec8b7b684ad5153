import type { Value } from '../../../graph/graph.ts';
import { convolve, convolveTransposed } from '../../../ops/convolution/convolution.ts';
import { pad, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { upsample } from '../../../ops/pooling/upsampling.ts';
import { activationIn } from '../activations.ts';
import { moving, type Definition, type Definitions, type KerasLayer } from '../kerasLayer.ts';
import { channelsFirst, channelsLast, inLayout } from '../layouts.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { biasWhere, isChannelsFirst } from './core.ts';
import { refuse } from '../refusal.ts';

/* Convolutions, and what makes images larger or smaller at their edges. Those of sequences are of images of one column. */

type Two = readonly [number, number];
type Sides = readonly [Two, Two];

/** How a window slides. */
export interface Sliding {
  readonly window: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: 'valid' | 'same' | 'causal';
}

function slidingOf(options: LayerOptions, axes: 1 | 2, paddings: readonly Sliding['padding'][]): Sliding {
  return {
    window: options.counts('kernel_size', axes),
    stride: options.counts('strides', axes, 1),
    dilation: options.counts('dilation_rate', axes, 1),
    padding: options.choice('padding', paddings, 'valid'),
  };
}

/** Of one axis or two, rows and columns. */
export const pairOf = (of: readonly number[]): Two => (of.length === 1 ? [of[0], 1] : [of[0], of[1]]);

/** What a convolution is told; steps before the first alone, where it may not look ahead. */
function toldOf({ window, stride, dilation, padding }: Sliding): {
  readonly stride: Two;
  readonly dilation: Two;
  readonly padding: 'valid' | 'same' | Sides;
} {
  const before = (window[0] - 1) * dilation[0];
  return {
    stride: pairOf(stride),
    dilation: pairOf(dilation),
    padding:
      padding === 'causal'
        ? [
            [before, 0],
            [0, 0],
          ]
        : padding,
  };
}

/** Sequences `[N, L, C]` as images of one column; kernels `[taps, …]` as such of one column. */
export const asImages = (x: Value, axes: number): Value =>
  axes === 2 ? x : reshape(x, [x.spec.shape[0], x.spec.shape[1], 1, x.spec.shape[2]]);
export const asSequences = (y: Value, axes: number): Value =>
  axes === 2 ? y : reshape(y, [y.spec.shape[0], y.spec.shape[1], y.spec.shape[3]]);
const asKernel = (kernel: Value, axes: number): Value =>
  axes === 2 ? kernel : reshape(kernel, [kernel.spec.shape[0], 1, ...kernel.spec.shape.slice(1)]);

/** What f makes of images, of values in a layer's own layout. */
const onImages =
  (axes: number, isFirst: boolean, f: (images: Value) => Value) =>
  (x: Value): Value => {
    const y = asSequences(f(asImages(isFirst ? channelsLast(x) : x, axes)), axes);
    return isFirst ? channelsFirst(y) : y;
  };

/** Any convolution: images and weights to features, then the activation. */
const convolution = (
  options: LayerOptions,
  axes: 1 | 2,
  weights: KerasLayer['weights'],
  f: (images: Value, weights: Readonly<Record<string, Value>>) => Value,
): KerasLayer => {
  const isFirst = isChannelsFirst(options);
  const { f: activation } = activationIn(options);
  return {
    weights,
    apply: ({ x, weights: bound }) => onImages(axes, isFirst, (images) => activation(f(images, bound)))(x),
  };
};

const plain =
  (axes: 1 | 2): Definition =>
  (options) => {
    const sliding = slidingOf(options, axes, axes === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same']);
    const [filters, groups] = [options.count('filters'), options.count('groups', 1)];
    options.only('rank', [axes], 'its axes follow from its class');
    const weights = [
      { name: 'kernel', shape: [...sliding.window, null, filters] },
      ...biasWhere(options.flag('use_bias', true), filters),
    ];
    lora(options);
    return convolution(options, axes, weights, (images, { kernel, bias }) =>
      convolve(images, asKernel(kernel, axes), { ...toldOf(sliding), groups, bias }),
    );
  };

const lora = (options: LayerOptions): void => {
  options.only('lora_rank', [], 'merge the adapter before the model is saved');
  options.pass('lora_alpha');
};

/** `[rows, columns, C, multiplier]` as the weights of as many groups as channels. */
function depthwiseKernel(kernel: Value): Value {
  const [rows, columns, channels, multiplier] = kernel.spec.shape as readonly [number, number, number, number];
  return reshape(kernel, [rows, columns, 1, channels * multiplier]);
}

/** TensorFlow.js leaves it out of some files, where only the kernel tells it. */
const multiplierOf = (options: LayerOptions): number | null =>
  options.raw('depth_multiplier') === undefined ? null : options.count('depth_multiplier');

const depthwise =
  (axes: 1 | 2): Definition =>
  (options) => {
    const sliding = slidingOf(options, axes, ['valid', 'same']);
    const multiplier = multiplierOf(options);
    // TensorFlow.js writes down what Keras' own layers of this kind do not have.
    options.pass('filters', 'groups', 'rank');
    const name = options.writer === 'keras 3' ? 'kernel' : 'depthwise_kernel';
    const weights = [
      { name, shape: [...sliding.window, null, multiplier] },
      ...biasWhere(options.flag('use_bias', true), null),
    ];
    return convolution(options, axes, weights, (images, bound) =>
      convolve(images, depthwiseKernel(asKernel(bound[name], axes)), {
        ...toldOf(sliding),
        groups: images.spec.shape[3],
        bias: bound['bias'],
      }),
    );
  };

const separable =
  (axes: 1 | 2): Definition =>
  (options) => {
    const sliding = slidingOf(options, axes, axes === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same']);
    const [filters, multiplier] = [options.count('filters'), multiplierOf(options)];
    options.only('groups', [1], 'a layer of groups is one of another class');
    options.only('rank', [axes], 'its axes follow from its class');
    const ones = sliding.window.map(() => 1);
    const weights = [
      { name: 'depthwise_kernel', shape: [...sliding.window, null, multiplier] },
      { name: 'pointwise_kernel', shape: [...ones, null, filters] },
      ...biasWhere(options.flag('use_bias', true), filters),
    ];
    return convolution(options, axes, weights, (images, bound) => {
      const kernel = depthwiseKernel(asKernel(bound['depthwise_kernel'], axes));
      const each = convolve(images, kernel, { ...toldOf(sliding), groups: images.spec.shape[3] });
      return convolve(each, asKernel(bound['pointwise_kernel'], axes), { bias: bound['bias'] });
    });
  };

/** How much is cut off in front and behind of one axis of what is spread, so that it is as long as in Keras. */
function spreadSides(
  extent: number,
  { window, stride, dilation, padding }: { window: number; stride: number; dilation: number; padding: string },
  more: number | undefined,
): { readonly sides: Two; readonly outputPadding: number } {
  const span = (window - 1) * dilation + 1;
  const whole = (extent - 1) * stride + span;
  if (padding === 'valid') return { sides: [0, 0], outputPadding: more ?? Math.max(0, stride - span) };
  const total = more === undefined ? stride + span - 2 : span + (span % 2) - 2 + more;
  const before = span - 1 - Math.min(Math.ceil(total / 2), span - 1);
  const wanted = more === undefined ? extent * stride : (extent - 1) * stride + (span % 2) + more;
  const after = whole - before - wanted;
  return { sides: [before, Math.max(0, after)], outputPadding: Math.max(0, -after) };
}

const transposed =
  (axes: 1 | 2): Definition =>
  (options) => {
    const sliding = slidingOf(options, axes, ['valid', 'same']);
    const filters = options.count('filters');
    const more = options.raw('output_padding') === null ? undefined : options.integers('output_padding', []);
    const moreOf = (axis: number): number | undefined => (more?.length ? (more[axis] ?? more[0]) : undefined);
    options.only('groups', [1], 'a layer of groups is one of another class');
    options.only('rank', [axes], 'its axes follow from its class');
    lora(options);
    const weights = [
      { name: 'kernel', shape: [...sliding.window, filters, null] },
      ...biasWhere(options.flag('use_bias', true), filters),
    ];
    return convolution(options, axes, weights, (images, { kernel, bias }) => {
      const [rows, columns] = [0, 1].map((axis) =>
        axis < axes
          ? spreadSides(
              images.spec.shape[axis + 1],
              {
                window: sliding.window[axis],
                stride: sliding.stride[axis],
                dilation: sliding.dilation[axis],
                padding: sliding.padding,
              },
              moreOf(axis),
            )
          : { sides: [0, 0] as const, outputPadding: 0 },
      );
      return convolveTransposed(images, asKernel(kernel, axes), {
        stride: pairOf(sliding.stride),
        dilation: pairOf(sliding.dilation),
        padding: [rows.sides, columns.sides],
        outputPadding: [rows.outputPadding, columns.outputPadding],
        bias,
      });
    });
  };

const isCount = (each: unknown): each is number => Number.isSafeInteger(each) && (each as number) >= 0;
const isTwo = (each: unknown): each is Two => Array.isArray(each) && each.length === 2 && each.every(isCount);

/** Before and behind, of each axis: a number, one for each axis, or two for each. */
function sidesIn(options: LayerOptions, name: string, axes: 1 | 2): readonly Two[] {
  const given = options.raw(name) ?? (name === 'padding' || axes === 1 ? 1 : 0);
  if (isCount(given)) return Array.from({ length: axes }, () => [given, given]);
  if (axes === 1 && isTwo(given)) return [given];
  if (Array.isArray(given) && given.length === axes) {
    const all = given.map((each): unknown => (isCount(each) ? [each, each] : each));
    if (all.every(isTwo)) return all;
  }
  refuse(
    options.where,
    `has a ${name} that is no number, nor one or two of them for each of ${axes} axes`,
    'they are whole, 0 or more',
  );
}

const padded =
  (axes: 1 | 2): Definition =>
  (options) => {
    const sides = sidesIn(options, 'padding', axes);
    return moving(inLayout(isChannelsFirst(options), (x) => pad(x, [[0, 0], ...sides, [0, 0]])));
  };

const cropped =
  (axes: 1 | 2): Definition =>
  (options) => {
    const sides = sidesIn(options, 'cropping', axes);
    return moving(
      inLayout(isChannelsFirst(options), (x) =>
        slice(x, [
          null,
          ...sides.map(([before, after], axis) => ({ start: before, end: x.spec.shape[axis + 1] - after })),
        ]),
      ),
    );
  };

export const convolutionalDefinitions: Definitions = {
  Conv1D: plain(1),
  Conv2D: plain(2),
  Conv1DTranspose: transposed(1),
  Conv2DTranspose: transposed(2),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
  ZeroPadding1D: padded(1),
  ZeroPadding2D: padded(2),
  Cropping1D: cropped(1),
  Cropping2D: cropped(2),
  UpSampling1D(options) {
    const size = options.count('size', 2);
    return moving((x) => asSequences(upsample(asImages(x, 1), [size, 1]), 1));
  },
  UpSampling2D(options) {
    const [rows, columns] = options.counts('size', 2, 2);
    const mode = options.choice('interpolation', ['nearest', 'bilinear'], 'nearest');
    return moving(inLayout(isChannelsFirst(options), (x) => upsample(x, [rows, columns], { mode })));
  },
};
