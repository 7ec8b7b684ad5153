// Which fields go into a model, and which it is compared with.

import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  add,
  createTrainer,
  crossEntropy,
  dataset,
  linear,
  mean,
  meanSquaredError,
  mul,
  sgd,
  sum,
  type BatchValues,
  type Context,
  type Dataset,
  type Model,
  type Trainer,
  type LossOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const backends = ['cpu', 'webgpu'] as const;
type BackendName = (typeof backends)[number];

const column = (...data: number[]) => ({ data: Float32Array.from(data), shape: [1] });
/** One number a sample in each field: each tells by its value which one it is. */
const setOf = (...names: string[]): Dataset =>
  dataset(Object.fromEntries(names.map((name, at) => [name, column(10 ** at, 2 * 10 ** at)])));

async function withTrainer<T>(
  options: Partial<LossOptions>,
  work: (trainer: Trainer) => Promise<T>,
  backend: BackendName = 'cpu',
): Promise<T> {
  const trainer = await createTrainer({
    model: (x: Value) => x,
    loss: meanSquaredError,
    optimizer: sgd({ learningRate: 0 }),
    batchSize: 2,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const weights = linear(1, 1);
/** Gives what it is given, by name, and has something to train. */
const names: { seen: unknown } = { seen: null };
const model: Model = (x: Value | BatchValues, context: Context) => {
  names.seen = 'spec' in x ? null : Object.keys(x);
  const all = 'spec' in x ? [x as Value] : Object.values(x);
  return add(
    all.reduce((total, one) => add(total, one)),
    mul(0, context.apply(weights, all[0], 'w')),
  );
};
/** The mean of (input − target)², by which both are known. */
const lossOf = (data: Dataset, options: Partial<LossOptions>, backend?: BackendName): Promise<number> =>
  withTrainer({ model, data, ...options }, async (trainer) => (await trainer.evaluate(data)).loss, backend);
/** Of the samples (1, 2) · one and (1, 2) · other. */
const between = (one: number, other: number): number => 2.5 * (one - other) ** 2;

describe.each(backends)('on %s', (backend) => {
  test.each<[readonly string[], Partial<LossOptions>, number, number, readonly string[] | null]>([
    [['x', 'label'], {}, 1, 10, null],
    [['target', 'x'], {}, 10, 1, null],
    [['x'], {}, 1, 1, null],
    [['x', 'y'], { targets: 'y' }, 1, 10, null],
    [['x', 'y'], { targets: 'x' }, 10, 1, null],
    [['x', 'label'], { targets: ['x'] }, 10, 1, null],
    [['x', 'label'], { inputs: 'x', targets: 'x' }, 1, 1, null],
    [['x', 'target', 'label'], { targets: 'label' }, 11, 100, ['x', 'target']],
    [['x', 'label', 'z'], { inputs: ['z', 'x'] }, 101, 10, ['z', 'x']],
    [['x', 'label', 'z'], { inputs: ['z'] }, 100, 10, null],
    [['x', 'y', 'z'], { inputs: 'x', targets: 'z' }, 1, 100, null],
  ])('of the fields %j with %j', async (fields, options, goesIn, compared, given) => {
    expect(await lossOf(setOf(...fields), options, backend)).toBeCloseTo(between(goesIn, compared), 2);
    expect(names.seen).toEqual(given);
  });

  test('a run, single steps and predictions take the same fields', async () => {
    const data = setOf('x', 'y', 'unread');
    const batch = { x: Float32Array.of(1, 2), y: Float32Array.of(10, 20) };
    await withTrainer(
      { model, data, inputs: 'x', targets: 'y' },
      async (trainer) => {
        for await (const { loss } of trainer.fit(data, { steps: 1 })) expect(loss).toBeCloseTo(between(1, 10), 2);
        for await (const { loss } of trainer.fit([batch])) expect(loss).toBeCloseTo(between(1, 10), 2);
        expect((await trainer.step(batch)).loss).toBeCloseTo(between(1, 10), 2);
        expect((await trainer.verify(batch)).ok).toBe(true);
        expect([...(await trainer.predict(Float32Array.of(1, 2, 3))).data]).toEqual([1, 2, 3]);
      },
      backend,
    );
  });
});

test('a loss may say itself which of several targets it means', async () => {
  const loss = (y: Value, batch: BatchValues) => meanSquaredError(y, batch['z']);
  expect(await lossOf(setOf('x', 'y', 'z'), { loss, targets: ['y', 'z'] })).toBeCloseTo(between(1, 100), 2);
});

test('a batch keeps its roles where a loss makes another of it', async () => {
  const loss = (y: Value, batch: BatchValues) => meanSquaredError(y, { ...batch, more: y });
  expect(await lossOf(setOf('x', 'y'), { loss, targets: 'x' })).toBeCloseTo(between(10, 1), 2);
});

test('fields whose target nobody needs to know are no obstacle', async () => {
  const loss = (y: Value, batch: BatchValues) => meanSquaredError(y, batch['y']);
  expect(await lossOf(setOf('x', 'y'), { loss, inputs: 'x' })).toBeCloseTo(between(1, 10), 2);
  const both = ({ x }: BatchValues, batch: BatchValues, context: Context) =>
    meanSquaredError(context.apply(model, x, 'net'), batch['y']);
  const phases = [{ name: 'only', loss: both, optimizer: sgd() }];
  await createTrainer({ phases, batchSize: 2, backend: 'cpu', data: setOf('x', 'y') });
});

const open = (where: string, fields: string, last: string): string =>
  `[${where}] the fields are ${fields}, and nothing says which one is compared with: give createTrainer \`targets: "${last}"\`, or let one alone be called label or target`;
const own = (y: Value): Value => mean(y);

test.each<[string, readonly string[], Partial<LossOptions>, string]>([
  ['several fields without a usual name', ['x', 'y'], {}, open('model', '"x", "y"', 'y')],
  ['both usual names', ['x', 'label', 'target'], {}, open('model', '"x", "label", "target"', 'target')],
  ['a loss’s own target, and no inputs', ['x', 'y'], { loss: own }, open('model', '"x", "y"', 'y')],
  ['inputs alone', ['x', 'y'], { inputs: 'x' }, open('meanSquaredError', '"x", "y"', 'y')],
  ['no targets', ['x', 'y'], { targets: [] }, open('meanSquaredError', '"x", "y"', 'y')],
  [
    'several targets',
    ['x', 'y', 'z'],
    { targets: ['y', 'z'] },
    '[meanSquaredError] there are several targets, "y", "z": say in the loss which one it is, as batch.y',
  ],
  [
    'several targets, for labels',
    ['x', 'y', 'z'],
    { targets: ['y', 'z'], loss: crossEntropy },
    '[crossEntropy] there are several targets, "y", "z": say in the loss which one it is, as batch.y',
  ],
  [
    'a wrong target',
    ['x', 'price'],
    { targets: 'prize' },
    '[createTrainer] there is no field "prize", the nearest is "price"',
  ],
  ['a wrong input', ['x', 'y'], { inputs: ['x', 'yy'] }, '[createTrainer] there is no field "yy", the nearest is "y"'],
  [
    'no name',
    ['x', 'y'],
    { targets: 3 as never },
    "[createTrainer] targets is 3 but must be a field's name, or a list",
  ],
])('%s: refused', async (_, fields, options, text) => {
  await expect(lossOf(setOf(...fields), options)).rejects.toThrow(text);
});

test.each([
  [undefined, 'nothing'],
  [3, '3'],
  ['label', 'the text "label"'],
])('a loss is not given %s to compare with', async (target, words) => {
  const loss = (y: Value) => meanSquaredError(y, target as never);
  await expect(lossOf(setOf('x', 'label'), { loss })).rejects.toThrow(
    `[meanSquaredError] the target is ${words} but must be a value, as batch.label, or the batch itself`,
  );
});

test('a batch with a misspelt field is told with what is near', async () => {
  await withTrainer({ model, data: setOf('point', 'label') }, async (trainer) => {
    const batch = { points: Float32Array.of(1, 2), label: Float32Array.of(1, 2) };
    const text = 'the batch has no field "point", the nearest is "points": it must have "';
    await expect(trainer.step(batch)).rejects.toThrow(`[step] ${text}`);
    await expect(trainer.predict(batch)).rejects.toThrow(`[predict] ${text}`);
    await expect(trainer.verify(batch)).rejects.toThrow(`[verify] ${text}`);
    await expect(trainer.fit([batch]).next()).rejects.toThrow(`[fit, batch 0] ${text}`);
  });
});

describe.each(backends)('a generator on %s', (backend) => {
  const net = linear(2, 2, { bias: false });
  const draws: Model = (x: Value, context: Context) =>
    context.apply(net, context.random('noise', [x.spec.shape[0], 2], 'normal'), 'net');
  const data = dataset({ image: { data: new Float32Array(8), shape: [2] } });

  test('that draws its own noise predicts as many samples as are asked for', async () => {
    await withTrainer(
      { model: draws, data },
      async (trainer) => {
        const one = await trainer.predict(3);
        expect(one.shape).toEqual([3, 2]);
        expect(new Set(one.data).size).toBe(6);
        expect((await trainer.predict(data)).shape).toEqual([4, 2]);
        // A program has 1024 samples at most: those of the next one follow in the same stream.
        const many = await trainer.predict(1030);
        expect(new Set(many.data).size).toBeGreaterThan(2055);
        expect(many.data.subarray(0, 6)).toEqual(one.data);
        expect((await trainer.predict(2048)).data.subarray(0, 2060)).toEqual(many.data);
      },
      backend,
    );
  });

  test('that reads one field of noise predicts of numbers alone', async () => {
    const noise = new Random(3, 'noise');
    const numbers = Float32Array.from({ length: 8 }, () => noise.normal());
    const set = dataset({ noise: { data: numbers, shape: [2] }, image: { data: new Float32Array(8), shape: [2] } });
    await withTrainer(
      { model: net, data: set, targets: 'image' },
      async (trainer) => expect((await trainer.predict(numbers)).shape).toEqual([4, 2]),
      backend,
    );
  });
});

test('what reads no field takes nothing but a number of samples', async () => {
  const draws: Model = ({ spec }: Value, context: Context) => context.random('noise', [spec.shape[0], 1]);
  const loss = (y: Value, batch: BatchValues, context: Context) => sum(mul(y, context.apply(weights, batch['x'], 'w')));
  await withTrainer({ model: draws, loss, data: setOf('x') }, async (trainer) => {
    for (const given of [0, -1, 1.5, NaN, Float32Array.of(1, 2), { x: [1] }, {}]) {
      await expect(trainer.predict(given)).rejects.toThrow(
        'but must be a number of samples above 0, as predict(16): the model reads no field',
      );
    }
  });
  await withTrainer({ model, data: setOf('x', 'label') }, async (trainer) => {
    await expect(trainer.predict(16)).rejects.toThrow('[predict] the model reads "x": give numbers by name');
  });
});
