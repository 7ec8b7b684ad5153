import { describe, expect, test } from 'vitest';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  embedding,
  gpt,
  linear,
  mean,
  multiHeadAttention,
  positions,
  sequential,
  transformerDecoderLayer,
  transformerEncoderLayer,
  type Context,
  type Dataset,
  type Model,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const [VOCABULARY, WIDTH, STEPS, SAMPLES] = [7, 8, 6, 4];
const tokens = Int32Array.from({ length: SAMPLES * STEPS }, (_, at) => (at * 5 + Math.floor(at / STEPS)) % VOCABULARY);
const data: Dataset<'tokens' | 'lengths' | 'label'> = dataset({
  tokens: { data: tokens, shape: [STEPS] },
  lengths: Int32Array.of(6, 1, 3, 0),
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
    optimizer: adam({ learningRate: 0.01 }),
    batchSize: SAMPLES,
    seed: 3,
    data,
    inputs: ['tokens'],
    ...options,
  } as TrainerOptions);
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const onCpu = { backend: 'cpu' } as const;
const onWebgpu = async () => ({ device: await sharedDevice() });

/** Tokens as vectors, through something, to logits. */
const between = (...layers: readonly Model[]): Model =>
  sequential(embedding(VOCABULARY, WIDTH), ...(layers as []), linear(WIDTH, VOCABULARY));

const encoders: Readonly<Record<string, Model>> = {
  'post-norm layers with dropout': between(
    transformerEncoderLayer(WIDTH, 2, { feedForward: 10, dropout: 0.2 }),
    transformerEncoderLayer(WIDTH, 2, { feedForward: 10, dropout: 0.2 }),
  ),
  'pre-norm layers with rotary positions, shared keys and swiglu': between(
    transformerEncoderLayer(WIDTH, 4, {
      feedForward: 6,
      norm: 'pre',
      activation: 'swiglu',
      rotary: true,
      keyHeads: 2,
      causal: true,
      window: 3,
      bias: false,
    }),
  ),
  'a small GPT': gpt({ vocabulary: VOCABULARY, context: STEPS, width: WIDTH, heads: 2, layers: 2, dropout: 0.1 }),
};

describe.each(Object.entries(encoders))('%s', (_, model) => {
  test('compute a step as the references do, and their loss falls', async () => {
    await using(model, await onWebgpu(), async (trainer) => {
      const { ok, fault } = await trainer.verify(data);
      expect(fault?.message).toBeUndefined();
      expect(ok).toBe(true);
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(data, { steps: 40 })) losses.push(loss);
      expect(losses.at(-1)).toBeLessThan(losses[0] - 0.1);
    });
  });

  test('take the same steps on the CPU', async () => {
    const lossesOn = (options: Partial<TrainerOptions>): Promise<number[]> =>
      using(model, options, async (trainer) => {
        const losses: number[] = [];
        for await (const { loss } of trainer.fit(data, { steps: 4 })) losses.push(loss);
        return losses;
      });
    const [cpu, webgpu] = [await lossesOn(onCpu), await lossesOn(await onWebgpu())];
    cpu.forEach((loss, at) => expect(Math.abs(webgpu[at] - loss)).toBeLessThan(1e-4));
  });
});

test('a causal layer gives each step what it gave without those behind', async () => {
  const layer = transformerEncoderLayer(WIDTH, 2, { feedForward: 10, causal: true });
  const changed = dataset({ tokens: { data: tokens.with(3, (tokens[3] + 1) % VOCABULARY), shape: [STEPS] } });
  await using(between(positions(STEPS, WIDTH), layer), onCpu, async (trainer) => {
    const before = (await trainer.predict({ tokens })).outputs['output'].data;
    const after = (await trainer.predict(changed)).outputs['output'].data;
    const row = (all: ArrayLike<number>, at: number) => Array.from(all).slice(at * VOCABULARY, (at + 1) * VOCABULARY);
    for (let t = 0; t < STEPS; t++) {
      if (t < 3) expect(row(after, t)).toEqual(row(before, t));
      else expect(row(after, t)).not.toEqual(row(before, t));
    }
  });
});

