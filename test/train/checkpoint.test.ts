// A run that is interrupted, saved, loaded by another trainer and gone on with ends in the bits of one that was not.

import { afterEach, describe, expect, test } from 'vitest';
import {
  adamw,
  augment,
  batchNorm,
  conv2d,
  createTrainer,
  crossEntropy,
  dropout,
  earlyStop,
  flatten,
  linear,
  mean,
  mul,
  reduceOnPlateau,
  relu,
  sequential,
  sgd,
  schedules,
  type Batches,
  type Dataset,
  type FitOptions,
  type LossOptions,
  type Report,
  type Trainer,
  type TrainerOptions,
} from '../../src/index.ts';
import { readSafetensors, writeSafetensors } from '../../src/data/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(90, 3, 1, 16);
const judges = clusters(40, 3, 2, 16);

const opened: Trainer[] = [];
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.destroy();
});

type Backend = 'cpu' | 'webgpu';

async function trainerOn(backend: Backend, options: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const trainer = await createTrainer({
    model: sequential(linear(16, 8), batchNorm(8), relu, dropout(0.2), linear(8, 3)),
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 0.01 }),
    batchSize: 8,
    seed: 5,
    data: set,
    ...(backend === 'cpu' ? { backend } : { device: await sharedDevice() }),
    ...options,
  } as LossOptions);
  opened.push(trainer);
  return trainer;
}

const timeless = (report: Report): object => ({ ...report, seconds: 0, waited: 0 });

interface Course {
  readonly options?: Partial<TrainerOptions>;
  readonly fit?: FitOptions;
  /** What is trained on, made anew for each trainer. */
  readonly data?: () => Dataset | Batches;
}

/** All reports of a run, and the weights behind it; stopped behind a step with a file if there is one. */
async function courseOf(
  trainer: Trainer,
  { fit, data = () => set }: Course,
  until = Infinity,
): Promise<{ reports: object[]; weights: object; saved?: Uint8Array }> {
  const reports: object[] = [];
  let saved: Uint8Array | undefined;
  for await (const report of trainer.fit(data(), { epochs: 3, ...fit })) {
    reports.push(timeless(report));
    if (report.step < until) continue;
    saved = await trainer.save({ by: 'test' });
    break;
  }
  return { reports, weights: await trainer.readParameters(), ...(saved && { saved }) };
}

const images = (): Dataset => {
  const { fields } = set;
  return { length: set.length, fields: { image: { ...fields['point'], shape: [4, 4, 1] }, label: fields['label'] } };
};

function* batches(): Generator<{ point: Float32Array; label: Uint8Array }> {
  const { point, label } = set.fields;
  for (let at = 0; at < 11; at++) {
    yield {
      point: point.data.slice(128 * at, 128 * (at + 1)) as Float32Array,
      label: label.data.slice(8 * at, 8 * (at + 1)) as Uint8Array,
    };
  }
}

const ofBatches = { [Symbol.iterator]: batches };

const courses: Readonly<Record<string, Course>> = {
  'in the middle of an epoch, with dropout and running averages': {},
  'with augmentation': {
    options: {
      model: sequential(augment({ shift: 1, flip: true }), conv2d(1, 3, 3), relu, flatten, linear(12, 3)),
      data: images(),
    },
    data: images,
  },
  'with a schedule, clipping and averages of the weights': {
    options: {
      optimizer: adamw({ learningRate: schedules.cosine(0.02, { steps: 34 }), clip: { globalNorm: 0.5 } }),
      averageWeights: { decay: 0.8 },
    },
    fit: { validation: judges },
  },
  'with micro-batches': { options: { microBatches: 2, gradientNorm: true } },
  'with decisions that keep weights and lower the rate': {
    fit: {
      validation: judges,
      validateEvery: 4,
      decisions: [
        reduceOnPlateau({ patience: 1, factor: 0.5, threshold: 0.4 }),
        earlyStop({ patience: 5, minDelta: 0.2, restoreBest: true }),
      ],
    },
  },
  'with decisions on the metrics of training': {
    fit: { validateEvery: 3, decisions: [reduceOnPlateau({ patience: 1, threshold: 0.9, factor: 0.5 })] },
  },
  'with one step a submit': { fit: { stepsPerSubmit: 1 } },
  'with seven steps a submit': { fit: { stepsPerSubmit: 7 } },
  'with several phases': {
    options: {
      loss: undefined,
      optimizer: undefined,
      phases: [
        { name: 'a', loss: crossEntropy, optimizer: adamw({ learningRate: 0.01 }) },
        {
          name: 'b',
          loss: (outputs: Parameters<typeof crossEntropy>[0]) => mean(mul(outputs as never, outputs as never)),
          optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }),
          trains: ['layer4'],
        },
      ],
    },
  },
  'over an iterable of batches': { data: () => ofBatches, fit: { validation: judges } },
  'over batches that can be dropped': {
    data: () => ({
      [Symbol.iterator]: batches,
      drop: (count: number) => [...batches()].slice(count),
    }),
  },
};

