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
  type Context,
  type Model,
  type Value,
} from '../../src/index.ts';
import { partOfSafetensors } from '../../src/data/safetensors.ts';
import { writeSafetensors } from '../../src/data/index.ts';
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

/** A body and a head, and what they are called in the file of both. */
const body = sequential(conv2d(1, 4, [3, 3], { padding: 'same' }), batchNorm(4), relu, flatten);
const head = linear(4 * ROWS * ROWS, CLASSES);
const whole = (image: Value, context: Context): Value<'f32'> =>
  context.apply(head, context.apply(body, image, 'body'), 'head');

describe.each(['webgpu', 'cpu'] as const)('of a part of a file, on %s', (backend) => {
  const place = () => (backend === 'cpu' ? { backend } : { device });

  test('a predictor has the weights, and the running averages of batch norm', async () => {
    const options = { model: whole, loss: crossEntropy, optimizer: adam(), batchSize: 32, data: set };
    const trainer = await createTrainer({ ...options, ...place() });
    await trainer.fit(set, { epochs: 2 });
    const { data: told } = await trainer.predict(set);
    const files = [await trainer.saveWeights(), await trainer.save()];
    trainer.destroy();
    const headData = { x: { shape: [4 * ROWS * ROWS], dtype: 'f32', scale: null } } as const;
    for (const weights of files) {
      const seeing = await createPredictor({ model: body, weights, only: 'body', data: fields, ...place() });
      const telling = await createPredictor({ model: head, weights, only: 'head', data: headData, ...place() });
      const { data: seen } = await seeing.predict(set);
      const { data: found } = await telling.predict(seen);
      found.forEach((number, at) => expect(number).toBeCloseTo(told[at], 4));
      // The same file is taken in the same way again, and nothing of another part.
      await seeing.loadWeights(weights);
      expect((await seeing.predict(set)).data).toEqual(seen);
      await expect(seeing.loadWeights(await zeroed(weights, 'body'), 'other.safetensors')).rejects.toThrow(
        '[weights] other.safetensors has nothing below "body": it has neck, head',
      );
      seeing.destroy();
      telling.destroy();
    }
  });

  test('names below the part are those that `rename` is told', async () => {
    const told: string[] = [];
    const rename = (name: string): string | null => {
      told.push(name);
      return name === 'scale' ? null : name;
    };
    const tensors = { weight: new Float32Array(8), bias: new Float32Array(2), scale: new Float32Array(1) };
    const shapes: Record<string, number[]> = { weight: [4, 2], bias: [2], scale: [1] };
    const named = Object.entries(tensors).map(([name, numbers]) => {
      return [`a.b.${name}`, { data: numbers, shape: shapes[name] }] as const;
    });
    const weights = writeSafetensors({ tensors: Object.fromEntries(named), metadata: {} });
    const data = { x: { shape: [4], dtype: 'f32', scale: null } } as const;
    const options = { model: linear(4, 2), weights, rename, data, ...place() };
    const predictor = await createPredictor({ ...options, only: 'a.b' });
    expect(told).toEqual(['weight', 'bias', 'scale']);
    expect([...(await predictor.predict([1, 2, 3, 4])).data]).toEqual([0, 0]);
    predictor.destroy();
  });
});

/** A file in which a part is called otherwise. */
const zeroed = async (bytes: Uint8Array, part: string): Promise<Uint8Array> =>
  partOfSafetensors('it', bytes, (name) => (isOwnName(name) ? null : name.replace(`${part}.`, 'neck.')));

const isOwnName = (name: string): boolean => name.startsWith('__millrace__.');

