// Training from elsewhere's state: training.json holds what PyTorch's and Keras' optimizers made of weights in ten steps
// (test/interop/python/training.py).

import { expect, test } from 'vitest';
import golden from '../goldens/interop/training.json' with { type: 'json' };
import { apart, isNear, ofKeras, ofTorch, trainedHere, type Training } from './trainedHere.ts';

const training = golden as Training;

/** Weights are of the size of one; the rest is f32's. */
const TOLERANCE = 2e-6;
/** Of an epsilon that stands in another place. */
const NEAR = 1e-3;

test.each(Object.keys(training.torch))(
  'ten steps of PyTorch\'s optimizer, "%s", end where they end here',
  async (name) => {
    const end = await trainedHere(training, ofTorch[name]);
    expect(apart(training.torch[name], end)).toBeLessThan(TOLERANCE);
    const { w1, b1, w2, b2 } = training.begin;
    expect(apart({ w1, b1, w2, b2 }, end)).toBeGreaterThan(0.005);
  },
);

test.each(Object.keys(training.keras))(
  'ten steps of Keras\' optimizer, "%s", end where they end here',
  async (name) => {
    const end = await trainedHere(training, ofKeras[name]);
    expect(apart(training.keras[name], end)).toBeLessThan(isNear(name) ? NEAR : TOLERANCE);
  },
);

test('batch norm keeps a variance as PyTorch does, which Keras divides by one more', async () => {
  const end = await trainedHere(training, ofTorch['adam'], true);
  expect(apart(training.normed.torch, end)).toBeLessThan(TOLERANCE);
  const { variance, ...others } = training.normed.keras;
  const own = await trainedHere(training, ofKeras['adam'], true);
  expect(apart(others, own)).toBeLessThan(TOLERANCE);
  const { steps, samples } = training.extents;
  // What is left of the 1 that it begins at is the same; the rest is of sums over n − 1 here.
  const rest = 0.9 ** steps;
  const biased = own['variance'].map((one) => rest + ((one - rest) * (samples - 1)) / samples);
  expect(apart({ variance }, { variance: biased })).toBeLessThan(TOLERANCE);
});
