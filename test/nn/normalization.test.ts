import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { readSafetensors } from '../../src/data/index.ts';
import {
  batchNorm,
  createTrainer,
  crossEntropy,
  dataset,
  groupNorm,
  layerNorm,
  linear,
  mean,
  meanSquaredError,
  mul,
  relu,
  rmsNorm,
  sequential,
  sgd,
  spatialDropout,
  type Context,
  type Dataset,
  type Model,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard } from '../support/otherDevice.ts';
import { clusters } from '../support/toy.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

const backends = ['webgpu', 'cpu'] as const;

async function withTrainer<T>(
  options: Partial<TrainerOptions>,
  work: (trainer: Trainer) => Promise<T>,
  backend: (typeof backends)[number] = 'webgpu',
): Promise<T> {
  const trainer = await createTrainer({
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 16,
    seed: 3,
    ...(backend === 'cpu' ? { backend } : { device: await sharedDevice() }),
    ...options,
  } as TrainerOptions);
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const set = clusters(96, 3);
const batchAt = (step: number, size = 16, { fields }: Dataset = set) => ({
  point: fields['point'].data.slice(2 * step * size, 2 * (step + 1) * size),
  label: fields['label'].data.slice(step * size, (step + 1) * size),
});
const net = () => sequential(linear(2, 12), batchNorm(12), relu, linear(12, 3));

/** What a trainer's layers keep, and its parameters, by name. */
async function saved(trainer: Trainer): Promise<Record<string, number[]>> {
  const { tensors } = readSafetensors('a', await trainer.saveWeights());
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, [...data]]));
}

/** Running averages of some rows of two columns, as they are after batches, in f64. */
function averagesOf(batches: readonly (readonly number[])[], momentum: number): { mean: number[]; variance: number[] } {
  const running = { mean: [0, 0], variance: [1, 1] };
  for (const numbers of batches) {
    for (const c of [0, 1]) {
      const column = numbers.filter((_, at) => at % 2 === c);
      const average = column.reduce((total, x) => total + x) / column.length;
      const squares = column.reduce((total, x) => total + (x - average) ** 2, 0);
      running.mean[c] = (1 - momentum) * running.mean[c] + momentum * average;
      running.variance[c] = (1 - momentum) * running.variance[c] + (momentum * squares) / (column.length - 1);
    }
  }
  return running;
}

function expectNear(found: readonly number[], expected: readonly number[], tolerance = 1e-6): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((x, at) => {
    expect(Math.abs(x - expected[at]), `${x} for ${expected[at]}`).toBeLessThan(tolerance * Math.max(1, Math.abs(x)));
  });
}

