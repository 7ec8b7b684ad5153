// Guests on one device of a host's: each leaves what is not its own as it was.

import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  adam,
  createPredictor,
  createTrainer,
  crossEntropy,
  linear,
  pictureBuffer,
  relu,
  requestDevice,
  sequential,
  type Trainer,
} from '../../src/index.ts';
import { withLiveBuffers } from '../support/liveBuffers.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(48, 3);
const model = () => sequential(linear(2, 8), relu, linear(8, 3));
let device: GPUDevice;

beforeAll(async () => {
  device = await requestDevice();
});
afterAll(() => device.destroy());

const trainerOn = (seed: number): Promise<Trainer> =>
  createTrainer({
    model: model(),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.05 }),
    batchSize: 16,
    data: set,
    device,
    seed,
    exposes: { gradients: true, activations: ['layer0'] },
  });

/** All that a trainer does beside training; what it has learned. */
async function used(trainer: Trainer): Promise<Record<string, Float32Array>> {
  await trainer.fit(set, { steps: 4, validation: set });
  await trainer.prepare(set, { encodeStep: true, encodePredict: set });
  const encoder = device.createCommandEncoder();
  trainer.encodeStep(encoder);
  trainer.encodePredict(encoder, set);
  device.queue.submit([encoder.finish()]);
  await trainer.readReports();
  await trainer.verify({
    point: set.fields.point.data.slice(0, 32),
    label: set.fields.label.data.slice(0, 16),
  });
  await trainer.predictOnGpu(set);
  await trainer.load(await trainer.save());
  return trainer.readParameters();
}

test('trainers side by side learn what each would by itself', async () => {
  const alone = [];
  for (const seed of [1, 2]) {
    const trainer = await trainerOn(seed);
    alone.push(await used(trainer));
    trainer.destroy();
  }
  const both = await Promise.all([trainerOn(1), trainerOn(2)]);
  expect(await Promise.all(both.map(used))).toEqual(alone);
  for (const trainer of both) trainer.destroy();
});

test('what they made they free, and nothing else; the device has no handler, no open scope, and works on', async () => {
  const handlers: string[] = [];
  const { addEventListener } = device;
  device.addEventListener = (kind: string) => void handlers.push(kind);
  const own = device.createBuffer({ size: 64, usage: 0x80 });
  try {
    await withLiveBuffers(device, async (live) => {
      const trainers = await Promise.all([trainerOn(1), trainerOn(2)]);
      await used(trainers[0]);
      await used(trainers[1]);
      const weights = await trainers[0].saveWeights();
      const reader = await createPredictor({ model: model(), weights, data: set, device, outputs: 'classes' });
      await reader.prepare(set);
      const encoder = device.createCommandEncoder();
      reader.encodePredict(encoder, set);
      const pictures = await pictureBuffer(device, { shape: [4, 4, 1] });
      device.queue.submit([encoder.finish()]);
      await reader.predict(set);
      trainers[0].destroy();
      // The other one is as it was.
      await used(trainers[1]);
      trainers[1].destroy();
      reader.destroy();
      pictures.destroy();
      expect([...live].map(({ label }) => label)).toEqual([]);
    });
  } finally {
    device.addEventListener = addEventListener;
  }
  expect(handlers).toEqual([]);
  expect(device.onuncapturederror).toBe(null);
  // No scope was left open: there is none to be closed.
  await expect(device.popErrorScope()).rejects.toThrow(/scope/i);
  device.pushErrorScope('validation');
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(device.createBuffer({ size: 4, usage: 0x8 }));
  device.queue.submit([encoder.finish()]);
  expect(await device.popErrorScope()).toBe(null);
  own.destroy();
});