describe.each(['cpu', 'webgpu'] as const)('on %s', (backend) => {
  test.each(Object.entries(courses))('a run goes on %s', async (_, course) => {
    const unbroken = await courseOf(await trainerOn(backend, course.options), course);
    expect(unbroken.reports.length).toBeGreaterThan(18);
    for (const until of [5, 16]) {
      const { saved, reports } = await courseOf(await trainerOn(backend, course.options), course, until);
      const again = await trainerOn(backend, course.options);
      const loaded = await again.load(saved!);
      expect(loaded).toMatchObject({ exact: true, why: [], missing: [], leftOver: [], unfit: {} });
      const rest = await courseOf(again, course);
      expect([...reports, ...rest.reports]).toEqual(unbroken.reports);
      expect(rest.weights).toEqual(unbroken.weights);
    }
  });
});

describe('a checkpoint', () => {
  const wide = { model: sequential(linear(16, 9), batchNorm(9), relu, dropout(0.2), linear(9, 3)) };

  test('has the weights under their own names, which other readers find, and what its owner wrote', async () => {
    const trainer = await trainerOn('cpu', { averageWeights: { decay: 0.5 } });
    await trainer.fit(set, { steps: 4 });
    const { tensors, metadata } = readSafetensors('saved', await trainer.save({ by: 'test' }));
    const weights = await trainer.readParameters();
    expect(metadata['by']).toBe('test');
    for (const [name, numbers] of Object.entries(weights)) expect(tensors[name].data).toEqual(numbers);
    expect(Object.keys(tensors).filter((name) => !name.startsWith('__millrace__.'))).toEqual([
      ...Object.keys(weights),
      'layer1.runningMean',
      'layer1.runningVariance',
    ]);
    const other = await trainerOn('cpu');
    await other.loadWeights(await trainer.save());
    expect(await other.readParameters()).toEqual(weights);
  });

  test('between runs, the next one goes on in the stream of samples', async () => {
    const [trainer, again] = [await trainerOn('cpu'), await trainerOn('cpu')];
    await trainer.fit(set, { steps: 7 });
    await again.load(await trainer.save());
    const last = async (each: Trainer) => timeless(await each.fit(set, { steps: 7 }));
    expect(await last(again)).toEqual(await last(trainer));
    expect(await again.readParameters()).toEqual(await trainer.readParameters());
  });

  test('of a run that was at its end leaves nothing to do, and of one that a decision ended too', async () => {
    const fit = { epochs: 2, decisions: [{ name: 'once', start: () => () => ({ stop: true }) }] };
    const trainer = await trainerOn('cpu');
    let saved = new Uint8Array();
    for await (const _ of trainer.fit(set, fit)) saved = await trainer.save();
    const again = await trainerOn('cpu');
    await again.load(saved);
    const reports: Report[] = [];
    for await (const report of again.fit(set, fit)) reports.push(report);
    expect(reports).toEqual([]);
    expect((await again.fit(set, { steps: 1 })).step).toBe(13);
  });

  test('of another adapter is taken, and that is said', async () => {
    const [trainer, again] = [await trainerOn('cpu'), await trainerOn('webgpu')];
    await trainer.fit(set, { steps: 3 });
    const { exact, why, step } = await again.load(await trainer.save());
    expect({ exact, step }).toEqual({ exact: false, step: 3 });
    expect(why).toEqual([expect.stringMatching(/^it was saved on CPU reference, and goes on on /)]);
    expect(await again.readParameters()).toEqual(await trainer.readParameters());
  });

  test('of another training is refused, and taken by names where that is wanted', async () => {
    const [trainer, other] = [await trainerOn('cpu'), await trainerOn('cpu', { ...wide, batchSize: 4 })];
    await trainer.fit(set, { steps: 3 });
    const saved = await trainer.save();
    const before = await other.readParameters();
    await expect(other.load(saved, { file: 'a.safetensors' })).rejects.toThrow(
      '[checkpoint] a.safetensors cannot go on here: batchSize was 8 and is 4',
    );
    expect(await other.readParameters()).toEqual(before);
    const loaded = await other.load(saved, { strict: false });
    expect(loaded).toMatchObject({ exact: false, step: 0, missing: [], leftOver: [] });
    expect(loaded.unfit).toMatchObject({ 'layer0.weight': 'is f32[16, 8], but f32[16, 9] here' });
    const after = await other.readParameters();
    expect(after['layer4.bias']).toEqual((await trainer.readParameters())['layer4.bias']);
    expect(after['layer0.weight']).toEqual(before['layer0.weight']);
  });

  test('weights of others are taken by name', async () => {
    const trainer = await trainerOn('cpu', { averageWeights: { decay: 0.5 } });
    const bias = { shape: [3], data: Float32Array.of(1, 2, 3) };
    const file = writeSafetensors({ tensors: { 'layer4.bias': bias, more: bias }, metadata: {} });
    await expect(trainer.load(file)).rejects.toThrow('it holds weights alone');
    const { missing, leftOver } = await trainer.load(file, { strict: false });
    expect(leftOver).toEqual(['more']);
    expect(missing).toContain('layer0.weight');
    expect(missing).not.toContain('layer4.bias');
    expect((await trainer.readParameters())['layer4.bias']).toEqual(bias.data);
  });
});

