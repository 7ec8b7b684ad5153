// A run whose loss is no number any more ends, unless it is told to go on or nothing counts in the step.

import { describe, expect, test } from 'vitest';
import {
  createTrainer,
  crossEntropy,
  DataError,
  dataset,
  linear,
  log,
  mean,
  mul,
  sgd,
  type BatchValues,
  type Context,
  type Dataset,
  type FitOptions,
  type Phase,
  type Report,
  type Samples,
  type LossOptions,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const set = dataset({ x: { data: new Float32Array(400).fill(1), shape: [1] } });

/** A step of it at a rate of 1e6 multiplies the weights by about 1e6: of the fourth step f32 has no loss. */
const explosive = (y: Value): Value => mean(mul(y, y));
const LOST = 4;

interface Outcome {
  readonly reports: readonly Report[];
  readonly failure: unknown;
  readonly warnings: readonly string[];
  readonly parameters: readonly number[];
}

async function outcomeOf(
  backend: 'webgpu' | 'cpu',
  options: FitOptions,
  others: Partial<Omit<TrainerOptions, 'data'>> = {},
  data: Dataset = set,
  given: Dataset | Iterable<Samples> = data,
): Promise<Outcome> {
  const warnings: string[] = [];
  const trainer = await createTrainer({
    ...(others.phases ? {} : { model: linear(1, 1), loss: explosive, optimizer: sgd({ learningRate: 1e6 }) }),
    batchSize: 4,
    data,
    warn: (text) => warnings.push(text),
    ...(backend === 'cpu' ? { backend } : { device: await sharedDevice() }),
    ...others,
  } as TrainerOptions);
  const reports: Report[] = [];
  let failure: unknown;
  try {
    for await (const report of trainer.fit(given, options)) reports.push(report);
  } catch (error) {
    failure = error;
  }
  const parameters = Object.values(await trainer.readParameters()).flatMap((numbers) => [...numbers]);
  // Its turn is over.
  await trainer.profile(1);
  trainer.destroy();
  return { reports, failure, warnings, parameters };
}

const stepsOf = ({ reports }: Outcome): number[] => reports.map(({ step }) => step);

/** Two networks, one of which learns nothing by itself and one that explodes. */
const [calm, wild] = [linear(1, 1), linear(1, 1)];
const phaseOf = (name: string, layer: typeof calm, learningRate: number): Phase => ({
  name,
  loss: (_, { x }: BatchValues, context: Context) => explosive(context.apply(layer, x, name)),
  optimizer: sgd({ learningRate }),
  trains: [name],
});

describe.each(['cpu', 'webgpu'] as const)('on %s a run', (backend) => {
  test.each<[string, FitOptions, Partial<LossOptions>, number[]]>([
    ['step by step', { stepsPerSubmit: 1 }, {}, [1, 2, 3, 4]],
    ['of many steps in one submit', { stepsPerSubmit: 50 }, {}, [1, 2, 3, 4]],
    ['that reports now and then', { every: 3 }, {}, [3, 4]],
    ['of steps in parts', {}, { microBatches: 2 }, [1, 2, 3, 4]],
  ])('%s ends behind the report of the step whose loss is lost', async (_, options, others, steps) => {
    const outcome = await outcomeOf(backend, options, others);
    expect(stepsOf(outcome)).toEqual(steps);
    expect(outcome.reports.at(-1)!.loss).toBe(Infinity);
    expect(outcome.failure).toBeInstanceOf(DataError);
    expect(String(outcome.failure)).toContain(`[fit] loss is Infinity at step ${LOST}, from which no further step`);
  });

  test('over an iterable ends there too', async () => {
    const batches = Array.from({ length: 50 }, () => ({ x: new Float32Array(4).fill(1) }));
    const outcome = await outcomeOf(backend, {}, {}, set, batches);
    expect(stepsOf(outcome)).toEqual([1, 2, 3, 4]);
    expect(String(outcome.failure)).toContain('[fit] loss is Infinity at step 4');
  });

  test('names the phase whose loss is lost', async () => {
    const phases = [phaseOf('calm', calm, 0.01), phaseOf('wild', wild, 1e6)];
    const outcome = await outcomeOf(backend, {}, { phases });
    expect(outcome.reports.at(-1)!.metrics['calm.loss']).toBeLessThan(10);
    expect(String(outcome.failure)).toContain(`[fit] wild.loss is Infinity at step ${outcome.reports.length}`);
  });

  test('goes on if it is told to, to weights that are lost', async () => {
    const outcome = await outcomeOf(backend, { steps: 20, stopOnNaN: false });
    expect(outcome.failure).toBeUndefined();
    expect(outcome.reports).toHaveLength(20);
    expect(outcome.parameters.every(Number.isNaN)).toBe(true);
  });

  /** Of the second step's four samples, no label counts. */
  const ignored = dataset({
    x: { data: Array.from({ length: 16 }, (_, at) => at / 16), shape: [1] },
    label: Uint8Array.from({ length: 16 }, (_, at) => (at >= 4 && at < 8 ? 9 : at % 2)),
  });
  const counting = (learningRate: number): Partial<LossOptions> => ({
    model: linear(1, 2),
    loss: (y: Value, { label }: BatchValues) => crossEntropy(y, label, { ignoreIndex: 9 }),
    optimizer: sgd({ learningRate }),
  });

  test('ends where a finite mean has no logarithm, which is not nothing', async () => {
    const loss = (y: Value) => log(mean(y));
    const outcome = await outcomeOf(backend, { steps: 60 }, { loss, optimizer: sgd({ learningRate: 1 }) });
    expect(String(outcome.failure)).toContain('from which no further step recovers');
    expect(outcome.warnings).toEqual([]);
  });

  test.each([1, 2])('goes on over a step in which nothing counts, in %i parts', async (microBatches) => {
    const outcome = await outcomeOf(backend, { shuffle: false }, { ...counting(0.1), microBatches }, ignored);
    expect(outcome.failure).toBeUndefined();
    expect(outcome.reports.map(({ loss }) => Number.isNaN(loss))).toEqual([false, true, false, false]);
    expect(outcome.warnings).toHaveLength(1);
    expect(outcome.parameters.every(Number.isFinite)).toBe(true);
  });
});
