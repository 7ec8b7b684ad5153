// The small network whose weights come along: what it sees in a picture, and, where it is taught, which of ten things that is.

import {
  augment,
  batchNorm,
  conv2d,
  globalAveragePool2d,
  heNormal,
  linear,
  maxPool2d,
  relu,
  sequential,
  type Context,
  type FloatLayer,
  type Value,
} from '../../src/index.ts';

/** Rows and columns of a picture, in three colours. */
export const SIDE = 32;
/** How it sees them: as shares of 255, less the mean of CIFAR-10, by its deviation. */
export const pictures = {
  shape: [SIDE, SIDE, 3],
  dtype: 'u8',
  scale: { scale: 1 / (255 * 0.2516), offset: -0.4734 / 0.2516 },
} as const;

/** Numbers that it says of one. */
export const FEATURES = 64;

const stage = (channels: number, features: number, ...pool: FloatLayer[]): FloatLayer =>
  sequential(
    conv2d(channels, features, 3, { padding: 'same', bias: false, weightInitial: heNormal }),
    ...pool,
    batchNorm(features),
    relu,
  );

/** From pictures `[N, 32, 32, 3]` to what is seen in them, `[N, 64]`. */
export const sight = sequential(
  stage(3, 16, maxPool2d(2)),
  stage(16, 32, maxPool2d(2)),
  stage(32, 48, maxPool2d(2)),
  stage(48, FEATURES),
  globalAveragePool2d,
);

/** The same with what it was taught by, the ten classes of CIFAR-10: logits `[N, 10]`. */
export function classifier() {
  const varied = augment({ shift: 4, flip: true, brightness: 0.1, contrast: 0.2, fill: 'edge' });
  const tell = linear(FEATURES, 10);
  return (image: Value, context: Context): Value => {
    const seen = context.apply(sight, context.apply(varied, image), 'sight');
    return context.apply(tell, seen, 'tell');
  };
}
