import { describe, expect, test } from 'vitest';
import {
  augment,
  createTrainer,
  crossEntropy,
  flatten,
  linear,
  relu,
  sequential,
  sgd,
  take,
  type AugmentOptions,
  type Context,
  type Layer,
  type Model,
  type Trainer,
  type LossOptions,
  type Value,
} from '../../src/index.ts';
import { syntheticDigits } from '../../src/data/index.ts';
import { sharedDevice } from '../support/device.ts';

const BATCH = 24;
const { train } = await syntheticDigits({ train: 200, test: 1, seed: 3 });

const ALL: AugmentOptions = {
  shift: 2,
  flip: true,
  rotate: 15,
  scale: 0.1,
  cutout: 6,
  brightness: 0.2,
  contrast: 0.2,
};

/** Weights are named, and so begin, alike whatever stands in front. */
const network = (...front: readonly Layer[]): Model => {
  const [before, body] = [sequential(...front), sequential(flatten, linear(784, 16), relu, linear(16, 10))];
  return (x: Value, context: Context) => context.apply(body, context.apply(before, x, 'before'), 'body');
};

async function withTrainer<T>(
  model: Model,
  work: (trainer: Trainer) => Promise<T>,
  options: Partial<LossOptions> = {},
): Promise<T> {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: BATCH,
    seed: 7,
    data: train,
    ...(options.backend !== 'cpu' && { device: await sharedDevice() }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const STEPS = 30;

/** The losses of a run, and the weights at its end. */
const runOf = (model: Model, options?: Partial<LossOptions>) =>
  withTrainer(
    model,
    async (trainer) => {
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(train, { steps: STEPS })) losses.push(loss);
      return { losses, weights: Object.values(await trainer.readParameters()).flatMap((numbers) => [...numbers]) };
    },
    options,
  );

type Run = Awaited<ReturnType<typeof runOf>>;

/**
 * Of the losses, near 2.3, and of the weights, below 0.1: 30 steps' roundings of sums in another order. Other pictures
 * move the losses by 1e-2 and more.
 */
const TOLERANCE = 1e-5;

const distance = (one: readonly number[], other: readonly number[]): number =>
  Math.max(...one.map((x, at) => Math.abs(x - other[at])));

function expectAlike(one: Run, other: Run): void {
  expect(distance(one.losses, other.losses)).toBeLessThan(TOLERANCE);
  expect(distance(one.weights, other.weights)).toBeLessThan(TOLERANCE);
}

describe('augmented digits', () => {
  const whole = runOf(network(augment(ALL)));

  test('train on the GPU as on the CPU, step for step', async () => {
    expectAlike(await whole, await runOf(network(augment(ALL)), { backend: 'cpu' }));
  });
  test('train in parts of a batch as in the whole', async () => {
    expectAlike(await whole, await runOf(network(augment(ALL)), { microBatches: 5 }));
  });
  test('train unfused as fused', async () => {
    expectAlike(await whole, await runOf(network(augment(ALL)), { fuse: false }));
  });
  test('train to the same bits again, and otherwise under another seed or plain', async () => {
    expect(await runOf(network(augment(ALL)))).toEqual(await whole);
    const others = [await runOf(network(augment(ALL)), { seed: 8 }), await runOf(network())];
    for (const { losses } of others) expect(distance(losses, (await whole).losses)).toBeGreaterThan(1000 * TOLERANCE);
  });
});

test('the gathering of the samples and all that happens to them is one launch of a step', async () => {
  const plain = await withTrainer(network(), async ({ launchesPerStep }) => launchesPerStep);
  await withTrainer(network(augment(ALL)), async (trainer) => {
    // Alone, the products read the samples where they lie.
    expect(trainer.launchesPerStep).toBe(plain + 1);
    const names = (await trainer.profile(1, { data: train })).launches.map(({ name }) => name);
    expect(names).toContain('takeSamples+augment');
    expect(names).not.toContain('takeSamples');
  });
});

test('every launch of a step is within its bound of f64', async () => {
  await withTrainer(network(augment(ALL)), async (trainer) => {
    for await (const _ of trainer.fit(train, { steps: 3 }));
    const { fault, gradientError } = await trainer.verify(take(train, 0, BATCH));
    expect(fault).toBeNull();
    expect(gradientError).toBeLessThan(1e-4);
  });
});

test('what is judged or predicted is not augmented', async () => {
  const seen = (model: Model) =>
    withTrainer(model, async (trainer) => [
      await trainer.evaluate(train),
      (await trainer.predict({ image: train.fields['image'].data.slice(0, 3 * 784) })).data,
    ]);
  expect(await seen(network(augment(ALL)))).toEqual(await seen(network()));
});

test('two layers draw apart: what is flipped twice is not what it was', async () => {
  const flip = augment({ flip: true });
  const first = async (model: Model) => (await runOf(model, { backend: 'cpu' })).losses[0];
  const [once, twice, never] = [network(flip), network(flip, flip), network()].map(first);
  expect(await twice).not.toBe(await never);
  expect(await twice).not.toBe(await once);
});

test('a layer behind one that learns is refused', async () => {
  const late = sequential(linear(28, 28), augment({ flip: true }), flatten, linear(784, 10));
  await expect(withTrainer(late, (trainer) => trainer.step(take(train, 0, BATCH)))).rejects.toThrow(
    '[augment] x depends on what is learned, but no gradient flows through augment: make it the first layer',
  );
});

test.each<readonly [AugmentOptions, string]>([
  [{}, 'nothing is to happen: give at least one of shift'],
  [{ fill: 1 }, 'nothing is to happen: give at least one of shift'],
  [{ crop: 4 } as AugmentOptions, 'there is no option "crop"'],
  [{ shift: -1 }, 'shift is -1 but must be a whole number of pixels'],
  [{ shift: [1, 0.5] }, 'shift is 1,0.5 but must be a whole number of pixels'],
  [{ flip: 'left' as 'both' }, "flip is left but must be 'horizontal', 'vertical', 'both', true or false"],
  [{ flip: 'toString' as 'both' }, 'flip is toString but must be'],
  [{ rotate: 181 }, 'rotate is 181 but must be 0 … 180 degrees'],
  [{ scale: 1 }, 'scale is 1 but must be at least 0 and below 1'],
  [{ cutout: 2.5 }, 'cutout is 2.5 but must be a whole number of pixels'],
  [{ brightness: NaN }, 'brightness is NaN but must be at least 0 and finite'],
  [{ contrast: -0.1 }, 'contrast is -0.1 but must be at least 0 and finite'],
  [{ shift: 1, fill: Infinity }, "fill is Infinity but must be a finite number or 'edge'"],
])('%j is refused', (options, message) => {
  expect(() => augment(options)).toThrow(`[augment] ${message}`);
});

test.each<readonly [AugmentOptions, string]>([
  [{ shift: [0, 28] }, 'a shift by 0 and 28 leaves nothing of a picture of 28×28: shift by less'],
  [{ cutout: 29 }, 'a cutout of 29×29 is larger than a picture of 28×28: cut out less'],
])('%j is refused for digits', async (options, message) => {
  await expect(withTrainer(network(augment(options)), async () => null, { backend: 'cpu' })).rejects.toThrow(
    `[augment] ${message}`,
  );
});
