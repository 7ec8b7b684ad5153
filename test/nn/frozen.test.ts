import { describe, expect, test } from 'vitest';
import {
  adamw,
  batchNorm,
  createTrainer,
  crossEntropy,
  dropout,
  frozen,
  linear,
  relu,
  sequential,
  take,
  type Layer,
  type LossOptions,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(40, 3);
const body = (): Layer => sequential(linear(2, 8), batchNorm(8), relu, dropout(0.5));

async function trainer(model: Layer, others: Partial<LossOptions> = {}) {
  const usual = { loss: crossEntropy, optimizer: adamw({ weightDecay: 0.1 }), batchSize: 10, data: set };
  return createTrainer({ ...usual, model, device: await sharedDevice(), ...others });
}

/** Everything that is saved, before and after some steps. */
async function around(model: Layer, others: Partial<LossOptions> = {}) {
  const made = await trainer(model, others);
  const all = async () => ({ parameters: await made.readParameters(), bytes: await made.saveWeights() });
  const before = await all();
  await made.fit(set, { steps: 3 });
  const verified = await made.verify(take(set, 0, 10));
  const after = await all();
  made.destroy();
  return { before, after, verified };
}

describe.each(['webgpu', 'cpu'] as const)('a frozen body on %s', (backend) => {
  test('keeps its weights and averages, though weights decay, under the names that it has unfrozen', async () => {
    const model = sequential(frozen(body()), linear(8, 3));
    const { before, after, verified } = await around(model, { backend });
    expect(verified.ok).toBe(true);
    const names = Object.keys(before.parameters);
    expect(names).toEqual(Object.keys((await around(sequential(body(), linear(8, 3)))).before.parameters));
    for (const name of names) {
      const isBody = name.startsWith('layer0.');
      if (isBody) expect(after.parameters[name]).toEqual(before.parameters[name]);
      else expect(after.parameters[name]).not.toEqual(before.parameters[name]);
    }
    // Averages too, which parameters do not show: but for the last layer, nothing in the file has changed.
    const changed = after.bytes.filter((byte, at) => byte !== before.bytes[at]).length;
    expect(changed).toBeLessThanOrEqual(4 * (8 * 3 + 3));
    expect(changed).toBeGreaterThan(0);
  });

  test('does in training what it does in evaluation', async () => {
    const made = await trainer(sequential(frozen(body()), linear(8, 3)), { backend, batchSize: 40 });
    const { loss } = await made.evaluate(set);
    expect((await made.step(set)).loss).toBeCloseTo(loss, 5);
    made.destroy();
  });

  test('lets gradients through to what lies before it', async () => {
    const { before, after } = await around(sequential(linear(2, 2), frozen(body()), linear(8, 3)), { backend });
    expect(after.parameters['layer0.weight']).not.toEqual(before.parameters['layer0.weight']);
    expect(after.parameters['layer1.layer0.weight']).toEqual(before.parameters['layer1.layer0.weight']);
  });

  test('trains where it is used unfrozen too, by that use alone', async () => {
    const shared = linear(2, 2);
    const { before, after } = await around(sequential(shared, frozen(shared), linear(2, 3)), { backend });
    const both = await around(sequential(shared, shared, linear(2, 3)), { backend });
    expect(both.before).toEqual(before);
    expect(after.parameters['layer0.weight']).not.toEqual(before.parameters['layer0.weight']);
    expect(after.parameters['layer0.weight']).not.toEqual(both.after.parameters['layer0.weight']);
  });
});

test('a model that is frozen as a whole has nothing to train', async () => {
  await expect(trainer(frozen(linear(2, 3)))).rejects.toThrow('trains no parameter');
});