describe.each(backends)('batch norm on %s', (backend) => {
  const first = (momentum = 0.1) => sequential(batchNorm(2, { momentum }), linear(2, 3));

  test.each([0.1, 0.5])('keeps the running averages of a computation by hand, with momentum %f', async (momentum) => {
    const batches = [0, 1, 2].map((step) => batchAt(step));
    const expected = averagesOf(
      batches.map(({ point }) => [...point]),
      momentum,
    );
    await withTrainer(
      { model: first(momentum), data: set },
      async (trainer) => {
        for (const batch of batches) await trainer.step(batch);
        const tensors = await saved(trainer);
        expectNear(tensors['layer0.runningMean'], expected.mean);
        expectNear(tensors['layer0.runningVariance'], expected.variance);
      },
      backend,
    );
  });

  test('in evaluation takes the running averages, and leaves them as they are', async () => {
    await withTrainer(
      { model: first(), data: set },
      async (trainer) => {
        await trainer.step(batchAt(0));
        const { 'layer0.runningMean': center, 'layer0.runningVariance': variance } = await saved(trainer);
        // Gamma and beta are 1 and 0, and the linear layer hands on what it reads.
        await trainer.writeParameters({
          'layer0.gamma': [1, 1],
          'layer0.beta': [0, 0],
          'layer1.weight': [1, 0, 0, 0, 1, 0],
          'layer1.bias': [0, 0, 0],
        });
        const point = Float32Array.of(0.3, -0.7, 2, 5);
        const { data } = await trainer.predict({ point });
        const expected = [...point].map((x, at) => (x - center[at % 2]) / Math.sqrt(variance[at % 2] + 1e-5));
        expectNear([data[0], data[1], data[3], data[4]], expected, 1e-5);
        await trainer.evaluate(set);
        expect((await saved(trainer))['layer0.runningMean']).toEqual(center);
      },
      backend,
    );
  });

  test('is updated by each part of a step in parts', async () => {
    const parts = [0, 1].map((part) => [...batchAt(part, 8).point]);
    await withTrainer(
      { model: first(), data: set, microBatches: 2 },
      async (trainer) => {
        await trainer.step(batchAt(0));
        const expected = averagesOf(parts, 0.1);
        const tensors = await saved(trainer);
        expectNear(tensors['layer0.runningMean'], expected.mean);
        expectNear(tensors['layer0.runningVariance'], expected.variance);
      },
      backend,
    );
  });

  test('that is used twice is updated twice', async () => {
    const norm = batchNorm(2);
    const last = linear(2, 3);
    const model: Model = (x: Value, context: Context) =>
      context.apply(last, context.apply(norm, mul(context.apply(norm, x, 'norm'), 3), 'again'), 'last');
    await withTrainer(
      { model, data: set, optimizer: sgd({ learningRate: 0 }) },
      async (trainer) => {
        const { point } = batchAt(0);
        await trainer.step(batchAt(0));
        const own = averagesOf([[...point]], 1);
        const between = [...point].map((x, at) => {
          const biased = (own.variance[at % 2] * 15) / 16;
          return (3 * (x - own.mean[at % 2])) / Math.sqrt(biased + 1e-5);
        });
        const expected = averagesOf([[...point], between], 0.1);
        const tensors = await saved(trainer);
        expectNear(tensors['norm.runningMean'], expected.mean);
        expectNear(tensors['norm.runningVariance'], expected.variance, 1e-5);
      },
      backend,
    );
  });

  test('goes into a file and into another trainer, which then predicts the same', async () => {
    const options = { model: net(), data: set };
    const bytes = await withTrainer(
      options,
      async (trainer) => {
        for (const step of [0, 1, 2]) await trainer.step(batchAt(step));
        return { file: await trainer.saveWeights(), output: (await trainer.predict(batchAt(4))).data };
      },
      backend,
    );
    await withTrainer(
      { ...options, seed: 4 },
      async (trainer) => {
        expect((await trainer.predict(batchAt(4))).data).not.toEqual(bytes.output);
        await trainer.loadWeights(bytes.file);
        expect((await trainer.predict(batchAt(4))).data).toEqual(bytes.output);
      },
      backend,
    );
  });
});

test('weights without running averages are refused, and nothing is replaced', async () => {
  const plain = sequential(linear(2, 12), relu, linear(12, 3));
  const other = await withTrainer({ model: plain, data: set }, (trainer) => trainer.saveWeights(), 'cpu');
  const model = sequential(linear(2, 12), relu, linear(12, 3), batchNorm(3, { affine: false }));
  await withTrainer(
    { model, data: set },
    async (trainer) => {
      const before = await saved(trainer);
      await expect(trainer.loadWeights(other, 'old')).rejects.toThrow(
        '[weights] "layer3.runningMean" is f32[3] here but not in old',
      );
      expect(await saved(trainer)).toEqual(before);
    },
    'cpu',
  );
});

test('a net with batch norm learns, evaluates otherwise than it trains, and is verified', async () => {
  await withTrainer({ model: net(), data: set }, async (trainer) => {
    const { loss: before } = await trainer.step(batchAt(0));
    const evaluated = await trainer.evaluate(set);
    expect(Math.abs(evaluated.loss - before)).toBeGreaterThan(1e-3);
    for await (const _ of trainer.fit(set, { steps: 60 }));
    const { loss, accuracy } = await trainer.evaluate(set);
    expect(loss, `seed ${SEED}`).toBeLessThan(0.3);
    expect(accuracy).toBeGreaterThan(0.9);
    const kept = await saved(trainer);
    const { fault, gradientError } = await trainer.verify(batchAt(1));
    expect(fault).toBeNull();
    expect(gradientError).toBeLessThan(1e-4);
    expect(await saved(trainer)).toEqual(kept);
  });
});

/** Images of one sample: three by four pixels of six channels. */
const [ROWS, PIXELS, CHANNELS] = [8, [3, 4], 6];
const SIZE = 3 * 4 * CHANNELS;
const random = new Random(SEED, 'images');
const images = dataset({
  x: { data: Float32Array.from({ length: ROWS * SIZE }, () => random.normal(2, 3)), shape: [...PIXELS, CHANNELS] },
  target: { data: Float32Array.from({ length: ROWS * SIZE }, () => random.normal()), shape: [...PIXELS, CHANNELS] },
});
const imageBatch = { x: images.fields['x'].data, target: images.fields['target'].data };

