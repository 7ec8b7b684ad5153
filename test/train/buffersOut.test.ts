// What a trainer leaves on the device for a host's own shaders.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  createTrainer,
  crossEntropy,
  dataset,
  dropout,
  embedding,
  flatten,
  linear,
  relu,
  requestDevice,
  sequential,
  sgd,
  take,
  type BufferRange,
  type LossOptions,
  type Trainer,
} from '../../src/index.ts';
import { pick } from '../../src/data/index.ts';
import { counting } from '../support/counting.ts';
import { clusters } from '../support/toy.ts';

const [BATCH, WIDTH, CLASSES] = [8, 4, 3];
const set = clusters(BATCH * 3 + 3, CLASSES, 1, WIDTH);
const RATE = 0.5;
let device: GPUDevice;
const errors: string[] = [];

beforeAll(async () => {
  device = await requestDevice();
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
});
afterAll(() => device.destroy());
afterEach(() => {
  if (errors.length > 0) throw new Error(`the host was told: ${errors.splice(0).join('; ')}`);
});

const trainerOn = (options: Partial<LossOptions> = {}): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(WIDTH, 5), relu, linear(5, CLASSES)),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: RATE }),
    batchSize: BATCH,
    data: set,
    device,
    seed: 4,
    ...options,
  });

/** What lies in a range, by a copy of the host's. */
async function contentOf({ buffer, offset, size }: BufferRange): Promise<Float32Array> {
  const staging = device.createBuffer({ size, usage: 0x1 | 0x8 });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(0x1);
  const numbers = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return numbers;
}

const places = (ranges: Readonly<Record<string, BufferRange>>) =>
  Object.values(ranges).map(({ buffer, offset, size }) => [buffer, offset, size]);

describe('buffers of a trainer', () => {
  test.each([1, 2])(
    'have the gradients of the last step, taken in %i parts, always in one place',
    async (microBatches) => {
      const trainer = await trainerOn({ exposes: { gradients: true }, microBatches });
      const before = await trainer.readParameters();
      const at = places(trainer.buffers.gradients!);
      await trainer.fit(set, { steps: 1 });
      const after = await trainer.readParameters();
      expect(Object.keys(trainer.buffers.gradients!)).toEqual(Object.keys(before));
      for (const [name, range] of Object.entries(trainer.buffers.gradients!)) {
        const gradient = await contentOf(range);
        expect(range.offset % 256).toBe(0);
        expect(gradient).toHaveLength(before[name].length);
        gradient.forEach((slope, i) => expect(before[name][i] - RATE * slope).toBeCloseTo(after[name][i], 5));
        expect(gradient.some((slope) => slope !== 0)).toBe(true);
      }
      await trainer.fit(set, { epochs: 1 });
      expect(places(trainer.buffers.gradients!)).toEqual(at);
      trainer.destroy();
    },
  );

  test('have what named layers gave in the last whole step, and training is the same but for roundings', async () => {
    const model = sequential(linear(WIDTH, 5), relu, linear(5, CLASSES));
    const plain = await trainerOn({ model });
    const trainer = await trainerOn({ model, exposes: { gradients: true, activations: ['layer0', 'layer2'] } });
    const batch = take(set, 0, BATCH);
    const seen = await trainer.inspect(batch);
    const report = await trainer.step(batch);
    const { activations } = trainer.buffers;
    expect(activations['layer0']).toMatchObject({ shape: [BATCH, 5], dtype: 'f32' });
    for (const path of ['layer0', 'layer2']) {
      const own = seen.layers.find((layer) => layer.path === path)!.output;
      const told = await contentOf(activations[path]);
      own.forEach((number, at) => expect(told[at]).toBeCloseTo(number, 5));
    }
    expect((await plain.step(batch)).loss).toBeCloseTo(report.loss, 5);
    await trainer.fit(set, { epochs: 2 });
    await plain.fit(set, { epochs: 2 });
    // What is kept is not made in the same launches: those of a classifier's end add up otherwise.
    const others = await plain.readParameters();
    for (const [name, numbers] of Object.entries(await trainer.readParameters())) {
      numbers.forEach((number, at) => expect(number).toBeCloseTo(others[name][at], 4));
    }
    trainer.destroy();
    plain.destroy();
  });

  test('have no gradients that nobody asked for', async () => {
    const trainer = await trainerOn();
    expect(trainer.buffers.gradients).toBe(null);
    expect(trainer.buffers.activations).toEqual({});
    trainer.destroy();
  });

  test('of layers that there are not it is said which there are', async () => {
    const told = trainerOn({ exposes: { activations: ['layer7'] } });
    await expect(told).rejects.toThrow(/exposes\.activations names "layer7", .* "layer0", .* "layer2"/);
    await expect(trainerOn({ exposes: { activations: ['layer0'] }, microBatches: 2 })).rejects.toThrow(
      /microBatches is 2/,
    );
  });
});

