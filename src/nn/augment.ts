import { specOf } from '../graph/graph.ts';
import { augmentImages } from '../ops/data/augment.ts';
import { augmentationOf, type AugmentOptions } from '../ops/data/augmentation.ts';
import { defineLayer, type Layer } from './layer.ts';

/**
 * In training each picture is changed at random, another way at each step; in evaluation and prediction nothing happens,
 * as with Keras' layers of this kind. It belongs in front: no gradient flows through it, and there it is one launch with
 * the gathering of the samples.
 *
 * ```ts
 * sequential(augment({ shift: 4, flip: true }), …)
 * ```
 *
 * Pictures `[N, H, W, C]` or `[N, H, W]` are flipped, scaled and turned about their centre, shifted; then contrast and
 * brightness; then a square is cut out. RandomCrop with a padding of p, as PyTorch has it, is `shift: p`. Contrast is a
 * factor around 0, where PyTorch and Keras have one around a picture's mean.
 * @throws DataError where an option is out of its range, or none is given; later ShapeError or DataError if x is none of
 * these, too small, or depends on a weight
 */
export function augment(options: AugmentOptions): Layer {
  augmentationOf(options);
  return defineLayer({
    name: 'augment',
    apply: (x, _, context) =>
      context.mode === 'train'
        ? augmentImages(context.draws('augment', specOf('augment', 'x', x).shape.slice(0, 1)), x, options)
        : x,
  });
}
