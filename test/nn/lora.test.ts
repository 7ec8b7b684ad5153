import { describe, expect, test } from 'vitest';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  frozen,
  gpt,
  linear,
  lora,
  loraWeights,
  mergedLora,
  relu,
  sequential,
  take,
  type Dataset,
  type Model,
  type Trainer,
  type TrainerOptions,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const [VOCABULARY, STEPS] = [7, 6];
const tokens = Int32Array.from({ length: 4 * STEPS }, (_, at) => (at * 5) % VOCABULARY);
const texts = dataset({
  tokens: { data: tokens, shape: [STEPS] },
  label: { data: tokens.map((token) => (token + 3) % VOCABULARY), shape: [STEPS] },
});
const base = gpt({ vocabulary: VOCABULARY, context: STEPS, width: 8, heads: 2, layers: 1 });

async function using<T>(
  model: Model,
  data: Dataset,
  options: Partial<TrainerOptions>,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.05 }),
    batchSize: 4,
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

const lossesOf = async (trainer: Trainer, data: Dataset, steps: number): Promise<number[]> => {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(data, { steps })) losses.push(loss);
  return losses;
};
const outputOf = async (trainer: Trainer): Promise<ArrayLike<number>> =>
  (await trainer.predict({ tokens })).outputs['output'].data;

describe.each(['cpu', 'webgpu'] as const)('a GPT with low-rank adapters on %s', (backend) => {
  const on = async () => (backend === 'cpu' ? { backend } : { device: await sharedDevice() });

  test('is at first what it was, learns by them alone, and is the same when they are merged', async () => {
    const before = await using(base, texts, await on(), async (trainer) => ({
      parameters: await trainer.readParameters(),
      output: await outputOf(trainer),
    }));
    const after = await using(lora(base, 2, 4), texts, await on(), async (trainer) => {
      await trainer.writeParameters(before.parameters);
      expect(await outputOf(trainer)).toEqual(before.output);
      const losses = await lossesOf(trainer, texts, 20);
      expect(losses.at(-1)).toBeLessThan(losses[0] - 0.05);
      const { fault } = await trainer.verify(texts);
      expect(fault?.message).toBeUndefined();
      return { parameters: await trainer.readParameters(), output: await outputOf(trainer) };
    });
    const own = loraWeights(after.parameters);
    // Of attention two linear layers, of the products behind it two.
    expect(Object.keys(own)).toHaveLength(8);
    for (const [name, numbers] of Object.entries(before.parameters)) expect(after.parameters[name]).toEqual(numbers);
    const merged = mergedLora(after.parameters, 4);
    expect(Object.keys(merged).toSorted()).toEqual(Object.keys(before.parameters).toSorted());
    await using(base, texts, await on(), async (trainer) => {
      await trainer.writeParameters(merged);
      const output = await outputOf(trainer);
      Array.from(after.output).forEach((number, at) => expect(output[at]).toBeCloseTo(number, 4));
    });
  });
});

test('there are gradients and moments of what trains alone', async () => {
  const model = lora(sequential(linear(2, 64), relu, linear(64, 128)), 1, 1);
  await using(model, clusters(8, 2), { device: await sharedDevice() }, async (trainer) => {
    const graph = await trainer.graph();
    // In blocks of 64: [2, 1], [1, 64] and [64, 1] have one each, [1, 128] two; the layers themselves would have 133.
    const page = 'f32[320]';
    expect(/ (\S+) = pack\(/.exec(graph)?.[1]).toBe(page);
    const [, updated] = /^(.*) = adam\(/m.exec(graph)!;
    expect(updated.match(/f32\[\d+\]/g)).toEqual([page, page, page]);
  });
});

test('adapters within what is frozen do not train', async () => {
  const body = lora(linear(2, 4), 1, 1);
  await using(sequential(frozen(body), linear(4, 2)), clusters(8, 2), { backend: 'cpu' }, async (trainer) => {
    const before = await trainer.readParameters();
    await lossesOf(trainer, take(clusters(8, 2), 0, 8), 2);
    const after = await trainer.readParameters();
    for (const name of Object.keys(before)) {
      if (name.startsWith('layer0')) expect(after[name]).toEqual(before[name]);
      else expect(after[name]).not.toEqual(before[name]);
    }
  });
});