describe.each(['cpu', 'webgpu'] as const)('a store of checkpoints on %s', (backend) => {
  test('is given a file behind every so many steps, of that very step, and one at the end', async () => {
    const kept = new Map<number, Uint8Array>();
    const store = {
      every: { steps: 5 },
      put: async (bytes: Uint8Array, { step }: { step: number }): Promise<void> => void kept.set(step, bytes),
    };
    const trainer = await trainerOn(backend);
    const { reports, weights } = await courseOf(trainer, { fit: { checkpoints: store } });
    expect([...kept.keys()].at(-1)).toBe(34);
    expect([...kept.keys()].slice(0, -1).every((step) => step % 5 === 0)).toBe(true);
    expect(kept.size).toBeGreaterThan(2);
    for (const [step, bytes] of kept) {
      const again = await trainerOn(backend);
      expect((await again.load(bytes)).step).toBe(step);
      const rest = await courseOf(again, {});
      expect(rest.reports).toEqual(reports.slice(reports.length - rest.reports.length));
      expect(rest.weights).toEqual(weights);
    }
  });

  test('that fails is told of, and the run goes on', async () => {
    const told: string[] = [];
    const trainer = await trainerOn(backend, { warn: (text: string) => void told.push(text) });
    const full = { every: { steps: 20 }, put: () => Promise.reject(new Error('no space left')) };
    await trainer.fit(set, { steps: 30, checkpoints: full });
    expect(told).toEqual([
      '[fit] the checkpoint of step 20 was not kept: Error: no space left',
      '[fit] the checkpoint of step 30 was not kept: Error: no space left',
    ]);
  });

  test('is given nothing at the end of a run that went wrong', async () => {
    const kept: number[] = [];
    const store = {
      every: { seconds: 1e6 },
      put: async (_: Uint8Array, { step }: { step: number }): Promise<void> => void kept.push(step),
    };
    const trainer = await trainerOn(backend);
    const spoilt = async (): Promise<void> => {
      for await (const { step } of trainer.fit(set, { steps: 30, stepsPerSubmit: 1, checkpoints: store })) {
        if (step === 3) await trainer.writeParameters({ 'layer0.weight': new Float32Array(128).fill(3e38) });
      }
    };
    await expect(spoilt()).rejects.toThrow(/is NaN at step [4-6]/);
    expect(kept).toEqual([]);
  });

  test('keeps the best by what it is told', async () => {
    const best: [number, Uint8Array][] = [];
    let lowest = Infinity;
    const store = {
      every: { seconds: 1e6 },
      put: async (): Promise<void> => {},
      isBest: ({ validation }: Report): boolean => validation!.loss < lowest && ((lowest = validation!.loss), true),
      putBest: async (bytes: Uint8Array, { step }: { step: number }): Promise<void> => void best.push([step, bytes]),
    };
    const trainer = await trainerOn(backend);
    const validations: [number, number][] = [];
    for await (const { step, validation } of trainer.fit(set, {
      steps: 30,
      validation: judges,
      validateEvery: 4,
      checkpoints: store,
    })) {
      if (validation) validations.push([step, validation.loss]);
    }
    expect(best.length).toBeGreaterThan(1);
    const [step, bytes] = best.at(-1)!;
    expect(validations).toContainEqual([step, lowest]);
    const again = await trainerOn(backend);
    await again.load(bytes);
    expect((await again.evaluate(judges)).loss).toBe(lowest);
  });
});
