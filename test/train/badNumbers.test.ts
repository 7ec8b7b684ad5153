// No step whose loss, rate or gradients are NaN or infinite is taken up, wherever the bad number comes from.

import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { readStored } from '../../src/data/safetensors.ts';
import {
  batchNorm,
  conv2d,
  createTrainer,
  DataError,
  dataset,
  layerNorm,
  linear,
  mean,
  mul,
  muon,
  relu,
  reshape,
  rmsprop,
  sequential,
  sgd,
  sqrt,
  adam,
  sub,
  type BatchValues,
  type Dataset,
  type FitOptions,
  type LossOptions,
  type Report,
  type Value,
} from '../../src/index.ts';
import type { Backend, Executable, Range } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import type { State } from '../../src/graph/graph.ts';
import { statesOf } from '../../src/graph/states.ts';
import { take } from '../../src/data/index.ts';
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

/** Plants a number whichever backend runs, and however many steps share a submit. @param each programs of a step */
function plant(backend: 'cpu' | 'webgpu', { step, state: name, at, number }: Planted, each = 1): void {
  const { prototype } = backend === 'cpu' ? CpuBackend : GpuBackend;
  const original = prototype.runAndRead;
  let taken = 0;
  vi.spyOn(prototype as Backend, 'runAndRead').mockImplementation(async function (
    this: Backend,
    programs: readonly Executable[],
    ring: State,
    ranges: readonly Range[],
  ) {
    const steps = ring.name === 'metrics ring' ? programs.length / each : 0;
    const isAhead = taken < step && taken + steps >= step;
    const ahead = isAhead ? (step - 1 - taken) * each : 0;
    taken += steps;
    if (isAhead) {
      const states = programs.flatMap(({ graph }) => [...statesOf(graph)]);
      this.run(programs.slice(0, ahead));
      this.writeState(
        states.find((other) => other.name === name)!,
        Float32Array.of(number),
        at,
      );
    }
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
  let sound: Uint8Array;
  let parameters: Record<string, Float32Array>;

  beforeAll(async () => {
    const trainer = await trainerOf(backend);
    await trainer.fit(data, { shuffle: false, steps: STEP - 1, stepsPerSubmit: 64 });
    sound = await trainer.saveWeights();
    parameters = await trainer.readParameters();
    trainer.destroy();
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
    const trainer = await trainerOf(backend);
    plant(backend, { step: STEP, ...planted });
    const { reports, failure } = await run(trainer, data, { stepsPerSubmit: 50 });
    expect(reports.at(-1)).toMatchObject({ step: STEP, skipped: true });
    expect(failure).toBeInstanceOf(DataError);
    expect(String(failure)).toMatch(message);
    expect(String(failure)).toContain(`at step ${STEP}, from which no further step recovers, so it was left out: `);
    expect(Buffer.compare(await trainer.saveWeights(), sound)).toBe(0);
    trainer.destroy();
  });

  test('a weight that goes bad at step 500 is named, and no other follows it', async () => {
    const trainer = await trainerOf(backend);
    plant(backend, { step: STEP, state: 'parameters', at: 5, number: NaN });
    const { reports, failure } = await run(trainer, data, { stepsPerSubmit: 64 });
    expect(reports.at(-1)).toMatchObject({ step: STEP, skipped: true });
    expect(String(failure)).toMatch(
      /loss is NaN at step 500, .* the first bad number is NaN, number 5 of layer0.weight, /,
    );
    const { 'layer0.weight': weight, ...others } = parameters;
    expect(await trainer.readParameters()).toEqual({ ...others, 'layer0.weight': weight.with(5, NaN) });
    trainer.destroy();
  });

  /** Its slope at 0 is infinite, and the loss is not. */
  const steep = (y: Value, { target, weight }: BatchValues): Value => {
    const error = sub(y, target);
    return mean(sqrt(mul(mul(error, error), weight)));
  };
  const few = samples(12);
  const BAD = 6;
  const flat: Planted = { step: BAD, state: 'data weight', at: sampleOf(BAD) + 1, number: 0 };
  const images = (x: Value): Value => reshape(x, [BATCH, 1, 1, IN]);
  const lines = (x: Value): Value => reshape(x, [BATCH, -1]);

  /** All numbers of a checkpoint, but for what was noted of steps. */
  async function heldBy(trainer: AnyTrainer) {
    const { tensors } = readStored('the checkpoint', await trainer.save());
    return Object.entries(tensors).filter(([name]) => !name.endsWith('.ledger'));
  }

  /** Trains so many steps. @returns all that a checkpoint has of it */
  async function savedAfter(steps: number, others: Partial<LossOptions>) {
    const trainer = await trainerOf(backend, { loss: steep, ...others });
    await trainer.fit(few, { shuffle: false, steps, stepsPerSubmit: 8 });
    const saved = await heldBy(trainer);
    trainer.destroy();
    return saved;
  }

  test.each<[string, Partial<LossOptions>, each?: number]>([
    ['adam', {}],
    ['each launch by itself', { fuse: false }],
    ['momentum', { optimizer: sgd({ learningRate: 1e-2, momentum: 0.9 }) }],
    ['three moments', { optimizer: rmsprop({ learningRate: 1e-3, centered: true, momentum: 0.5 }) }],
    ['orthogonal momentum', { optimizer: muon({ learningRate: 1e-3 }) }],
    ['gradients cut', { optimizer: adam({ clip: { value: 0.1 } }) }],
    ['gradients of norm 1 each', { optimizer: adam({ clip: { norm: 1 } }) }],
    ['gradients of norm 1 together', { optimizer: adam({ clip: { globalNorm: 1 } }), gradientNorm: true }],
    ['an average of the weights', { averageWeights: { decay: 0.9 } }],
    ['a step in parts', { microBatches: 2 }, 3],
    [
      'convolutions',
      {
        model: sequential(
          images,
          conv2d(IN, 4, 1),
          relu,
          conv2d(4, 4, 3, { groups: 4, padding: 'same' }),
          lines,
          linear(4, OUT),
        ),
      },
    ],
    ['norms', { model: sequential(linear(IN, 8), layerNorm(8), linear(8, OUT)) }],
  ])('a bad gradient under a sound loss leaves no trace: %s', async (_, others, each = 1) => {
    const without = await savedAfter(BAD - 1, others);
    plant(backend, flat, each);
    const trainer = await trainerOf(backend, { loss: steep, ...others });
    const { reports, failure } = await run(trainer, few, { stepsPerSubmit: 8 });
    expect(reports.at(-1)).toMatchObject({ step: BAD, skipped: true });
    expect(reports.at(-1)!.loss).toBeGreaterThan(0);
    expect(String(failure)).toMatch(
      /\[fit\] the gradient of .* is (NaN|-?Infinity) at step 6, .* the first bad number is/,
    );
    expect(await heldBy(trainer)).toEqual(without);
    trainer.destroy();
  });

  test('once its data are mended, training goes on as if nothing had been', async () => {
    const whole = await savedAfter(12, {});
    plant(backend, flat);
    const trainer = await trainerOf(backend, { loss: steep });
    await run(trainer, few, { stepsPerSubmit: 8 });
    await trainer.refresh(few);
    const { reports, failure } = await run(trainer, few, { steps: 12 - BAD + 1 });
    expect(failure).toBeUndefined();
    expect(reports.map(({ step }) => step)).toEqual([6, 7, 8, 9, 10, 11, 12]);
    expect(await heldBy(trainer)).toEqual(whole);
    trainer.destroy();
  });

  const descent = () => ({ loss: steep, optimizer: sgd({ learningRate: 1e-3 }) });

  /** Weights after training on some steps' batches, one after the other. */
  async function weightsAfter(
    set: Dataset,
    batches: readonly (readonly [from: number, to: number])[],
    others: Partial<LossOptions> = {},
  ) {
    const trainer = await trainerOf(backend, { ...descent(), ...others });
    for (const [from, to] of batches) {
      await trainer.fit(take(set, sampleOf(from), sampleOf(to + 1)), { shuffle: false });
    }
    const weights = await trainer.saveWeights();
    trainer.destroy();
    return weights;
  }

  test.each<[string, Planted, Partial<LossOptions>]>([
    ['for its gradients', flat, {}],
    [
      'for its data, before running averages',
      { ...flat, state: 'data x', at: sampleOf(BAD) * IN, number: NaN },
      { model: sequential(linear(IN, 8), batchNorm(8), relu, linear(8, OUT)) },
    ],
  ])('a step that is skipped %s changes nothing, and the next one follows', async (_, planted, others) => {
    const without = await weightsAfter(
      few,
      [
        [1, BAD - 1],
        [BAD + 1, 12],
      ],
      others,
    );
    plant(backend, planted);
    const trainer = await trainerOf(backend, { ...descent(), ...others });
    const { reports, failure } = await run(trainer, few, { stepsPerSubmit: 8, onNaN: 'skip' });
    expect(failure).toBeUndefined();
    expect(reports.map(({ step, skipped = false }) => skipped && step).filter(Boolean)).toEqual([BAD]);
    expect(reports).toHaveLength(12);
    expect(Buffer.compare(await trainer.saveWeights(), without)).toBe(0);
    trainer.destroy();
  });

  test.each([7, 50])('a run that rewinds goes on behind the bad step, in submits of %i', async (stepsPerSubmit) => {
    const long = samples(150);
    const without = await weightsAfter(long, [
      [1, 100],
      [121, 150],
    ]);
    plant(backend, { ...flat, step: 120, at: sampleOf(120) + 1 });
    const trainer = await trainerOf(backend, descent());
    const { reports, failure } = await run(trainer, long, { stepsPerSubmit, onNaN: 'rewind' });
    expect(failure).toBeUndefined();
    expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: 150 }, (_, at) => at + 1));
    expect(reports.filter(({ skipped }) => skipped)).toMatchObject([{ step: 120, rewoundTo: 100 }]);
    expect(Buffer.compare(await trainer.saveWeights(), without)).toBe(0);
    trainer.destroy();
  });
});
