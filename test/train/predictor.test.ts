import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  adam,
  batchNorm,
  conv2d,
  createPredictor,
  createTrainer,
  crossEntropy,
  dataset,
  dropout,
  flatten,
  gpt,
  linear,
  relu,
  requestDevice,
  sequential,
  type Model,
} from '../../src/index.ts';
import { withLiveBuffers } from '../support/liveBuffers.ts';

const random = new Random(3, 'pixels');
const [ROWS, CLASSES, N] = [8, 4, 96];
const set = dataset({
  image: { data: Uint8Array.from({ length: N * ROWS * ROWS }, () => random.word() % 256), shape: [ROWS, ROWS, 1] },
  label: Uint8Array.from({ length: N }, () => random.word() % CLASSES),
});
const fields = { image: set.fields.image };
const model: Model = sequential(
  conv2d(1, 6, [3, 3], { padding: 'same' }),
  batchNorm(6),
  relu,
  flatten,
  dropout(0.3),
  linear(6 * ROWS * ROWS, 32),
  relu,
  linear(32, CLASSES),
);
let device: GPUDevice;

beforeAll(async () => {
  device = await requestDevice();
});
afterAll(() => device.destroy());

/** A trained model: its file, what it predicts, and what its trainer takes. */
async function learned(backend: 'webgpu' | 'cpu') {
  const options = { model, loss: crossEntropy, optimizer: adam(), batchSize: 32, data: set, seed: 2 };
  const trainer = await createTrainer({ ...options, ...(backend === 'cpu' ? { backend } : { device }) });
  await trainer.fit(set, { epochs: 2 });
  const [weights, { data: told }] = [await trainer.saveWeights(), await trainer.predict(set)];
  const { bytes } = trainer;
  trainer.destroy();
  return { weights, told, bytes };
}

async function listOf(tokens: AsyncIterable<number>): Promise<number[]> {
  const list: number[] = [];
  for await (const token of tokens) list.push(token);
  return list;
}

describe.each(['webgpu', 'cpu'] as const)('a predictor on %s', (backend) => {
  const place = () => (backend === 'cpu' ? { backend } : { device });

  test('tells what its trainer told, in the same bits, of any number of samples, knowing no labels', async () => {
    const { weights, told } = await learned(backend);
    const predictor = await createPredictor({ model, weights, data: fields, ...place() });
    expect(predictor.backend).toBe(backend);
    for (const count of [1, 3, N]) {
      const images = set.fields.image.data.slice(0, count * ROWS * ROWS);
      const { data, shape } = await predictor.predict({ image: images });
      expect(shape).toEqual([count, CLASSES]);
      // Programs of another size may add up in another order.
      data.forEach((number, at) => expect(number).toBeCloseTo(told[at], 4));
    }
    expect((await predictor.predict(set)).data).toEqual(told);
    predictor.destroy();
  });

  test('takes other weights, and those of files with other names', async () => {
    const { weights, told } = await learned(backend);
    const predictor = await createPredictor({ model, data: fields, ...place() });
    expect((await predictor.predict(set)).data).not.toEqual(told);
    await predictor.loadWeights(weights);
    expect((await predictor.predict(set)).data).toEqual(told);
    predictor.destroy();

    const head = linear(32, CLASSES);
    const part = await createPredictor({
      model: head,
      weights,
      rename: (name) => (name.startsWith('layer7.') ? name.slice('layer7.'.length) : null),
      data: { x: { shape: [32], dtype: 'f32', scale: null } },
      ...place(),
    });
    expect((await part.predict(new Float32Array(32))).shape).toEqual([1, CLASSES]);
    part.destroy();
    const wrong = createPredictor({
      model: head,
      weights,
      data: { x: { shape: [32], dtype: 'f32', scale: null } },
      ...place(),
    });
    await expect(wrong).rejects.toThrow(/\[weights\] "(weight|bias)" is f32\[.*\] here but not in the file/);
  });

  test('goes on with a text', async () => {
    const own = gpt({ vocabulary: 7, context: 8, width: 16, heads: 2, layers: 1 });
    const words = { data: Int32Array.from({ length: 40 }, (_, at) => at % 7), shape: [8] };
    const texts = dataset({ tokens: words, target: words });
    const options = { model: own, loss: crossEntropy, optimizer: adam(), batchSize: 4, data: texts };
    const trainer = await createTrainer({ ...options, ...place() });
    const weights = await trainer.saveWeights();
    const asked = { tokens: 12, seed: 5 };
    const told = await listOf(trainer.generate([1, 2], asked));
    trainer.destroy();
    const predictor = await createPredictor({ model: own, weights, data: { tokens: texts.fields.tokens }, ...place() });
    expect(await listOf(predictor.generate([1, 2], asked))).toEqual(told);
    predictor.destroy();
  });
});

test('takes its weights and what one batch needs, a fifth of what its trainer takes, and gives all of it back', async () => {
  const { weights, bytes } = await learned('webgpu');
  await withLiveBuffers(device, async (live) => {
    const predictor = await createPredictor({ model, weights, data: fields, device });
    await predictor.predict(set.fields.image.data.slice(0, ROWS * ROWS));
    expect(predictor.bytes).toBeLessThan(bytes / 5);
    expect(predictor.bytes).toBeGreaterThan(weights.byteLength - 4000);
    predictor.destroy();
    expect([...live]).toEqual([]);
  });
});

test('what it does not take is said', async () => {
  const data = fields;
  await expect(createPredictor({ model, data: undefined as never })).rejects.toThrow(
    /\[createPredictor\] data is .* what samples are like/,
  );
  await expect(createPredictor({ model, data, rename: 'a' as never })).rejects.toThrow(
    /rename is the text "a" but must be a function/,
  );
  await expect(createPredictor({ model, data, weights: new Uint8Array(3), backend: 'cpu' })).rejects.toThrow(
    /\[safetensors\]/,
  );
  const given = { model, data, loss: crossEntropy } as never;
  await expect(createPredictor(given)).rejects.toThrow(/\[createPredictor\] .*loss/);
});
