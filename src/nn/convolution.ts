import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/argumentChecks.ts';
import { formatSpec } from '../core/shape.ts';
import { specOf, type Value } from '../graph/graph.ts';
import { convolve, convolveTransposed } from '../ops/convolution/convolution.ts';
import {
  pairOf,
  requireCount,
  slide,
  slideDefaults,
  type Pair,
  type SlideOptions,
  type SpreadOptions,
} from '../ops/convolution/spatial.ts';
import { reshape } from '../ops/shaping/views.ts';
import { torchUniform, type Initializer } from './initializers.ts';
import { defineLayer, type FloatLayer, type ParameterDefinition } from './layer.ts';

interface ConvolutionOptions {
  /** Channels and features fall into so many groups, each made of its own; as many as channels: depthwise. 1. */
  readonly groups?: number;
  readonly bias?: boolean;
  /** Uniform in ±1 / √(taps · channels / groups) by default, as in PyTorch. */
  readonly weightInitial?: Initializer;
  readonly biasInitial?: Initializer;
}

/** What `conv2d` may be told. */
export interface Conv2dOptions extends SlideOptions, ConvolutionOptions {}
/** What `convTranspose2d` may be told. */
export interface ConvTranspose2dOptions extends SpreadOptions, ConvolutionOptions {}

const usual = {
  ...slideDefaults,
  groups: 1,
  bias: true,
  weightInitial: undefined,
  biasInitial: undefined,
} as const;
const usualSpread = { ...usual, outputPadding: 0 } as const;

/** The options beside the slide, none missing. */
type Beside = { readonly [K in 'bias' | 'weightInitial' | 'biasInitial']: ConvolutionOptions[K] | undefined };

/** The first values and shapes of a convolution's parameters. @param fanIn what the first values go by */
function parametersOf(
  shape: readonly [...number[], number],
  fanIn: number,
  outputs: number,
  { bias, weightInitial = torchUniform(fanIn), biasInitial = torchUniform(fanIn) }: Beside,
): { readonly weight: ParameterDefinition; readonly bias?: ParameterDefinition } {
  return {
    weight: { shape, initial: weightInitial },
    ...(bias && { bias: { shape: [outputs], initial: biasInitial, decays: false } }),
  };
}

function requireChannels(where: string, inChannels: number, outChannels: number, groups: number): void {
  requireCount(where, 'inChannels', inChannels);
  requireCount(where, 'outChannels', outChannels);
  requireCount(where, 'groups', groups);
  if (inChannels % groups === 0 && outChannels % groups === 0) return;
  throw new ShapeError(
    `[${where}] ${groups} groups do not divide both ${inChannels} channels and ${outChannels} features: take a number that does`,
  );
}

const counted = (channels: number): string => `${channels} ${channels === 1 ? 'channel' : 'channels'}`;

/** Images with channels: those that have one only may come without an axis for it. */
function imagesOf(where: string, x: Value, channels: number): Value {
  const { shape } = specOf(where, 'x', x);
  const images = shape.length === 3 && channels === 1 ? reshape(x, [...shape, 1]) : x;
  if (images.spec.shape.length === 4 && images.spec.shape[3] === channels) return images;
  throw new ShapeError(
    `[${where}] x is ${formatSpec(x.spec)} but the layer takes images of ${counted(channels)}, [N, H, W, ${channels}]${channels === 1 ? ' or [N, H, W]' : ''}: give the layer their number, or reshape them`,
  );
}

/**
 * A convolution over images: `[N, H, W, inChannels]` to `[N, H′, W′, outChannels]`; images of one channel may come as
 * `[N, H, W]`. Parameters: weight `[rows, columns, inChannels / groups, outChannels]`, bias `[outChannels]`.
 * @param kernelSize rows and columns of the kernel, or one number for both
 * @throws ShapeError where extents, channels or groups do not fit; DataError for a stride, padding or dilation that is none
 * Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
 */
