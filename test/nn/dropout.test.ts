import { describe, expect, test } from 'vitest';
import {
  createTrainer,
  crossEntropy,
  dataset,
  dropout,
  gaussianNoise,
  linear,
  mean,
  mul,
  relu,
  sequential,
  sgd,
  sub,
  type Context,
  type Layer,
  type Model,
  type Trainer,
  type LossOptions,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

type Values = Record<string, Value>;
type Make = (x: Value, context: Context) => Values;

const ROWS = 4;
const SIZE = 20;
/** Element i is 2ⁱ, so a sum of elements says which they are; f32 holds all of them. */
const powers = dataset({ x: { data: Float32Array.from({ length: SIZE }, (_, i) => 2 ** i), shape: [SIZE / ROWS] } });
const batch = { x: powers.fields['x'].data };
const ALL = 2 ** SIZE - 1;

type Options = Partial<LossOptions>;

async function withTrainer<T>(options: Options, work: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await createTrainer({
    optimizer: sgd({ learningRate: 0 }),
    batchSize: ROWS,
    seed: 7,
    ...(options.backend !== 'cpu' && { device: await sharedDevice() }),
    ...options,
  } as TrainerOptions);
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

/** A model whose values are its metrics too, beside a weight that never moves, for a trainer must train one. */
function tapped(make: Make, data = powers): Options {
  const still = linear(data.fields['x'].shape[0], 1);
  const model: Model = (x: Value, context: Context) => ({
    ...make(x, context),
    still: context.apply(still, x, 'still'),
  });
  return { model, data, loss: (outputs) => ({ ...(outputs as Values), loss: mean((outputs as Values)['still']) }) };
}

type Sums = Record<string, number>;

const sumsOf = (means: Readonly<Record<string, number>>): Sums =>
  Object.fromEntries(
    Object.entries(means)
      .filter(([name]) => name !== 'loss' && name !== 'still')
      .map(([name, average]) => [name, Math.round(average * SIZE)]),
  );

/** Sums of a model's values in its first training steps: with a rate of ½, which doubles, masks of 21 bits. */
const drawn = (make: Make, steps = 1, options: Options = {}): Promise<Sums[]> =>
  withTrainer({ ...tapped(make), ...options }, async (trainer) => {
    const sums: Sums[] = [];
    for (let step = 0; step < steps; step++) sums.push(sumsOf((await trainer.step(batch)).metrics));
    return sums;
  });

const one: Make = (x, context) => ({ y: context.apply(dropout(), x, 'drop') });

describe('dropout', () => {
  test('in training drops some elements, others at each step, and doubles the rest', async () => {
    const sums = (await drawn(one, 4)).map(({ y }) => y);
    expect(new Set(sums).size).toBe(4);
    for (const sum of sums) {
      expect(sum % 2).toBe(0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThan(2 * ALL);
    }
  });

  test('drops on the CPU what it drops on the GPU', async () => {
    expect(await drawn(one, 3, { backend: 'cpu' })).toEqual(await drawn(one, 3));
  });

  test('drops the same under one seed, and other elements under another', async () => {
    const first = await drawn(one);
    expect(await drawn(one)).toEqual(first);
    expect(await drawn(one, 1, { seed: 8 })).not.toEqual(first);
  });

  test('leaves everything as it is in evaluation and in prediction', async () => {
    await withTrainer(tapped(one), async (trainer) => {
      expect(sumsOf(await trainer.evaluate(powers))).toEqual({ y: ALL });
      expect((await trainer.predict(batch)).outputs['y'].data).toEqual(batch.x);
    });
  });

  test('at rate 0 leaves everything as it is in training, without a launch', async () => {
    const make: Make = (x, context) => ({ y: context.apply(dropout(0), x) });
    expect(await drawn(make)).toEqual([{ y: ALL }]);
    await withTrainer(tapped(make), async (trainer) => expect(await trainer.graph()).not.toContain('dropout('));
  });

  test.each([-0.1, 1, 1.5, NaN])('is refused at rate %s', (rate) => {
    expect(() => dropout(rate)).toThrow(
      `[dropout] rate is ${rate} but must be at least 0 and below 1: it is the share of the elements that is dropped`,
    );
  });

  test('trains by launches and gradients that agree with their references', async () => {
    const set = clusters(64, 3);
    const model = sequential(linear(2, 33), relu, dropout(0.3), linear(33, 17), dropout(0.6), relu, linear(17, 3));
    const options = { model, loss: crossEntropy, optimizer: sgd({ learningRate: 0.1 }), batchSize: 16, data: set };
    await withTrainer(options, async (trainer) => {
      const point = set.fields['point'].data.slice(0, 32);
      const label = set.fields['label'].data.slice(0, 16);
      await trainer.step({ point, label });
      const { fault, gradientError } = await trainer.verify({ point, label });
      expect(fault).toBeNull();
      expect(gradientError).toBeLessThan(1e-4);
    });
  });
});

/** Expects two values of a model to be drawn apart at every one of four steps. */
async function expectApart(make: Make): Promise<void> {
  for (const { a, b } of await drawn(make, 4)) expect(a).not.toBe(b);
}

describe('masks differ', () => {
  test('between two layers of a sequential', () =>
    expectApart((x, context) => {
      const seen: Value[] = [];
      const see = (value: Value): Value => (seen.push(value), x);
      context.apply(sequential(dropout(), see, dropout(), see), x);
      return { a: seen[0], b: seen[1] };
    }));

  test('between two uses of one layer under one name', () => {
    const drop = dropout();
    return expectApart((x, context) => ({ a: context.apply(drop, x, 'drop'), b: context.apply(drop, x, 'drop') }));
  });

  test('between two uses of one layer under two names', () => {
    const drop = dropout();
    return expectApart((x, context) => ({ a: context.apply(drop, x, 'one'), b: context.apply(drop, x, 'two') }));
  });

  test('between two layers that were given no name', () =>
    expectApart((x, context) => ({ a: context.apply(dropout(), x), b: context.apply(dropout(), x) })));

  test('between two uses of a block that a layer is in', () => {
    const block = sequential(dropout(), (x: Value) => mul(x, 1));
    return expectApart((x, context) => ({ a: context.apply(block, x, 'one'), b: context.apply(block, x, 'two') }));
  });

  test('between a layer used twice in a sequential, at the same step of two trainers alike', async () => {
    const drop = dropout();
    const twice: Make = (x, context) => ({ y: context.apply(sequential(drop, drop), x) });
    const once: Make = (x, context) => ({ y: context.apply(sequential(drop), x) });
    const [{ y: both }] = await drawn(twice);
    const [{ y: first }] = await drawn(once);
    // Of one mask twice, all that passes once would pass twice, doubled.
    expect(both).not.toBe(2 * first);
    expect(await drawn(twice)).toEqual([{ y: both }]);
  });
});

test('two draws of one name are equal within one use of a layer, and differ between two', async () => {
  const inner = dropout();
  const noisy: Layer<Value, readonly [Value, Value]> = {
    parameters: {},
    apply(x, _, context) {
      const before = context.dropout('same', x, 0.5);
      for (const name of ['once', 'twice']) context.apply(inner, x, name);
      return [before, context.dropout('same', x, 0.5)];
    },
  };
  const [{ a, b, c }] = await drawn((x, context) => {
    const [first, second] = context.apply(noisy, x, 'noisy');
    return { a: first, b: second, c: context.apply(noisy, x, 'noisy')[0] };
  });
  expect(b).toBe(a);
  expect(c).not.toBe(a);
});

describe('gaussianNoise', () => {
  const [rows, columns, deviation] = [64, 64, 0.5];
  const zeros = dataset({ x: { data: new Float32Array(rows * columns), shape: [columns] } });
  const statistics = (make: Make) =>
    withTrainer({ ...tapped(make, zeros), batchSize: rows }, async (trainer) => ({
      train: [await trainer.step({ x: zeros.fields['x'].data }), await trainer.step({ x: zeros.fields['x'].data })],
      evaluated: await trainer.evaluate(zeros),
    }));

  test('adds noise of mean 0 and its deviation in training, and none in evaluation', async () => {
    const { train, evaluated } = await statistics((x, context) => {
      const y = context.apply(gaussianNoise(deviation), x, 'noise');
      return { y, square: mul(y, y) };
    });
    const n = rows * columns;
    for (const { metrics } of train) {
      // 5 deviations of the mean, and of the mean of squares, whose variance is 2 σ⁴.
      expect(Math.abs(metrics['y'])).toBeLessThan((5 * deviation) / Math.sqrt(n));
      expect(Math.abs(metrics['square'] - deviation ** 2)).toBeLessThan(5 * deviation ** 2 * Math.sqrt(2 / n));
    }
    expect(train[0].metrics['y']).not.toBe(train[1].metrics['y']);
    expect(evaluated['square']).toBe(0);
  });

  test('differs between two uses of one layer', async () => {
    const noise = gaussianNoise(deviation);
    const { train } = await statistics((x, context) => {
      const difference = sub(context.apply(noise, x, 'noise'), context.apply(noise, x, 'noise'));
      return { square: mul(difference, difference) };
    });
    expect(train[0].metrics['square']).toBeGreaterThan(deviation ** 2);
  });

  test.each([-1, NaN, Infinity])('is refused with a deviation of %s', (given) => {
    expect(() => gaussianNoise(given)).toThrow(`[gaussianNoise] deviation is ${given} but must be at least 0`);
  });
});
