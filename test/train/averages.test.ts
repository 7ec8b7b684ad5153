import { describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/data/index.ts';
import {
  adam,
  createTrainer,
  crossEntropy,
  keepBest,
  linear,
  mean,
  relu,
  sequential,
  sgd,
  type Model,
  type Trainer,
  type LossOptions,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

type Kind = 'webgpu' | 'cpu';
type Named = Readonly<Record<string, ArrayLike<number>>>;

const BATCH = 16;
const STEPS = 50;
const set = clusters(100, 3);
const small = (): Model => sequential(linear(2, 6), relu, linear(6, 3));

async function withTrainer<T>(
  kind: Kind,
  options: Partial<LossOptions>,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const single = { model: small(), loss: crossEntropy, optimizer: adam({ learningRate: 0.05 }) };
  const trainer = await createTrainer({
    ...(options.phases ? { model: small() } : single),
    batchSize: BATCH,
    seed: 7,
    data: set,
    ...(kind === 'cpu' ? { backend: 'cpu' } : { device: await sharedDevice() }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

/** One step of `fit` after the other; `fit` goes on in the stream of samples. */
async function advance(trainer: Trainer, steps = 1): Promise<void> {
  for await (const { loss } of trainer.fit(set, { steps })) expect(loss).toBeGreaterThan(0);
}

/** What is in the file of weights, by name. */
const savedOf = async (trainer: Trainer): Promise<Record<string, Float32Array>> => {
  const { tensors } = readSafetensors('saved', await trainer.saveWeights());
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, Float32Array.from(data)]));
};

const distance = (a: Named, b: Named): number =>
  Math.max(...Object.keys(a).flatMap((name) => Array.from(a[name], (x, i) => Math.abs(x - b[name][i]))));

/** Parameters stay below 4; each of fifty steps rounds two products and their sum by at most half of 2⁻²² each. */
const TOLERANCE = STEPS * 3 * 2 ** -23;

/** Averages beside those that one makes oneself of the parameters after each step, in f64. */
async function followed(trainer: Trainer, decay: number): Promise<{ expected: Named; saved: Named; last: Named }> {
  const start = await trainer.readParameters();
  const expected = Object.fromEntries(
    Object.entries(start).map(([name, numbers]) => [name, Float64Array.from(numbers)]),
  );
  let last = start;
  for (let step = 0; step < STEPS; step++) {
    await advance(trainer);
    last = await trainer.readParameters();
    for (const [name, average] of Object.entries(expected)) {
      average.forEach((x, i) => (average[i] = decay * x + (1 - decay) * last[name][i]));
    }
  }
  return { expected, saved: await savedOf(trainer), last };
}

/** A unit in the last place, by which a weight's two parts may miss it: it does not add up over the steps. */
const STILL = 2 ** -23;

const twoPhases = (): TrainerOptions['phases'] => [
  { name: 'weights', trains: ['layer0'], loss: crossEntropy, optimizer: sgd({ learningRate: 0.2 }) },
  { name: 'others', trains: ['layer2'], loss: crossEntropy, optimizer: sgd({ learningRate: 0.1 }) },
];

describe.each(['webgpu', 'cpu'] as const)('averages on %s', (kind) => {
  describe.each<readonly [string, () => Partial<LossOptions>]>([
    ['of a model', () => ({})],
    ['of a model of two phases', () => ({ phases: twoPhases()! })],
    ['of steps in three parts', () => ({ microBatches: 3 })],
  ])('%s', (_, options) => {
    test.each([0, 0.5, 0.9, 0.999])('at decay %s are those of the parameters after each of 50 steps', async (decay) => {
      await withTrainer(kind, { ...options(), averageWeights: { decay } }, async (trainer) => {
        const { expected, saved, last } = await followed(trainer, decay);
        expect(Object.keys(saved)).toEqual(Object.keys(expected));
        expect(distance(saved, expected)).toBeLessThanOrEqual(TOLERANCE);
        // At decay 0 there is no difference, and elsewhere there is one to be seen.
        if (decay > 0) expect(distance(saved, last)).toBeGreaterThan(100 * TOLERANCE);
      });
    });
  });

  test('leave training as it is without them', async () => {
    const run = (options: Partial<LossOptions>) =>
      withTrainer(kind, options, async (trainer) => {
        await advance(trainer, 20);
        return trainer.readParameters();
      });
    expect(await run({ averageWeights: { decay: 0.9 } })).toEqual(await run({}));
  });

  /** A trainer that keeps averages, and one without whose weights they are. */
  const withBoth = (work: (averaging: Trainer, plain: Trainer) => Promise<void>): Promise<void> =>
    withTrainer(kind, { averageWeights: { decay: 0.9 } }, async (averaging) => {
      await advance(averaging, 20);
      const weights = await averaging.saveWeights();
      await withTrainer(kind, {}, async (plain) => {
        await plain.loadWeights(weights);
        await work(averaging, plain);
      });
    });

  test('are what evaluate judges', () =>
    withBoth(async (averaging, plain) => expect(await averaging.evaluate(set)).toEqual(await plain.evaluate(set))));

  test('are what predict asks', () =>
    withBoth(async (averaging, plain) => expect(await averaging.predict(set)).toEqual(await plain.predict(set))));

  test('are what validation judges', async () => {
    await withTrainer(kind, { averageWeights: { decay: 0.9 } }, async (trainer) => {
      let validated: Readonly<Record<string, number>> | undefined;
      for await (const { validation } of trainer.fit(set, { steps: 20, validation: set })) validated = validation;
      expect(validated).toEqual(await trainer.evaluate(set));
    });
  });

  test('are not what readParameters reads', () =>
    withBoth(async (averaging, plain) => {
      const trained = await averaging.readParameters();
      await withTrainer(kind, {}, async (other) => {
        await advance(other, 20);
        expect(trained).toEqual(await other.readParameters());
      });
      expect(distance(trained, await plain.readParameters())).toBeGreaterThan(1e-3);
    }));

  test('and parameters both become what is loaded', () =>
    withBoth(async (averaging, plain) => {
      await advance(plain, 3);
      await averaging.loadWeights(await plain.saveWeights());
      const loaded = await plain.readParameters();
      expect(await averaging.readParameters()).toEqual(loaded);
      expect(await savedOf(averaging)).toEqual(loaded);
    }));

  test('and parameters both become what is written of one name, and stay of others', () =>
    withBoth(async (averaging) => {
      const [parameters, averages] = [await averaging.readParameters(), await savedOf(averaging)];
      const written = { 'layer2.bias': Float32Array.of(1, 2, 3) };
      await averaging.writeParameters(written);
      expect(await averaging.readParameters()).toEqual({ ...parameters, ...written });
      expect(await savedOf(averaging)).toEqual({ ...averages, ...written });
    }));

  test('come back with the best weights', async () => {
    // A rate that grows far too large: the last weights are not the best.
    const optimizer = sgd({ learningRate: (step) => (step < 12 ? 0.1 : 5) });
    await withTrainer(kind, { optimizer, averageWeights: { decay: 0.5 } }, async (trainer) => {
      const seen: { loss: number; saved: Named; parameters: Named }[] = [];
      const options = { steps: 24, validation: set, validateEvery: 4, decisions: [keepBest()] };
      for await (const { validation } of trainer.fit(set, options)) {
        if (!validation) continue;
        const [saved, parameters] = [await savedOf(trainer), await trainer.readParameters()];
        seen.push({ loss: validation['loss'], saved, parameters });
      }
      expect(seen).toHaveLength(6);
      const best = seen.reduce((a, b) => (b.loss < a.loss ? b : a));
      expect(await savedOf(trainer)).toEqual(best.saved);
      expect(await trainer.readParameters()).toEqual(best.parameters);
    });
  });

  test('are left by verify as they are, and their launch is sound', async () => {
    await withTrainer(kind, { averageWeights: { decay: 0.9 } }, async (trainer) => {
      await advance(trainer, 5);
      const before = await savedOf(trainer);
      const point = set.fields['point'].data.slice(0, 2 * BATCH);
      const label = set.fields['label'].data.slice(0, BATCH);
      expect((await trainer.verify({ point, label })).fault).toBeNull();
      expect(await trainer.graph()).toContain('accumulate(');
      expect(await savedOf(trainer)).toEqual(before);
    });
  });

  test.each([0.9, 0.999, 0.99999])('of a weight that never moves are the weight, at decay %s', async (decay) => {
    const frozen = sgd({ learningRate: 0.1, groups: [{ match: 'layer0', frozen: true }] });
    await withTrainer(kind, { optimizer: frozen, averageWeights: { decay } }, async (trainer) => {
      await advance(trainer, 300);
      const { 'layer0.weight': averages } = await savedOf(trainer);
      const { 'layer0.weight': weights } = await trainer.readParameters();
      const errors = Array.from(weights, (x, i) => Math.abs(averages[i] / x - 1));
      expect(Math.max(...errors)).toBeLessThanOrEqual(STILL);
    });
  });
});

test('a metric of evaluation sees the averages too', async () => {
  const tapped: Model = sequential(linear(2, 1, { bias: false }), linear(1, 3));
  const loss = (y: Value, batch: Record<string, Value>) => ({ loss: crossEntropy(y, batch['label']), y: mean(y) });
  const averaging = { model: tapped, loss, optimizer: sgd({ learningRate: 1 }), averageWeights: { decay: 0.99 } };
  await withTrainer('webgpu', averaging, async (trainer) => {
    await advance(trainer, 10);
    const { data } = await trainer.predict(set);
    const expected = Array.from(data).reduce((sum, each) => sum + each, 0) / data.length;
    expect((await trainer.evaluate(set))['y']).toBeCloseTo(expected, 5);
  });
});
