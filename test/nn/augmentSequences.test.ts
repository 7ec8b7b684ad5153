import { expect, test } from 'vitest';
import {
  augmentSequences,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  linear,
  sequential,
  sgd,
  type Trainer,
  take,
  type AugmentSequencesOptions,
} from '../../src/index.ts';
import { noise } from '../support/sounds.ts';
import { sharedDevice } from '../support/device.ts';

const set = dataset({
  x: { data: noise(2, 40 * 36), shape: [12, 3] },
  label: Uint8Array.from({ length: 40 }, (_, at) => at % 4),
});

const ALL: AugmentSequencesOptions = {
  shift: 2,
  timeMasks: { count: 2, longest: 3 },
  featureMasks: { count: 1, longest: 1 },
  noise: 0.1,
};

async function withTrainer<T>(
  options: AugmentSequencesOptions | null,
  more: { readonly backend?: 'cpu'; readonly microBatches?: number; readonly seed?: number },
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const body = sequential(flatten, linear(36, 4));
  const trainer = await createTrainer({
    model: options ? sequential(augmentSequences(options), body) : sequential((x) => x, body),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 20,
    seed: 7,
    data: set,
    ...(more.backend !== 'cpu' && { device: await sharedDevice() }),
    ...more,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const losses = (
  options: AugmentSequencesOptions | null,
  more: Parameters<typeof withTrainer>[1] = {},
): Promise<number[]> =>
  withTrainer(options, more, async (trainer) => {
    const all: number[] = [];
    for await (const { loss } of trainer.fit(set, { steps: 8 })) all.push(loss);
    return all;
  });

/** Of losses near 1.4: eight steps' roundings; other changes move them by 1e-2 and more. */
const TOLERANCE = 1e-5;
const distance = (one: readonly number[], other: readonly number[]): number =>
  Math.max(...one.map((value, at) => Math.abs(value - other[at])));

test('a model trains on the GPU as on the CPU, and in parts of a batch as in the whole', async () => {
  const whole = await losses(ALL);
  expect(distance(whole, await losses(ALL, { backend: 'cpu' }))).toBeLessThan(TOLERANCE);
  expect(distance(whole, await losses(ALL, { microBatches: 4 }))).toBeLessThan(TOLERANCE);
});

test('a model trains to the same bits again, and otherwise under another seed, or plainly', async () => {
  const whole = await losses(ALL);
  expect(await losses(ALL)).toEqual(whole);
  expect(distance(whole, await losses(ALL, { seed: 8 }))).toBeGreaterThan(100 * TOLERANCE);
  expect(distance(whole, await losses(null))).toBeGreaterThan(100 * TOLERANCE);
});

test('noise alone changes what is learned, and only in training', async () => {
  const judged = (options: AugmentSequencesOptions | null): Promise<number> =>
    withTrainer(options, { backend: 'cpu' }, async (trainer) => (await trainer.evaluate(set)).loss);
  expect(await judged(ALL)).toBe(await judged(null));
  expect(distance(await losses({ noise: 0.1 }), await losses(null))).toBeGreaterThan(TOLERANCE);
});

test('every launch of a step is within its bound of f64', async () => {
  await withTrainer(ALL, {}, async (trainer) => {
    expect((await trainer.verify(take(set, 0, 20))).fault).toBeNull();
  });
});

test.each<readonly [AugmentSequencesOptions, string]>([
  [{ noise: -1 }, 'noise is -1 but must be at least 0'],
  [{ shift: 0.5 }, 'shift is 0.5 but must be a whole number'],
  [{ mask: 3 } as AugmentSequencesOptions, 'there is no option "mask"'],
])('%j is refused', (options, message) => {
  expect(() => augmentSequences(options)).toThrow(`[augmentSequences] ${message}`);
});