test('a quantised weight is refused, whatever it is called', async () => {
  const tensors = { w: { data: new Uint8Array(8), shape: [4, 2] }, bias: { data: new Float32Array(2), shape: [2] } };
  const weights = writeSafetensors({ tensors, metadata: {} });
  const rename = (name: string) => (name === 'w' ? 'weight' : name);
  const data = { x: { shape: [4], dtype: 'f32', scale: null } } as const;
  await expect(createPredictor({ model: linear(4, 2), weights, rename, data, backend: 'cpu' })).rejects.toThrow(
    '[weights] "weight" is f32[4, 2] here but in the file it is U8, which is no weight without its scale',
  );
});

describe.each(['webgpu', 'cpu'] as const)('what is told of logits, on %s', (backend) => {
  const place = () => (backend === 'cpu' ? { backend } : { device });
  const logitsOf = async () => {
    const { weights } = await learned(backend);
    const asked = { model, weights, data: fields, ...place() };
    const predictor = await createPredictor(asked);
    const { data } = await predictor.predict(set);
    predictor.destroy();
    return { asked, rows: Array.from({ length: N }, (_, at) => data.slice(at * CLASSES, (at + 1) * CLASSES)) };
  };
  const sharesOf = (logits: ArrayLike<number>): number[] => {
    const powers = Array.from(logits, (logit) => Math.exp(logit - Math.max(...Array.from(logits))));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  };

  test('are probabilities, or the likeliest class and how likely it is', async () => {
    const { asked, rows } = await logitsOf();
    const sure = await createPredictor({ ...asked, outputs: 'probabilities' });
    const { data: shares, shape } = await sure.predict(set);
    expect(shape).toEqual([N, CLASSES]);
    const wanted = rows.map(sharesOf);
    shares.forEach((share, at) => expect(share).toBeCloseTo(wanted.flat()[at], 5));
    sure.destroy();

    const choosing = await createPredictor({ ...asked, outputs: 'classes' });
    const { data: classes, dtype, outputs } = await choosing.predict(set);
    expect(dtype).toBe('i32');
    expect(outputs.classes.shape).toEqual([N]);
    expect([...classes]).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
    outputs.probability.data.forEach((share, at) => expect(share).toBeCloseTo(Math.max(...wanted[at]), 5));
    choosing.destroy();
  });
});

test('bytes of pictures of which nobody says how they are scaled are seen as a data set has them', async () => {
  const { weights, told } = await learned('cpu');
  const data = { image: { shape: [ROWS, ROWS, 1], dtype: 'u8' } } as const;
  const predictor = await createPredictor({ model, weights, data, backend: 'cpu' });
  expect((await predictor.predict(set.fields.image.data)).data).toEqual(told);
  predictor.destroy();
});

test('what it does not take is said', async () => {
  const files = await learned('cpu');
  const data = fields;
  await expect(createPredictor({ model, data: undefined as never })).rejects.toThrow(
    /\[createPredictor\] data is .* what samples are like/,
  );
  await expect(createPredictor({ data } as never)).rejects.toThrow(
    /\[createPredictor\] model is nothing but must be a layer or a function/,
  );
  await expect(createPredictor({ model, data, rename: 'a' as never })).rejects.toThrow(
    /rename is the text "a" but must be a function/,
  );
  const badly = createPredictor({ model, data, weights: files.weights, rename: () => 7 as never, backend: 'cpu' });
  await expect(badly).rejects.toThrow(/\[rename\] what ".+" becomes is 7 but must be a name, or null/);
  await expect(createPredictor({ model, data, only: /body/ as never })).rejects.toThrow(
    /only is .* but must be the path of a layer in the file/,
  );
  await expect(createPredictor({ model, data, outputs: 'labels' as never })).rejects.toThrow(
    /outputs is the text "labels" but must be "logits", "probabilities" or "classes"/,
  );
  await expect(createPredictor({ model, data, weights: new Uint8Array(3), backend: 'cpu' })).rejects.toThrow(
    /\[safetensors\]/,
  );
  const given = { model, data, loss: crossEntropy } as never;
  await expect(createPredictor(given)).rejects.toThrow(/\[createPredictor\] .*loss/);
});
