import { describe, expect, test } from 'vitest';
import {
  adamw,
  createTrainer,
  crossEntropy,
  gelu,
  linear,
  matmul,
  mean,
  sequential,
  sub,
  type Layer,
  type Model,
  type Samples,
  type Trainer,
} from '../../src/index.ts';
import { broken } from '../support/broken.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const FEATURES = 5;
const BATCH = 13;
const set = clusters(BATCH, 3, 4, FEATURES);
const batch: Samples = { point: set.fields['point'].data, label: set.fields['label'].data };

async function withTrainer<T>(
  model: Model,
  work: (trainer: Trainer) => Promise<T>,
  { backend, fuse = true }: { readonly backend?: 'cpu'; readonly fuse?: boolean } = {},
): Promise<T> {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 1e-2 }),
    batchSize: BATCH,
    seed: 3,
    data: set,
    fuse,
    ...(backend ? { backend } : { device: await sharedDevice() }),
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

/** x · weight less each row's mean, where the product or the mean has a faulty kernel. */
const faulty = (where: 'matmul' | 'sum', right: string, wrong: string): Layer => ({
  parameters: linear(FEATURES, 7, { bias: false }).parameters,
  apply(x, bound) {
    const product = matmul(x, bound['weight']);
    const y = where === 'matmul' ? broken(product, right, wrong)[0] : product;
    const center = mean(y, { axes: -1, keepDimensions: true });
    return sub(y, where === 'sum' ? broken(center, right, wrong)[0] : center);
  },
});

describe('verify', () => {
  test('finds nothing in a sound step, before and after some training', async () => {
    await withTrainer(sequential(linear(FEATURES, 7), gelu, linear(7, 3)), async (trainer) => {
      for (let round = 0; round < 2; round++) {
        const { ok, fault, checked, loss, gradientError } = await trainer.verify(batch);
        expect(fault?.message).toBeUndefined();
        expect(ok).toBe(true);
        expect(checked).toBeGreaterThanOrEqual(trainer.launchesPerStep);
        expect(Math.abs(loss.actual - loss.reference)).toBeLessThan(1e-5);
        expect(gradientError).toBeLessThan(1e-5);
        for (let step = 0; step < 20; step++) await trainer.step(batch);
      }
    });
  });

  test('leaves no trace: the next step is the one that would have come', async () => {
    const model = (): Model => sequential(linear(FEATURES, 7), gelu, linear(7, 3));
    const plain = await withTrainer(model(), async (trainer) => {
      await trainer.step(batch);
      return [(await trainer.step(batch)).loss, await trainer.readParameters()];
    });
    const watched = await withTrainer(model(), async (trainer) => {
      await trainer.step(batch);
      await trainer.verify(batch);
      return [(await trainer.step(batch)).loss, await trainer.readParameters()];
    });
    expect(watched).toEqual(plain);
  });

  test('holds the CPU backend’s f32 against f64 as well', async () => {
    await withTrainer(
      sequential(linear(FEATURES, 7), gelu, linear(7, 3)),
      async (trainer) => expect((await trainer.verify(batch)).fault).toBeNull(),
      { backend: 'cpu' },
    );
  });

  const faults = [
    ['matmul', 'an index that is off by one', 'a_four(line + k, sizes.k - k)', 'a_four(line + k + 1u, sizes.k - k)'],
    ['matmul', 'a bound that is off by one where it stores', 'min(left, 4u)', 'min(left - 1u, 4u)'],
    ['sum', 'a missing bounds check where it loads', 'if (r >= end)', 'if (r > end)'],
    ['matmul', 'a sum that leaves out its last terms', 'k >= block.end', 'k + 4u >= block.end'],
  ] as const;
  for (const [where, what, right, wrong] of faults) {
    test(`names the launch with ${what}, where it is one of several ops`, async () => {
      await withTrainer(faulty(where, right, wrong), async (trainer) => {
        const { fault } = await trainer.verify(batch);
        expect(fault?.op.split('+')).toContain(where);
      });
    });
    test(`names the launch with ${what}`, async () => {
      const work = async (trainer: Trainer): Promise<void> => {
        const { ok, fault } = await trainer.verify(batch);
        expect(ok).toBe(false);
        expect(fault?.op).toBe(where);
        expect(fault?.line).toMatch(where === 'matmul' ? /= matmul\(point, weight\)/ : /f32\[13, 1\] = sum\(/);
        expect(fault?.message).toContain(
          `[verify] ${where}: output 0[${fault?.index}] is ${fault?.actual}, but the reference is ${fault?.expected}`,
        );
        const { expected, actual, bound } = fault!;
        expect(Number.isNaN(actual) || Math.abs(expected - actual) > bound).toBe(true);
      };
      await withTrainer(faulty(where, right, wrong), work, { fuse: false });
    });
  }
});
