import { describe, expect, test } from 'vitest';
import {
  adam,
  add,
  constant,
  createTrainer,
  crossEntropy,
  dataset,
  embedding,
  interpret,
  mean,
  mul,
  positions,
  sequential,
  sgd,
  sinusoidalPositions,
  sum,
  tied,
  type Context,
  type Model,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { spec } from '../../src/core/shape.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { sharedDevice } from '../support/device.ts';

const [VOCABULARY, WIDTH, STEPS, SAMPLES] = [7, 4, 5, 3];
const tokens = Int32Array.from({ length: SAMPLES * STEPS }, (_, at) => (at * 5) % VOCABULARY);
const data = dataset({
  tokens: { data: tokens, shape: [STEPS] },
  label: { data: tokens.map((token) => (token + 1) % VOCABULARY), shape: [STEPS] },
});

async function using<T>(
  model: Model,
  options: Partial<TrainerOptions>,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 1 }),
    batchSize: SAMPLES,
    seed: 3,
    data,
    ...options,
  } as TrainerOptions);
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

describe.each(['cpu', 'webgpu'] as const)('on %s', (backend) => {
  const on = async () => (backend === 'cpu' ? { backend } : { device: await sharedDevice() });

  test('a padding row is 0 at first, and 0 after steps in which it was read', async () => {
    const model = sequential(embedding(VOCABULARY, WIDTH, { padding: 2 }), (x: Value) => mul(x, add(x, 1)));
    const loss = (y: Value) => mean(y);
    await using(model, { ...(await on()), loss, optimizer: adam({ learningRate: 0.1 }) }, async (trainer) => {
      const before = (await trainer.readParameters())['layer0.weight'];
      for await (const step of trainer.fit(data, { steps: 3 })) expect(step.loss).not.toBeNaN();
      const after = (await trainer.readParameters())['layer0.weight'];
      for (let at = 0; at < before.length; at++) {
        if (Math.floor(at / WIDTH) === 2) expect([before[at], after[at]]).toEqual([0, 0]);
        else expect(after[at]).not.toBe(before[at]);
      }
    });
  });

  test('a tied output learns into the weight that it shares, and a step of both falls', async () => {
    const table = embedding(VOCABULARY, WIDTH);
    const model = sequential(table, positions(STEPS + 2, WIDTH), tied(table));
    await using(model, await on(), async (trainer) => {
      expect(Object.keys(await trainer.readParameters())).toEqual(['layer0.weight', 'layer1.weight']);
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(data, { steps: 20 })) losses.push(loss);
      expect(losses.at(-1)).toBeLessThan(losses[0]);
      const { ok, fault } = await trainer.verify(data);
      expect(fault?.message).toBeUndefined();
      expect(ok).toBe(true);
    });
  });
});

test('an index beyond the vocabulary is named where the batch is checked', async () => {
  const beyond = dataset({
    tokens: { data: tokens.with(4, VOCABULARY), shape: [STEPS] },
    label: { data: data.fields.label.data, shape: [STEPS] },
  });
  const table = embedding(VOCABULARY, WIDTH);
  await using(sequential(table, tied(table)), { backend: 'cpu' }, async (trainer) => {
    const steps = async () => {
      for await (const step of trainer.fit(beyond, { steps: 1 })) return step;
    };
    const message = `[gather] "tokens"[4] is ${VOCABULARY}, but indices of ${VOCABULARY} rows must be 0 … ${VOCABULARY - 1}`;
    await expect(steps()).rejects.toMatchObject({ name: 'DataError', message: expect.stringContaining(message) });
    await expect(trainer.predict({ tokens: beyond.fields.tokens.data })).rejects.toThrow('[gather] "tokens"[4]');
  });
});

test('sinusoidal positions are the numbers of the paper', () => {
  const layer = sinusoidalPositions(4);
  const x = constant(new Float32Array(2 * 3 * 4), spec([2, 3, 4]));
  const y = new Tracer(new Registry(1), 'train', null).apply(layer, x, '');
  const numbers = interpret({ outputs: { y }, writes: [] }).outputs['y'];
  for (let at = 0; at < numbers.length; at++) {
    const [t, feature] = [Math.floor(at / 4) % 3, at % 4];
    const angle = t / (feature < 2 ? 1 : 100);
    expect(numbers[at]).toBeCloseTo(feature % 2 === 0 ? Math.sin(angle) : Math.cos(angle), 6);
  }
});

test('positions of fewer steps than there are leave the others alone', async () => {
  const table = embedding(VOCABULARY, WIDTH);
  const learned = positions(STEPS + 2, WIDTH);
  const model = (x: Value, context: Context) => {
    const placed = context.apply(learned, context.apply(table, x, 'table'), 'positions');
    return sum(mul(placed, placed));
  };
  await using(model, { backend: 'cpu', loss: (y: Value) => y }, async (trainer) => {
    const before = (await trainer.readParameters())['positions.weight'];
    for await (const { step } of trainer.fit(data, { steps: 1 })) expect(step).toBe(1);
    const after = (await trainer.readParameters())['positions.weight'];
    after.forEach((number, at) => expect(number === before[at]).toBe(at >= STEPS * WIDTH));
  });
});
