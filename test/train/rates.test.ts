import { describe, expect, test } from 'vitest';
import {
  adagrad,
  adam,
  adamax,
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  muon,
  nadam,
  ones,
  radam,
  sgd,
  type Decision,
  type FitOptions,
  type LearningRate,
  type Optimizer,
  type Report,
  type Trainer,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const SAMPLES = 4;
const set = dataset({
  x: { data: new Float32Array(SAMPLES).fill(1), shape: [1] },
  target: new Float32Array(SAMPLES),
});
const weight = linear(1, 1, { bias: false, weightInitial: ones });

/** The loss is w²: each step multiplies w by 1 − 2 · rate. */
const trainerWith = async (backend: 'webgpu' | 'cpu', optimizer: Optimizer, model = weight): Promise<Trainer> =>
  createTrainer({
    model,
    loss: meanSquaredError,
    optimizer,
    batchSize: SAMPLES,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
  });

async function run(trainer: Trainer, options: FitOptions, told?: (report: Report) => void): Promise<number[]> {
  const rates: number[] = [];
  for await (const report of trainer.fit(set, options)) {
    rates.push(report.learningRate);
    told?.(report);
  }
  return rates;
}

const weightOf = async (trainer: Trainer): Promise<number> => (await trainer.readParameters())['weight'][0];

/** Where the reported rates lead. */
const followed = (rates: readonly number[]): number => rates.reduce((w, rate) => w * (1 - 2 * rate), 1);

describe.each(['webgpu', 'cpu'] as const)('a rate that its owner changes, on %s,', (backend) => {
  test('is what the next run takes', async () => {
    let rate = 0.1;
    const trainer = await trainerWith(backend, sgd({ learningRate: () => rate }));
    expect(await run(trainer, { steps: 1 })).toEqual([Math.fround(0.1)]);
    rate = 0;
    expect(await run(trainer, { steps: 1 })).toEqual([0]);
    expect(await weightOf(trainer)).toBeCloseTo(0.8, 6);
    rate = 0.25;
    await trainer.step({ x: new Float32Array(SAMPLES).fill(1), target: new Float32Array(SAMPLES) });
    expect(await weightOf(trainer)).toBeCloseTo(0.4, 6);
    trainer.destroy();
  });

  test('is what the next submit takes, and each report says what was applied', async () => {
    let rate = 0.1;
    const trainer = await trainerWith(backend, sgd({ learningRate: () => rate }));
    const rates = await run(trainer, { steps: 60, stepsPerSubmit: 7 }, ({ step }) => {
      if (step === 9) rate = 0.02;
    });
    const changed = rates.indexOf(Math.fround(0.02));
    // The submit after those two that may be in flight.
    expect(changed).toBeGreaterThanOrEqual(9);
    expect(changed).toBeLessThanOrEqual(9 + 3 * 7);
    expect(rates.slice(changed).every((each) => each === Math.fround(0.02))).toBe(true);
    expect(await weightOf(trainer)).toBeCloseTo(followed(rates), 5);
    trainer.destroy();
  });

  test('is what verify and inspect see', async () => {
    let rate = 0.1;
    const trainer = await trainerWith(backend, sgd({ learningRate: () => rate }));
    await run(trainer, { steps: 2 });
    rate = 0.25;
    const batch = { x: new Float32Array(SAMPLES).fill(1), target: new Float32Array(SAMPLES) };
    expect((await trainer.verify(batch)).ok).toBe(true);
    expect((await trainer.inspect(batch, { update: true })).loss).toBeGreaterThan(0);
    expect(await run(trainer, { steps: 2 })).toEqual([0.25, 0.25]);
    expect(await weightOf(trainer)).toBeCloseTo(0.64 * 0.25, 6);
    trainer.destroy();
  });

  test('is asked for steps that are taken, in their order, and for none beyond the next', async () => {
    const asked = new Set<number>();
    const learningRate = (step: number): number => {
      asked.add(step);
      return 0.01;
    };
    const trainer = await trainerWith(backend, sgd({ learningRate }));
    await run(trainer, { steps: 5, stepsPerSubmit: 5 });
    expect([...asked].filter((step) => step > 5)).toEqual([]);
    trainer.destroy();
  });

  test('of an optimizer beside another one changes with its own submits', async () => {
    let rate = 0.1;
    const others = sgd({ learningRate: () => rate });
    const trainer = await trainerWith(backend, muon({ others }), linear(1, 1, { weightInitial: ones }));
    const biasOf = async (): Promise<number> => (await trainer.readParameters())['bias'][0];
    await run(trainer, { steps: 1 });
    const before = await biasOf();
    rate = 0;
    await run(trainer, { steps: 1 });
    expect(await biasOf()).toBe(before);
    rate = 0.1;
    await run(trainer, { steps: 1 });
    expect(await biasOf()).not.toBe(before);
    trainer.destroy();
  });

  test('is multiplied by what decisions say, then as before', async () => {
    let rate = 0.1;
    const halve: Decision = { name: 'halve', start: () => () => ({ rateFactor: 0.5 }) };
    const trainer = await trainerWith(backend, sgd({ learningRate: () => rate }));
    const rates = await run(trainer, { steps: 3, decisions: [halve], validateEvery: 1 }, ({ step }) => {
      if (step === 2) rate = 0.4;
    });
    expect(rates).toEqual([0.1, 0.05, 0.4 * 0.25].map(Math.fround));
    trainer.destroy();
  });

  test.each([
    [
      'fails',
      (): never => {
        throw new RangeError('no rate');
      },
    ],
    ['is NaN', (): number => NaN],
    ['is below 0', (): number => -0.1],
    ['is no number', (): null => null],
  ] as const)('where it %s ends the run there, all steps before being taken', async (_, broken) => {
    const learningRate: LearningRate = (step) => (step < 5 ? 0.1 : (broken() as never));
    const trainer = await trainerWith(backend, sgd({ learningRate }));
    const reports: number[] = [];
    const failing = run(trainer, { steps: 9, stepsPerSubmit: 4 }, ({ step }) => reports.push(step));
    await expect(failing).rejects.toThrow(/^\[sgd\] the learning rate at step 5 is /);
    expect(reports).toEqual([1, 2, 3, 4, 5]);
    expect(await weightOf(trainer)).toBeCloseTo(0.8 ** 5, 5);
    trainer.destroy();
  });
});

test.each([
  ['adam', adam],
  ['nadam', nadam],
  ['radam', radam],
  ['adamax', adamax],
  ['adagrad', (options: object) => adagrad({ ...options, learningRateDecay: 0 })],
] as const)('%s reports its learning rate, not what it makes of it', async (_, make) => {
  const trainer = await trainerWith('cpu', make({ learningRate: 0.01 }));
  expect(await run(trainer, { steps: 3 })).toEqual([0.01, 0.01, 0.01].map(Math.fround));
  trainer.destroy();
});

test.each([NaN, -1, Infinity])('a decision that multiplies rates by %s is refused', async (rateFactor) => {
  const decision: Decision = { name: 'odd', start: () => () => ({ rateFactor }) };
  const trainer = await trainerWith('cpu', sgd());
  const failing = run(trainer, { steps: 2, decisions: [decision], validateEvery: 1 });
  await expect(failing).rejects.toThrow('[fit] rateFactor is');
  trainer.destroy();
});