describe.each([
  ['batch norm', batchNorm(CHANNELS)],
  ['layer norm of the channels', layerNorm(CHANNELS)],
  ['layer norm of whole samples', layerNorm([...PIXELS, CHANNELS])],
  ['RMS norm', rmsNorm(CHANNELS)],
  ['group norm', groupNorm(3, CHANNELS)],
  [
    'norms without gamma and beta',
    sequential(batchNorm(CHANNELS, { affine: false }), groupNorm(2, CHANNELS, { affine: false })),
  ],
])('%s of images', (_, norm) => {
  test('trains by launches and gradients that agree with their references', async () => {
    const model = sequential(linear(CHANNELS, CHANNELS), norm, relu, linear(CHANNELS, CHANNELS));
    await withTrainer({ model, data: images, loss: meanSquaredError, batchSize: ROWS }, async (trainer) => {
      const { loss } = await trainer.step(imageBatch);
      const { fault, gradientError } = await trainer.verify(imageBatch);
      expect(fault, `seed ${SEED}`).toBeNull();
      expect(gradientError).toBeLessThan(1e-4);
      for (let step = 0; step < 4; step++) await trainer.step(imageBatch);
      expect((await trainer.step(imageBatch)).loss).toBeLessThan(loss);
    });
  });
});

test('norms of many pixels are verified on a card, whose rows are shared and whose sums are in parts', async () => {
  const [width, channels] = [33, 3];
  const length = 4 * width * width * channels;
  const pixels = dataset({
    x: { data: Float32Array.from({ length }, () => random.normal(100, 0.1)), shape: [width, width, channels] },
    target: { data: Float32Array.from({ length }, () => random.normal()), shape: [width, width, channels] },
  });
  const model = sequential(batchNorm(channels), relu, groupNorm(1, channels));
  const options = { model, data: pixels, loss: meanSquaredError, batchSize: 4, device: await asCard() };
  await withTrainer(options, async (trainer) => {
    const { fault } = await trainer.verify({ x: pixels.fields['x'].data, target: pixels.fields['target'].data });
    expect(fault, `seed ${SEED}`).toBeNull();
    expect(await trainer.summary()).toContain('pooledMoments');
  });
});

describe('what a layer norm gives', () => {
  /** The predictions of a layer for the images, by itself. */
  const predicted = (model: Model): Promise<readonly number[]> => {
    const still = linear(CHANNELS, 1);
    const beside: Model = (x: Value, context: Context) => ({
      y: context.apply(model, x, 'layer'),
      still: context.apply(still, x, 'still'),
    });
    const loss = (outputs: unknown) => mean((outputs as Record<string, Value>)['still']);
    return withTrainer({ model: beside, data: images, loss, batchSize: ROWS }, async (trainer) => {
      return [...(await trainer.predict({ x: imageBatch.x })).outputs['y'].data];
    });
  };
  const momentsOf = (numbers: readonly number[]): number[] => {
    const average = numbers.reduce((total, x) => total + x) / numbers.length;
    const squares = numbers.reduce((total, x) => total + x * x, 0) / numbers.length;
    return [average, squares];
  };

  test('has mean 0 and deviation 1 in each pixel, if it is of the channels', async () => {
    const y = await predicted(layerNorm(CHANNELS));
    for (let at = 0; at < y.length; at += CHANNELS) expectNear(momentsOf(y.slice(at, at + CHANNELS)), [0, 1], 1e-3);
  });
  test('has mean 0 and deviation 1 in each sample, if it is of whole samples', async () => {
    const y = await predicted(layerNorm([...PIXELS, CHANNELS]));
    for (let at = 0; at < y.length; at += SIZE) expectNear(momentsOf(y.slice(at, at + SIZE)), [0, 1], 1e-3);
  });
  test('has mean square 1 and x’s own signs, if it is RMS norm', async () => {
    const y = await predicted(rmsNorm(CHANNELS));
    for (let at = 0; at < y.length; at += CHANNELS) {
      expectNear(momentsOf(y.slice(at, at + CHANNELS)).slice(1), [1], 1e-3);
    }
    expect(y.every((number, at) => Math.sign(number) === Math.sign(imageBatch.x[at]))).toBe(true);
  });
  test('has mean 0 and deviation 1 in each group of neighbouring channels, if it is group norm', async () => {
    const y = await predicted(groupNorm(2, CHANNELS));
    for (let at = 0; at < y.length; at += SIZE) {
      for (const first of [0, 3]) {
        const own = y.slice(at, at + SIZE).filter((_, i) => i % CHANNELS >= first && i % CHANNELS < first + 3);
        expectNear(momentsOf(own), [0, 1], 1e-3);
      }
    }
  });
});

