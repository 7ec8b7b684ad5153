// A model's answers stay on the device, where shaders of a host's read them.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  createPredictor,
  createTrainer,
  linear,
  meanSquaredError,
  relu,
  requestDevice,
  sequential,
  sgd,
  type BufferRange,
  type Context,
  type Model,
  type Predictor,
  type Value,
} from '../../src/index.ts';
import { counting } from '../support/counting.ts';
import { withLiveBuffers } from '../support/liveBuffers.ts';

const [FEATURES, CLASSES] = [5, 3];
const data = { x: { shape: [FEATURES], dtype: 'f32', scale: null } } as const;
const model: Model<Value<'f32'>> = sequential(linear(FEATURES, 16), relu, linear(16, CLASSES));
const random = new Random(7, 'samples');
const samples = Float32Array.from({ length: 2100 * FEATURES }, () => random.uniform(-1, 1));
const some = (count: number): Float32Array => samples.slice(0, count * FEATURES);

let device: GPUDevice;
beforeAll(async () => {
  device = await requestDevice();
});
afterAll(() => device.destroy());

/** What lies in a range, by a copy that a host makes. */
async function numbersIn({ buffer, offset, size, dtype }: BufferRange, on = device): Promise<number[]> {
  const copy = on.createBuffer({ size, usage: 0x1 | 0x8 });
  const encoder = on.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, offset, copy, 0, size);
  on.queue.submit([encoder.finish()]);
  await copy.mapAsync(0x1);
  const bytes = copy.getMappedRange().slice(0);
  copy.destroy();
  return [...(dtype === 'i32' ? new Int32Array(bytes) : new Float32Array(bytes))];
}

async function withPredictor(work: (predictor: Predictor<'x', Value<'f32'>>) => Promise<void>): Promise<void> {
  const predictor = await createPredictor({ model, data, device, seed: 4 });
  try {
    await work(predictor);
  } finally {
    predictor.destroy();
  }
}

describe('what predictOnGpu gives', () => {
  test.each([1, 3, 64, 1024, 2100])('is what predict gives for %i samples, in the same bits', (count) =>
    withPredictor(async (predictor) => {
      const told = await predictor.predict(some(count));
      const { outputs, ...first } = await predictor.predictOnGpu(some(count));
      expect(first).toMatchObject({ offset: 0, size: 4 * count * CLASSES, shape: [count, CLASSES], dtype: 'f32' });
      expect(outputs.output).toEqual(first);
      expect(await numbersIn(first)).toEqual([...told.data]);
    }),
  );

  test('is there without a number read back: one submit, no map', () =>
    withPredictor(async (predictor) => {
      await predictor.predictOnGpu(some(6));
      const calls = await counting(device, async () => void (await predictor.predictOnGpu(some(7))));
      expect(calls['submit']).toBe(1);
      expect(calls['mapAsync']).toBe(0);
      expect(calls['createBuffer']).toBe(0);
    }));

  test('stays where it is while fewer are asked of, and through predict', () =>
    withPredictor(async (predictor) => {
      const { data: told } = await predictor.predict(some(4));
      const first = await predictor.predictOnGpu(some(4));
      await predictor.predict(some(9));
      expect(await numbersIn(first)).toEqual([...told]);
      const second = await predictor.predictOnGpu(some(3));
      expect(second.buffer).toBe(first.buffer);
      expect(await numbersIn(second)).toEqual([...told].slice(0, 3 * CLASSES));
    }));

  test('is the last call’s where several are made at once, in the room that they would have had one by one', async () => {
    const counts = [1, 40, 2000, 5];
    let bytes = 0;
    await withPredictor(async (predictor) => {
      for (const count of counts) await predictor.predictOnGpu(some(count));
      ({ bytes } = predictor);
    });
    await withPredictor(async (predictor) => {
      const all = await Promise.all(counts.map((count) => predictor.predictOnGpu(some(count))));
      expect(predictor.bytes).toBe(bytes);
      expect(await numbersIn(all[3])).toEqual([...(await predictor.predict(some(5))).data]);
    });
  });

  test('gives back all that it took', () =>
    withLiveBuffers(device, async (live) => {
      await withPredictor(async (predictor) => {
        for (const count of [2, 90, 7]) await predictor.predictOnGpu(some(count));
      });
      expect([...live]).toEqual([]);
    }));

  test('is several places where a model gives several outputs', async () => {
    const [first, second] = [linear(FEATURES, 4), linear(4, 2)];
    const both = (x: Value, context: Context) => {
      const hidden = context.apply(first, x);
      return { hidden, told: context.apply(second, hidden) };
    };
    const predictor = await createPredictor({ model: both, data, device });
    const told = await predictor.predict(some(3));
    const { outputs } = await predictor.predictOnGpu(some(3));
    expect(await numbersIn(outputs.hidden)).toEqual([...told.outputs.hidden.data]);
    expect(await numbersIn(outputs.told)).toEqual([...told.outputs.told.data]);
    expect(outputs.told.buffer).not.toBe(outputs.hidden.buffer);
    predictor.destroy();
  });

  test('are classes, and how likely they are, where these are asked for', async () => {
    const predictor = await createPredictor({ model, data, device, outputs: 'classes' });
    const told = await predictor.predict(some(50));
    const { outputs } = await predictor.predictOnGpu(some(50));
    expect(outputs.classes.dtype).toBe('i32');
    expect(await numbersIn(outputs.classes)).toEqual([...told.data]);
    expect(await numbersIn(outputs.probability)).toEqual([...told.outputs.probability.data]);
    predictor.destroy();
  });
});

