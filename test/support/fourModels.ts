// A model of each kind, small, with samples to learn.

import { Random } from '../../src/core/random.ts';
import {
  batchNorm,
  conv2d,
  dataset,
  dropout,
  embedding,
  flatten,
  gelu,
  layerNorm,
  linear,
  lstm,
  relu,
  sequential,
  tanh,
  transformerEncoderLayer,
  type Model,
} from '../../src/index.ts';

const [N, CLASSES, TOKENS] = [128, 4, 20];
const random = new Random(11, 'samples');
const whole = (below: number) => Math.floor(random.uniform(0, below));
const label = Uint8Array.from({ length: N }, () => whole(CLASSES));
const images = dataset({
  image: { data: Float32Array.from({ length: N * 100 }, () => random.normal()), shape: [10, 10, 1] },
  label,
});
const texts = dataset({
  tokens: { data: Int32Array.from({ length: N * 12 }, () => whole(TOKENS)), shape: [12] },
  label,
});

export const fourModels: readonly (readonly [string, Model, typeof images | typeof texts])[] = [
  [
    'layers',
    sequential(flatten, linear(100, 24), tanh, dropout(0.2), layerNorm(24), gelu, linear(24, CLASSES)),
    images,
  ],
  ['convolutions', sequential(conv2d(1, 6, 3), batchNorm(6), relu, flatten, linear(384, CLASSES)), images],
  ['an LSTM', sequential(embedding(TOKENS, 8), lstm(8, 16, { returns: 'last' }), linear(16, CLASSES)), texts],
  [
    'attention',
    sequential(
      embedding(TOKENS, 16),
      transformerEncoderLayer(16, 2, { feedForward: 32 }),
      flatten,
      linear(192, CLASSES),
    ),
    texts,
  ],
];
