import { conv2d } from '../nn/convolution.ts';
import { heNormal, zeros } from '../nn/initializers.ts';
import type { FloatLayer } from '../nn/layer.ts';
import { linear, sequential } from '../nn/layers.ts';
import { maxPool2d } from '../nn/pooling.ts';
import { relu } from '../ops/pointwise/activations.ts';
import { flatten } from '../ops/shaping/views.ts';
import { extentsLeft, sizedOptionsOf, type SizedModelOptions } from './images.ts';

/** Half of an image, less a 5×5 convolution's edges, and half of that: what the dense layers see. */
const left = (extent: number): number => Math.floor((Math.floor(extent / 2) - 4) / 2);

/** The smallest images of which a pixel is left. */
const LEAST = 12;

/**
 * LeNet-5 in today's form: ReLU for tanh, max pooling for its trainable averages, each map of the second convolution sees
 * all six of the first, and the last layer gives logits. On 28×28 images the first convolution's padding makes them the
 * 32×32 of the original. 61,706 parameters for 28×28×1 and 10 classes.
 * @returns a layer from images `[N, H, W, channels]`, or `[N, H, W]` of one channel, to logits `[N, classes]`
 * @throws ShapeError for images below 12×12; DataError for a size that is none     Source: LeCun et al. 1998, II B
 */
export function lenet(options: SizedModelOptions = {}): FloatLayer {
  const { channels, classes, size } = sizedOptionsOf('lenet', options);
  const [rows, columns] = extentsLeft('lenet', size, LEAST, left);
  const initial = { weightInitial: heNormal, biasInitial: zeros };
  return sequential(
    conv2d(channels, 6, 5, { padding: 'same', ...initial }),
    relu,
    maxPool2d(2),
    conv2d(6, 16, 5, initial),
    relu,
    maxPool2d(2),
    flatten,
    linear(rows * columns * 16, 120, initial),
    relu,
    linear(120, 84, initial),
    relu,
    linear(84, classes, initial),
  );
}
