// No step whose loss, rate or gradients are NaN or infinite is taken up, wherever the bad number comes from.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { statesOf } from '../../src/cpu/interpret.ts';
import {
  createTrainer,
  DataError,
  dataset,
  linear,
  mean,
  mul,
  relu,
  sequential,
  adam,
  sub,
  type BatchValues,
  type FitOptions,
  type LossOptions,
  type Report,
  type Value,
} from '../../src/index.ts';
import type { Backend, Executable, Range } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import type { State } from '../../src/graph/graph.ts';
import { sharedDevice } from '../support/device.ts';

const [BATCH, IN, OUT] = [4, 3, 2];

function samples(steps: number) {
  const random = new Random(3, 'bad numbers');
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const length = steps * BATCH;
  return dataset({
    x: { data: draw(length * IN), shape: [IN] },
    target: { data: draw(length * OUT), shape: [OUT] },
    weight: { data: new Float32Array(length).fill(1), shape: [1] },
  });
}

/** In front of a step, a number takes the place of one that a state holds. */
interface Planted {
  readonly step: number;
  readonly state: string;
  readonly at: number;
  readonly number: number;
}

/** Plants a number whichever backend runs, and however many steps share a submit. */
function plant(backend: 'cpu' | 'webgpu', { step, state: name, at, number }: Planted): void {
  const { prototype } = backend === 'cpu' ? CpuBackend : GpuBackend;
  const original = prototype.runAndRead;
  let taken = 0;
  vi.spyOn(prototype as Backend, 'runAndRead').mockImplementation(async function (
    this: Backend,
    programs: readonly Executable[],
    ring: State,
    ranges: readonly Range[],
  ) {
    const isTraining = ring.name === 'metrics ring';
    const ahead = isTraining && taken < step && taken + programs.length >= step ? step - 1 - taken : -1;
    if (isTraining) taken += programs.length;
    if (ahead < 0) return original.call(this, programs, ring, ranges);
    const state = [...statesOf(programs[0].graph)].find((other) => other.name === name)!;
    this.run(programs.slice(0, ahead));
    this.writeState(state, Float32Array.of(number), at);
    return original.call(this, programs.slice(ahead), ring, ranges);
  });
}

afterEach(() => vi.restoreAllMocks());

const model = () => sequential(linear(IN, 8), relu, linear(8, OUT));
function loss(y: Value, { target, weight }: BatchValues): Value {
  const error = sub(y, target);
  return mean(mul(mul(error, error), weight));
}

async function trainerOf(backend: 'cpu' | 'webgpu', others: Partial<LossOptions> = {}) {
  return createTrainer({
    model: model(),
    loss,
    optimizer: adam({ learningRate: 1e-3 }),
    batchSize: BATCH,
    inputs: 'x',
    targets: 'target',
    ...(backend === 'cpu' ? { backend } : { device: await sharedDevice() }),
    ...others,
  });
}

type AnyTrainer = Awaited<ReturnType<typeof trainerOf>>;

async function run(trainer: AnyTrainer, data: ReturnType<typeof samples>, options: FitOptions) {
  const reports: Report[] = [];
  let failure: unknown;
  try {
    for await (const report of trainer.fit(data, { shuffle: false, ...options })) reports.push(report);
  } catch (error) {
    failure = error;
  }
  return { reports, failure };
}

/** Where the batch of a step begins, its first sample's own number. */
const sampleOf = (step: number): number => (step - 1) * BATCH;

describe.each(['cpu', 'webgpu'] as const)('on %s', (backend) => {
  const STEP = 500;
  const data = samples(1000);
  const reference = trainerOf(backend).then(async (trainer) => {
    await trainer.fit(data, { shuffle: false, steps: STEP - 1, stepsPerSubmit: 64 });
    return { weights: await trainer.saveWeights() };
  });

  test.each<[string, Omit<Planted, 'step'>, RegExp]>([
    [
      'the data',
      { state: 'data x', at: sampleOf(STEP) * IN + 4, number: NaN },
      /loss is NaN.*NaN, number \d+ of data x, and the gradient of /,
    ],
    [
      'a label’s weight',
      { state: 'data weight', at: sampleOf(STEP), number: Infinity },
      /loss is Infinity.*number 1996 of data weight/,
    ],
    [
      'the learning rate',
      { state: 'schedule', at: 4 * (STEP - 1) + 3, number: NaN },
      /the learning rate is NaN.*number 1999 of schedule/,
    ],
  ])('a bad number in %s at step 500 of 1,000 is named, and nothing of it is left', async (_, planted, message) => {
    const { weights } = await reference;
    const trainer = await trainerOf(backend);
    plant(backend, { step: STEP, ...planted });
    const { reports, failure } = await run(trainer, data, { stepsPerSubmit: 50 });
    expect(reports.at(-1)).toMatchObject({ step: STEP, skipped: true });
    expect(failure).toBeInstanceOf(DataError);
    expect(String(failure)).toMatch(message);
    expect(String(failure)).toContain(`at step ${STEP}, from which no further step recovers, so it was left out: `);
    expect(Buffer.compare(await trainer.saveWeights(), weights)).toBe(0);
    trainer.destroy();
  });
});
