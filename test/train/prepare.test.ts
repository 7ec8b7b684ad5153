import { describe, expect, test } from 'vitest';
import {
  adam,
  createTrainer,
  crossEntropy,
  linear,
  relu,
  sequential,
  take,
  type LossOptions,
  type Trainer,
} from '../../src/index.ts';
import { counting, type Calls } from '../support/counting.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(120, 3);
const judge = clusters(70, 3);

async function made(options: Partial<LossOptions> = {}): Promise<Trainer> {
  const device = await sharedDevice();
  const model = sequential(linear(2, 12), relu, linear(12, 3));
  const usual = { model, loss: crossEntropy, optimizer: adam(), batchSize: 16, seed: 3 };
  return createTrainer({ ...usual, data: set, device, ...options });
}

const compiling = ({ createShaderModule, createComputePipelineAsync, createBindGroup }: Calls): number =>
  createShaderModule + createComputePipelineAsync + createBindGroup;

describe('prepare', () => {
  test('compiles what the calls need that it is told of', async () => {
    const device = await sharedDevice();
    const trainer = await made();
    const calls = async (): Promise<void> => {
      await trainer.evaluate(judge);
      await trainer.predict(take(set, 0, 70));
      await trainer.inspect(take(set, 0, 9), { update: true });
    };
    await trainer.prepare(set, { evaluate: judge, predict: 70, inspect: 9, update: true });
    expect(compiling(await counting(device, calls))).toBe(0);
    // Of other sizes they compile.
    expect(
      compiling(await counting(device, async () => void (await trainer.predict(take(set, 0, 20))))),
    ).toBeGreaterThan(0);
    trainer.destroy();
  });

  test('may be called during a run, and leaves no mark on it', async () => {
    const losses = async (disturb: boolean): Promise<number[]> => {
      const trainer = await made();
      const all: number[] = [];
      for await (const { step, loss } of trainer.fit(set, { steps: 12, stepsPerSubmit: 2 })) {
        all.push(loss);
        if (disturb && step === 3)
          await trainer.prepare(set, { evaluate: judge, predict: 1, inspect: 2, update: true });
      }
      trainer.destroy();
      return all;
    };
    expect(await losses(true)).toEqual(await losses(false));
  });

  test.each([
    [{ predict: 0 }, '[prepare] predict is 0 but must be a whole number above 0'],
    [{ inspect: 1.5 }, '[prepare] inspect is 1.5 but must be a whole number above 0'],
    [{ evaluate: { length: 3 } as never }, '[prepare] '],
    [{ predictions: 3 } as never, '[prepare] there is no option "predictions", the nearest is "predict"'],
  ])('refuses %j', async (calls, message) => {
    const trainer = await made({ backend: 'cpu', device: undefined });
    await expect(trainer.prepare(set, calls)).rejects.toThrow(message);
    trainer.destroy();
  });
});

describe('what judges a run', () => {
  test('is compiled while the run goes on, before it is asked', async () => {
    const device = await sharedDevice();
    const trainer = await made();
    const counts: number[] = [];
    let validations = 0;
    const steps = 30;
    const run = trainer.fit(set, { steps, validation: judge, validateEvery: steps, stepsPerSubmit: 1 });
    for (let step = 1; step <= steps; step++) {
      const calls = await counting(device, async () => {
        const { value } = await run.next();
        if (value?.validation) validations++;
      });
      counts.push(compiling(calls));
    }
    expect(counts.slice(1, -1).reduce((total, count) => total + count, 0)).toBeGreaterThan(0);
    expect(counts.at(-1)).toBe(0);
    expect(validations).toBe(1);
    trainer.destroy();
  });
});
