import { ShapeError } from '../core/errors.ts';
import { described, optionsOf } from '../core/argumentChecks.ts';
import type { Value } from '../graph/graph.ts';
import { conv2d } from '../nn/convolution.ts';
import { heNormal, zeros } from '../nn/initializers.ts';
import type { Context, FloatLayer, Module } from '../nn/layer.ts';
import { linear, sequential } from '../nn/layers.ts';
import { batchNorm } from '../nn/normalization.ts';
import { globalAveragePool2d } from '../nn/pooling.ts';
import { relu } from '../ops/pointwise/activations.ts';
import { add } from '../ops/pointwise/arithmetic.ts';
import type { ImageModelOptions } from './images.ts';

/** What `resnet` may be told. */
export interface ResnetOptions extends ImageModelOptions {
  /** Features of the first stage; each further one has twice as many. 16; of depth 18: 64. */
  readonly width?: number;
}

/** A convolution and its norm, whose beta stands for a bias. */
const convNorm = (channels: number, features: number, kernel: 1 | 3, stride: number): FloatLayer =>
  sequential(
    conv2d(channels, features, kernel, { stride, padding: (kernel - 1) / 2, bias: false, weightInitial: heNormal }),
    batchNorm(features),
  );

/** relu(f(x) + x), f being two convolutions; where they change the shape, a 1×1 convolution changes that of x (option B). */
function basicBlock(channels: number, features: number, stride: number): Module {
  const first = convNorm(channels, features, 3, stride);
  const second = convNorm(features, features, 3, 1);
  const projection = stride === 1 && channels === features ? null : convNorm(channels, features, 1, stride);
  return function residual(x: Value, context: Context): Value {
    const y = context.apply(second, relu(context.apply(first, x, 'first')), 'second');
    return relu(add(y, projection ? context.apply(projection, x, 'projection') : x));
  };
}

/** Blocks of one size of image; the first one halves it, but in the first stage. */
const stage = (at: number, blocks: number, width: number): Module[] => {
  const features = width * 2 ** at;
  return Array.from({ length: blocks }, (_, block) =>
    at > 0 && block === 0 ? basicBlock(features / 2, features, 2) : basicBlock(features, features, 1),
  );
};

/** Blocks in each stage. Two convolutions each, the first one, and the last layer make the depth. */
function blocksOf(depth: number): readonly number[] {
  if (depth === 18) return [2, 2, 2, 2];
  const n = (depth - 2) / 6;
  if (Number.isInteger(depth) && Number.isInteger(n) && n > 0) return [n, n, n];
  throw new ShapeError(
    `[resnet] depth is ${described(depth)} but must be 8, 14, 20 or another 6n + 2, or 18: each of three stages has n blocks of two convolutions`,
  );
}

/**
 * A residual network for small images. Depths 6n + 2 (8, 14, 20, …) are those that its authors made for CIFAR-10: a 3×3
 * convolution, three stages of n blocks with 16, 32 and 64 features, the mean over all pixels, a linear layer. Depth 18 is
 * their network for ImageNet, four stages of two blocks with 64 to 512 features, as it is customary for small images: it
 * begins with a 3×3 convolution of stride 1 and no pooling in place of 7×7, stride 2 and pooling. A shape changes by a
 * projection with batch norm (option B), where the authors pad with zeros on CIFAR-10 (A). For 3 channels and 10 classes
 * they have 78,042 (8), 175,258 (14) and 11,173,962 (18) parameters.
 * @returns a layer from images `[N, H, W, channels]` of any size to logits `[N, classes]`
 * @throws ShapeError for another depth     Source: He et al. 2015, "Deep residual learning for image recognition", 4.1, 4.2
 */
export function resnet(depth: number, options: ResnetOptions = {}): FloatLayer {
  const defaults = { channels: 3, classes: 10, width: depth === 18 ? 64 : 16 };
  const { channels, classes, width } = optionsOf<ResnetOptions, typeof defaults>('resnet', options, defaults);
  const stages = blocksOf(depth).map((blocks, at) => stage(at, blocks, width));
  return sequential(
    convNorm(channels, width, 3, 1),
    relu,
    ...stages.flat(),
    globalAveragePool2d,
    linear(width * 2 ** (stages.length - 1), classes, { weightInitial: heNormal, biasInitial: zeros }),
  );
}