/** Doubles what it finds: a host's own pass. */
const doubling = `
@group(0) @binding(0) var<storage, read> answers: array<f32>;
@group(0) @binding(1) var<storage, read_write> twice: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&answers)) { twice[id.x] = 2 * answers[id.x]; }
}`;

test('a host’s pass that is submitted next reads it, through a binding of offset and size', () =>
  withPredictor(async (predictor) => {
    const { data: told } = await predictor.predict(some(8));
    const module = device.createShaderModule({ code: doubling });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
    const { buffer, offset, size } = await predictor.predictOnGpu(some(8));
    const twice = device.createBuffer({ size, usage: 0x80 | 0x4 });
    device.pushErrorScope('validation');
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: buffer, offset, size } },
        { binding: 1, resource: { buffer: twice } },
      ],
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
    pass.end();
    device.queue.submit([encoder.finish()]);
    expect(await device.popErrorScope()).toBeNull();
    const read = await numbersIn({ buffer: twice, offset: 0, size, shape: [8, CLASSES], dtype: 'f32' });
    expect(read).toEqual([...told].map((number) => 2 * number));
    twice.destroy();
  }));

test('where the device is lost, a predictor goes on on another one with its weights, and what was asked before is not done again', async () => {
  const devices = [await requestDevice(), await requestDevice()];
  const fields = { ...data, target: { shape: [CLASSES], dtype: 'f32', scale: null } } as const;
  const options = { model, loss: meanSquaredError, optimizer: sgd(), batchSize: 2, data: fields, seed: 9 };
  const trainer = await createTrainer({ ...options, device });
  const told = [...(await trainer.predict({ x: some(20) })).data];
  const weights = await trainer.saveWeights();
  trainer.destroy();
  let asked = 0;
  const predictor = await createPredictor({
    model,
    data,
    weights,
    device: devices[0],
    onDeviceLost: () => {
      asked++;
      return devices[1];
    },
  });
  for (let call = 0; call < 30; call++) await predictor.predictOnGpu(some(20));
  expect(await numbersIn(await predictor.predictOnGpu(some(20)), devices[0])).toEqual(told);
  const calls = await counting(device, async () => {
    devices[0].destroy();
    await devices[0].lost;
    const range = await predictor.predictOnGpu(some(20));
    expect(await numbersIn(range, devices[1])).toEqual(told);
  });
  expect(asked).toBe(1);
  // The prediction, and the copy of the test.
  expect(calls['submit']).toBe(2);
  expect([...(await predictor.predict(some(20))).data]).toEqual(told);
  predictor.destroy();
  devices[1].destroy();
});