describe('a prediction in an encoder', () => {
  const questions = pick(take(set, 3, 14), 'point');

  test('is what predict tells, of the weights as they are then, without a copy to the CPU', async () => {
    const trainer = await trainerOn({ model: sequential(linear(WIDTH, 5), relu, dropout(0.4), linear(5, CLASSES)) });
    await trainer.prepare(set, { encodeStep: true, encodePredict: questions });
    const before = await trainer.predict(questions);
    const encoder = device.createCommandEncoder();
    const calls = await counting(device, async () => {
      trainer.encodePredict(encoder, questions);
    });
    expect({ ...calls, dispatchWorkgroups: 0 }).toEqual({
      ...Object.fromEntries(Object.keys(calls).map((name) => [name, 0])),
      beginComputePass: 1,
    });
    const told = trainer.encodePredict(encoder, questions);
    expect(told).toMatchObject({ shape: [11, CLASSES], dtype: 'f32', size: 11 * CLASSES * 4 });
    device.queue.submit([encoder.finish()]);
    (await contentOf(told)).forEach((number, at) => expect(number).toBeCloseTo(before.data[at], 5));
    const frame = device.createCommandEncoder();
    for (let at = 0; at < 4; at++) trainer.encodeStep(frame);
    expect(places(trainer.encodePredict(frame, questions).outputs)).toEqual(places(told.outputs));
    device.queue.submit([frame.finish()]);
    const after = await trainer.predict(questions);
    expect(after.data).not.toEqual(before.data);
    (await contentOf(told)).forEach((number, at) => expect(number).toBeCloseTo(after.data[at], 5));
    trainer.destroy();
  });

  test('has every output by name, integers read in place, and averages of weights where they are kept', async () => {
    const words = embedding(7, 3);
    const head = linear(6, CLASSES);
    const tokens = dataset({
      token: { data: Uint8Array.from([1, 2, 3, 4, 5, 6]), shape: [2] },
      label: Uint8Array.from([0, 1, 2]),
    });
    const trainer = await createTrainer({
      model: (x, context) => {
        const seen = flatten(context.apply(words, x as never));
        return { seen, logits: context.apply(head, seen) };
      },
      loss: ({ logits }, { label }) => crossEntropy(logits, { label }),
      optimizer: sgd({ learningRate: RATE }),
      batchSize: 3,
      data: tokens,
      averageWeights: { decay: 0.5 },
      device,
    });
    await trainer.fit(tokens, { steps: 3 });
    await trainer.prepare(tokens, { encodePredict: tokens });
    const encoder = device.createCommandEncoder();
    const { outputs } = trainer.encodePredict(encoder, tokens);
    device.queue.submit([encoder.finish()]);
    const told = await trainer.predict(tokens);
    for (const name of ['seen', 'logits'] as const) {
      const own = await contentOf(outputs[name]);
      own.forEach((number, at) => expect(number).toBeCloseTo((told.outputs as never)[name]['data'][at], 5));
    }
    trainer.destroy();
  });

  test('is refused where nothing is ready', async () => {
    const trainer = await trainerOn();
    const encoder = device.createCommandEncoder();
    expect(() => trainer.encodePredict(encoder, questions)).toThrow(/no set is ready to be predicted/);
    expect(() => trainer.encodePredict({} as never, questions)).toThrow(/must be a GPUCommandEncoder/);
    await expect(trainer.prepare(set, { encodePredict: pick(set, 'label') })).rejects.toThrow(/"point"/);
    trainer.destroy();
    expect(() => trainer.encodePredict(encoder, questions)).toThrow(/it was destroyed/);
  });
});