export function conv2d(
  inChannels: number,
  outChannels: number,
  kernelSize: Pair,
  options: Conv2dOptions = {},
): FloatLayer {
  const filled = optionsOf<Conv2dOptions, typeof usual>('conv2d', options, usual);
  const { stride, padding, dilation, groups } = filled;
  requireChannels('conv2d', inChannels, outChannels, groups);
  const [rows, columns] = pairOf('conv2d', 'kernelSize', kernelSize, 1);
  const shape = [rows, columns, inChannels / groups, outChannels] as const;
  return defineLayer({
    name: 'conv2d',
    parameters: parametersOf(shape, rows * columns * shape[2], outChannels, filled),
    apply(x, { weight, bias }) {
      const images = imagesOf('conv2d', x, inChannels);
      return convolve(images, weight, { stride, padding, dilation, groups, bias });
    },
  });
}

/**
 * The transpose of a convolution, which makes images larger: `[N, H, W, inChannels]` to `[N, H′, W′, outChannels]`, H′
 * being (H − 1) · stride + span − padding + outputPadding, or H · stride with padding `same`. Parameters: weight `[rows,
 * columns, outChannels / groups, inChannels]`, as in Keras, bias `[outChannels]`.
 * @throws as `conv2d` does
 */
export function convTranspose2d(
  inChannels: number,
  outChannels: number,
  kernelSize: Pair,
  options: ConvTranspose2dOptions = {},
): FloatLayer {
  const filled = optionsOf<ConvTranspose2dOptions, typeof usualSpread>('convTranspose2d', options, usualSpread);
  const { stride, padding, dilation, outputPadding, groups } = filled;
  requireChannels('convTranspose2d', inChannels, outChannels, groups);
  const [rows, columns] = pairOf('convTranspose2d', 'kernelSize', kernelSize, 1);
  const shape = [rows, columns, outChannels / groups, inChannels] as const;
  return defineLayer({
    name: 'convTranspose2d',
    parameters: parametersOf(shape, rows * columns * shape[2], outChannels, filled),
    apply(x, { weight, bias }) {
      const images = imagesOf('convTranspose2d', x, inChannels);
      return convolveTransposed(images, weight, { stride, padding, dilation, outputPadding, groups, bias });
    },
  });
}

/** What a slide over sequences may be: as over images, along one axis. */
export interface Conv1dOptions extends ConvolutionOptions {
  readonly stride?: number;
  readonly padding?: 'valid' | 'same' | number | readonly [before: number, after: number];
  readonly dilation?: number;
}

/**
 * A convolution over sequences: `[N, L, inChannels]` to `[N, L′, outChannels]`. Parameters: weight `[taps, inChannels /
 * groups, outChannels]`, bias `[outChannels]`.
 * @throws as `conv2d` does
 */
export function conv1d(
  inChannels: number,
  outChannels: number,
  kernelSize: number,
  options: Conv1dOptions = {},
): FloatLayer {
  const filled = optionsOf<Conv1dOptions, typeof usual>('conv1d', options, usual);
  const { groups, stride, padding, dilation } = filled;
  requireChannels('conv1d', inChannels, outChannels, groups);
  requireCount('conv1d', 'kernelSize', kernelSize);
  requireCount('conv1d', 'stride', stride);
  requireCount('conv1d', 'dilation', dilation);
  const shape = [kernelSize, inChannels / groups, outChannels] as const;
  const ends = typeof padding === 'number' ? ([padding, padding] as const) : padding;
  const along: SlideOptions = {
    stride: [1, stride],
    dilation: [1, dilation],
    padding: typeof ends === 'string' ? ends : [[0, 0], ends],
  };
  return defineLayer({
    name: 'conv1d',
    parameters: parametersOf(shape, kernelSize * shape[1], outChannels, filled),
    apply(x, { weight, bias }) {
      const given = specOf('conv1d', 'x', x);
      if (given.shape.length !== 3 || given.shape[2] !== inChannels) {
        throw new ShapeError(
          `[conv1d] x is ${formatSpec(given)} but the layer takes sequences of ${counted(inChannels)}, [N, L, ${inChannels}]: give the layer their number, or reshape them`,
        );
      }
      const [count, length] = given.shape as [number, number];
      // In its own name, where a kernel does not fit.
      slide('conv1d', 'kernel', [1, length], [1, kernelSize], along);
      const y = convolve(reshape(x, [count, 1, length, inChannels]), reshape(weight, [1, ...shape]), {
        ...along,
        groups,
        bias,
      });
      return reshape(y, [count, y.spec.shape[2], outChannels]);
    },
  });
}