describe('samples of several lengths', () => {
  type Batch = Record<'tokens' | 'lengths', Value>;
  const table = embedding(VOCABULARY, WIDTH);
  const encoder = transformerEncoderLayer(WIDTH, 2, { feedForward: 10, dropout: 0 });
  const decoder = transformerDecoderLayer(WIDTH, 2, { feedForward: 10, dropout: 0, norm: 'pre' });
  const last = linear(WIDTH, VOCABULARY);
  const model = (batch: Batch, context: Context): Value => {
    const x = context.apply(table, batch.tokens, 'table');
    const memory = context.apply(encoder, { x, lengths: batch.lengths }, 'encoder');
    const made = context.apply(decoder, { x, memory, memoryLengths: batch.lengths }, 'decoder');
    return context.apply(last, made, 'last');
  };
  const options = { inputs: ['tokens', 'lengths'] };

  test('are encoded and decoded as the references do, one of no steps among them', async () => {
    await using(model as Model, { ...(await onWebgpu()), ...options }, async (trainer) => {
      const { ok, fault } = await trainer.verify(data);
      expect(fault?.message).toBeUndefined();
      expect(ok).toBe(true);
    });
  });

  test('do not depend on what stands behind their ends', async () => {
    const padded = (filling: number): Int32Array =>
      tokens.map((token, at) => (at % STEPS < data.fields.lengths.data[Math.floor(at / STEPS)] ? token : filling));
    await using(
      (batch: Batch, context: Context) => {
        const x = context.apply(table, batch.tokens, 'table');
        return context.apply(encoder, { x, lengths: batch.lengths }, 'encoder');
      },
      { ...onCpu, ...options, loss: (y: Value) => mean(y) },
      async (trainer) => {
        const lengths = Int32Array.from(data.fields.lengths.data);
        const outputs: ArrayLike<number>[] = [];
        for (const filling of [0, 5]) {
          outputs.push((await trainer.predict({ tokens: padded(filling), lengths })).outputs['output'].data);
        }
        const size = STEPS * WIDTH;
        Array.from(outputs[0]).forEach((number, at) => {
          const isReal = Math.floor((at % size) / WIDTH) < lengths[Math.floor(at / size)];
          if (isReal) expect(outputs[1][at]).toBe(number);
        });
      },
    );
  });
});

test('parameters are named by what they are in the layer', async () => {
  const model = between(multiHeadAttention(WIDTH, 2), transformerEncoderLayer(WIDTH, 2, { bias: false }));
  await using(model, onCpu, async (trainer) => {
    const names = Object.keys(await trainer.readParameters()).filter((name) => !/layer[03]/.test(name));
    expect(names).toEqual([
      'layer1.input.weight',
      'layer1.input.bias',
      'layer1.output.weight',
      'layer1.output.bias',
      'layer2.selfAttention.input.weight',
      'layer2.selfAttention.output.weight',
      'layer2.norm1.gamma',
      'layer2.linear1.weight',
      'layer2.linear2.weight',
      'layer2.norm2.gamma',
    ]);
  });
});

test('first values of attention are those of PyTorch', async () => {
  const layer = multiHeadAttention(64, 4);
  await using(sequential(embedding(VOCABULARY, 64), layer, linear(64, VOCABULARY)), onCpu, async (trainer) => {
    const parameters = await trainer.readParameters();
    const largest = (name: string): number => parameters[name].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    // Xavier's law of [3 · 64, 64] and ±1 / √64, of so many numbers that the largest is near the limit.
    const glorot = Math.sqrt(6 / (4 * 64));
    expect(largest('layer1.input.weight')).toBeLessThanOrEqual(glorot);
    expect(largest('layer1.input.weight')).toBeGreaterThan(0.99 * glorot);
    expect(largest('layer1.output.weight')).toBeLessThanOrEqual(1 / 8);
    expect(largest('layer1.output.weight')).toBeGreaterThan(0.99 / 8);
    expect(largest('layer1.input.bias') + largest('layer1.output.bias')).toBe(0);
  });
});

describe('launches that a layer adds to a step, forward and backward,', () => {
  const launchesOf = (model: Model, options: Partial<TrainerOptions>): Promise<number> =>
    using(model, { kernels: 'guess', ...options }, async (trainer) => {
      await trainer.summary();
      return trainer.launchesPerStep;
    });
  const small = { vocabulary: VOCABULARY, context: STEPS, width: WIDTH, heads: 2 };
  const encoder = () => transformerEncoderLayer(WIDTH, 2, { feedForward: 10, dropout: 0 });

  test.each([
    ['of GPT', gpt({ ...small, layers: 1 }), gpt({ ...small, layers: 2 })],
    ['of an encoder as PyTorch has it', between(encoder()), between(encoder(), encoder())],
  ] as const)('%s are 20 at most', async (_, one, two) => {
    const on = await onWebgpu();
    expect((await launchesOf(two, on)) - (await launchesOf(one, on))).toBeLessThanOrEqual(20);
  });
});