describe('spatial dropout', () => {
  const units = dataset({
    x: { data: new Float32Array(ROWS * SIZE).fill(1), shape: [...PIXELS, CHANNELS] },
    target: new Float32Array(ROWS),
  });
  /** Each element's own metric would be too many: sums of channels say whether they were dropped whole. */
  const model: Model = (x: Value, context: Context) => {
    const y = context.apply(spatialDropout(0.25), x, 'drop');
    return { y, square: mean(y, { axes: [1, 2] }), still: context.apply(still, x, 'still') };
  };
  const still = linear(CHANNELS, 1);
  const loss = (outputs: unknown) => {
    const { y, square, still: last } = outputs as Record<string, Value>;
    // Of channels that are 0 or 4/3 throughout, the square of the mean is the mean of the squares.
    return { loss: mean(last), squares: mean(mul(y, y)), ofMeans: mean(mul(square, square)), y: mean(y) };
  };
  const options = { model, loss, data: units, batchSize: ROWS };
  const batch = { x: units.fields['x'].data, target: units.fields['target'].data };

  test.each(backends)(
    'drops whole channels of samples, others at each step, and the rest grows, on %s',
    async (backend) => {
      await withTrainer(
        options,
        async (trainer) => {
          const seen = new Set<number>();
          for (let step = 0; step < 6; step++) {
            const { squares, ofMeans, y } = (await trainer.step(batch)).metrics;
            expectNear([squares], [ofMeans], 1e-5);
            expectNear([squares], [(4 / 3) * y], 1e-5);
            // Of 48 channels whole ones are left.
            expectNear([(y * 3 * ROWS * CHANNELS) / 4], [Math.round((y * 3 * ROWS * CHANNELS) / 4)], 1e-4);
            expect(y).toBeLessThan(4 / 3);
            expect(y).toBeGreaterThan(0.5);
            seen.add(y);
          }
          expect(seen.size).toBeGreaterThan(1);
        },
        backend,
      );
    },
  );
  test('leaves everything as it is in evaluation', async () => {
    await withTrainer(options, async (trainer) => {
      expect((await trainer.evaluate(units))['squares']).toBe(1);
    });
  });
  test('in parts of a step draws what it would draw for the whole batch', async () => {
    const drawn = (microBatches: number): Promise<number> =>
      withTrainer({ ...options, microBatches }, async (trainer) => (await trainer.step(batch)).metrics['y']);
    expectNear([await drawn(4)], [await drawn(1)]);
  });
});

describe('refused are', () => {
  test.each<[string, () => unknown, string]>([
    ['no features', () => batchNorm(0), '[batchNorm] a layer of 0 features: their number must be whole and positive'],
    ['an epsilon of 0', () => layerNorm(3, { epsilon: 0 }), '[layerNorm] epsilon is 0 but must be above 0 and finite'],
    ['an epsilon that f32 has not', () => rmsNorm(3, { epsilon: 1e-50 }), '[rmsNorm] epsilon is 1e-50 but'],
    ['an infinite epsilon', () => groupNorm(1, 3, { epsilon: Infinity }), '[groupNorm] epsilon is Infinity but'],
    ['a momentum above 1', () => batchNorm(3, { momentum: 1.1 }), '[batchNorm] momentum is 1.1 but must be 0 … 1'],
    ['a momentum of NaN', () => batchNorm(3, { momentum: NaN }), '[batchNorm] momentum is NaN but must be 0 … 1'],
    ['groups that do not divide', () => groupNorm(4, 6), '[groupNorm] 4 groups do not divide 6 features'],
    ['no groups', () => groupNorm(0, 6), '[groupNorm] 0 groups do not divide 6 features'],
    ['a norm over no axes', () => layerNorm([]), '[layerNorm] a layer over []'],
    ['a rate of 1', () => spatialDropout(1), '[spatialDropout] rate is 1 but must be at least 0 and below 1'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  test.each<[string, Model, string, number]>([
    [
      'other features',
      sequential(batchNorm(3)),
      '[batchNorm] x is f32[16, 2] with 2 features, but the layer takes 3',
      16,
    ],
    ['other last axes', sequential(layerNorm([4, 2])), '[layerNorm] x is f32[16, 2], but the layer is over [4, 2]', 16],
    [
      'no samples',
      (x: Value, context: Context) => context.apply(spatialDropout(), mean(x, { axes: 0 })),
      '[spatialDropout] x is f32[2] but must be [N, …, C]',
      16,
    ],
    [
      'one value for each channel in training',
      sequential(batchNorm(2)),
      '[batchNorm] x is f32[1, 2], one value for each channel: its variance is 0',
      1,
    ],
  ])('%s', async (_, model, message, batchSize) => {
    await withTrainer(
      { model: sequential(model, linear(2, 3)), batchSize },
      async (trainer) => {
        await expect(trainer.prepare(set)).rejects.toThrow(message);
      },
      'cpu',
    );
  });
});
