// Frames that say labels one after the other, learned by CTC: from data to a text, and what is refused on the way.

import { describe, expect, onTestFinished, test } from 'vitest';
import {
  adam,
  createTrainer,
  ctc,
  ctcBeamSearch,
  ctcGreedy,
  dataset,
  labelErrorRate,
  linear,
  maximum,
  cast,
  sub,
  Random,
  sequential,
  sgd,
  take,
  relu,
  type BatchValues,
  type Context,
  type Dataset,
  type LossOptions,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const [T, FEATURES, CLASSES, S] = [12, 4, 4, 3];

/** Each label sounds for one to three frames, as noise around a tone of its own; silence stands between them, or nothing. */
function spoken(count: number, seed: number): Dataset {
  const random = new Random(seed, 'spoken');
  const sound = new Float32Array(count * T * FEATURES);
  const text = new Int32Array(count * S).fill(-1);
  const frames = new Int32Array(count);
  const labels = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    labels[n] = Math.floor(random.uniform(1, S + 1));
    let t = 0;
    const say = (tone: number, most: number): void => {
      for (let left = Math.floor(random.uniform(1, most + 1)); left > 0; left--, t++)
        sound[(n * T + t) * FEATURES + tone] = 1;
    };
    for (let k = 0; k < labels[n]; k++) {
      const label = Math.floor(random.uniform(1, CLASSES));
      if (k > 0 && label === text[n * S + k - 1]) say(0, 1);
      text[n * S + k] = label;
      say(label, 3);
    }
    frames[n] = t;
  }
  return dataset({
    sound: { data: sound.map((x) => x + random.normal(0, 0.1)), shape: [T, FEATURES] },
    text: { data: text, shape: [S] },
    frames,
    labels,
  });
}

const train = spoken(64, 1);
const test10 = spoken(10, 2);

const loss = (logits: Value, { text, frames, labels }: BatchValues): Value =>
  ctc(logits, text, { inputLengths: frames, labelLengths: labels });

async function trainerOf(options: Partial<LossOptions>): Promise<Trainer> {
  const trainer = await createTrainer({
    model: sequential(linear(FEATURES, 16), relu, linear(16, CLASSES)),
    inputs: 'sound',
    targets: 'text',
    loss,
    optimizer: adam({ learningRate: 0.02 }),
    batchSize: 16,
    data: train,
    ...options,
  });
  onTestFinished(() => trainer.destroy());
  return trainer;
}

test.each<readonly [string, () => Promise<Partial<LossOptions>>]>([
  ['cpu', async () => ({ backend: 'cpu' })],
  ['webgpu', async () => ({ device: await sharedDevice() })],
])('labels are learned without a word of where they stand: %s', async (_where, options) => {
  const trainer = await trainerOf(await options());
  for await (const _ of trainer.fit(train, { steps: 120 }));
  const { loss: left } = await trainer.evaluate(test10);
  expect(left).toBeLessThan(0.2);
  const predicted = await trainer.predict(test10);
  const { text, frames } = test10.fields;
  const expected = { data: text.data, shape: [10, S] };
  const beams = ctcBeamSearch(predicted, { lengths: frames.data });
  expect(
    labelErrorRate(
      beams.map(({ labels }) => labels),
      expected,
    ),
  ).toBe(0);
});

test('a model gives labels by itself', async () => {
  const logits = linear(FEATURES, CLASSES);
  const trainer = await trainerOf({
    backend: 'cpu',
    model: (sound: Value, context: Context) => {
      const y = context.apply(logits, sound);
      return { y, ...ctcGreedy(y) };
    },
    loss: ({ y }: { readonly y: Value }, batch) => loss(y, batch),
  });
  const { outputs } = await trainer.predict(take(test10, 0, 3));
  expect(outputs['labels'].shape).toEqual([3, T]);
  expect(outputs['lengths'].shape).toEqual([3]);
});

test('the loss of several batches is that of one', async () => {
  const losses = [4, 10].map(async (batchSize) => {
    const trainer = await trainerOf({ backend: 'cpu', batchSize });
    return (await trainer.evaluate(test10)).loss;
  });
  const [parts, whole] = await Promise.all(losses);
  expect(Math.abs(parts / whole - 1)).toBeLessThan(1e-6);
});

test('a sample that turns out too short for its labels stops the run, and nothing learns from it', async () => {
  // The lengths are computed, so that nobody can know them from the data.
  const shortened = (logits: Value, { text, frames, labels }: BatchValues): Value =>
    ctc(logits, text, { inputLengths: cast(maximum(sub(cast(frames, 'f32'), 11), 1), 'i32'), labelLengths: labels });
  const trainer = await trainerOf({ device: await sharedDevice(), loss: shortened });
  const before = await trainer.readParameters();
  const run = async (): Promise<void> => {
    for await (const _ of trainer.fit(train, { steps: 3 }));
  };
  await expect(run()).rejects.toThrow('loss is Infinity');
  expect(await trainer.readParameters()).toEqual(before);
});

describe('refuses', () => {
  const spoilt = (field: string, at: number, to: number): Dataset => {
    const changed = Int32Array.from(train.fields[field].data);
    changed[at] = to;
    return { ...train, fields: { ...train.fields, [field]: { ...train.fields[field], data: changed } } };
  };

  test.each([
    [
      'the blank as a label',
      spoilt('text', 3 * S, 0),
      '[ctc] sample 3 of "text": label 0 is 0, but labels under 4 logits',
    ],
    ['a negative label', spoilt('text', 0, -1), '[ctc] sample 0 of "text": label 0 is -1, but labels'],
    ['a label that is no class', spoilt('text', 0, CLASSES), '[ctc] sample 0 of "text": label 0 is 4, but labels'],
    [
      'more labels than frames',
      spoilt('frames', 0, 0),
      '[ctc] "frames"[0] is 0, but lengths of inputs of 12 frames must be 1 … 12',
    ],
    [
      'a length beyond the frames',
      spoilt('frames', 5, 13),
      '[ctc] "frames"[5] is 13, but lengths of inputs of 12 frames',
    ],
    [
      'a length beyond the labels',
      spoilt('labels', 5, 4),
      '[ctc] "labels"[5] is 4, but lengths of rows of 3 labels must be 0 … 3',
    ],
  ])('%s, before a step is taken', async (_, data, says) => {
    const trainer = await trainerOf({ backend: 'cpu' });
    const before = await trainer.readParameters();
    await expect(trainer.fit(data, { steps: 1 }).next()).rejects.toThrow(says);
    expect(await trainer.readParameters()).toEqual(before);
  });
});

test.each(['mean', 'sum'] as const)(
  'a step in parts is the step, the losses being reduced to their %s',
  async (reduction) => {
    const stepped = [1, 4].map(async (microBatches) => {
      const trainer = await trainerOf({
        backend: 'cpu',
        microBatches,
        optimizer: sgd({ learningRate: 0.1 }),
        loss: (logits: Value, { text, frames, labels }: BatchValues) =>
          ctc(logits, text, { inputLengths: frames, labelLengths: labels, reduction }),
      });
      await trainer.step(take(train, 0, 16));
      return trainer.readParameters();
    });
    const [whole, parts] = await Promise.all(stepped);
    for (const [name, numbers] of Object.entries(whole)) {
      for (const [at, own] of numbers.entries()) expect(Math.abs(parts[name][at] - own)).toBeLessThan(1e-5);
    }
  },
);
