// How a run ends: by its last step, by stop(), by nobody asking for it any more; and what it then leaves and gives.

import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  createTrainer,
  crossEntropy,
  DataError,
  dataset,
  keepBest,
  linear,
  mean,
  mul,
  sgd,
  type Dataset,
  type Report,
  type Trainer,
  type LossOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(64, 3);
const batch = { point: set.fields['point'].data.slice(0, 16), label: set.fields['label'].data.slice(0, 8) };

/** More steps than any test waits for. */
const ENDLESS = 1_000_000;

const trainerOn = async (backend: 'webgpu' | 'cpu', options: Partial<LossOptions> = {}): Promise<Trainer> =>
  createTrainer({
    model: linear(2, 3),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 8,
    data: set,
    ...(backend === 'cpu' ? { backend } : { device: await sharedDevice() }),
    ...options,
  });

async function all(reports: AsyncIterable<Report>): Promise<Report[]> {
  const found: Report[] = [];
  for await (const report of reports) found.push(report);
  return found;
}

async function* batches(): AsyncGenerator<typeof batch> {
  for (;;) yield batch;
}

describe.each(['cpu', 'webgpu'] as const)('on %s', (backend) => {
  test('a run that is awaited trains to its end and gives the last report', async () => {
    const [trainer, other] = [await trainerOn(backend), await trainerOn(backend)];
    const last = await trainer.fit(set, { epochs: 2, every: 1000 });
    const reports = await all(other.fit(set, { epochs: 2 }));
    expect({ ...last, seconds: 0 }).toEqual({ ...reports.at(-1), seconds: 0 });
    expect(await trainer.readParameters()).toEqual(await other.readParameters());
  });

  test('stop ends the run in the hands of its loop, and no report of a submitted step is lost', async () => {
    const trainer = await trainerOn(backend);
    const steps: number[] = [];
    for await (const { step } of trainer.fit(set, { steps: ENDLESS })) {
      steps.push(step);
      if (step === 5) void trainer.stop();
    }
    expect(steps.length).toBeLessThan(ENDLESS);
    expect(steps).toEqual(steps.map((_, at) => at + 1));
    // The next step counts on from the last that was reported.
    expect((await trainer.step(batch)).step).toBe(steps.length + 1);
  });

  test.each<[string, () => Dataset | AsyncIterable<typeof batch>]>([
    ['a data set', () => set],
    ['an iterable', batches],
  ])('stop ends a run over %s whose loop was forgotten in the middle, and keeps its reports', async (_, data) => {
    const trainer = await trainerOn(backend);
    const forgotten = trainer.fit(data(), { steps: ENDLESS });
    await forgotten.next();
    await expect(trainer.step(batch)).rejects.toThrow(
      new DataError('[step] fit is still running on this trainer: await it, leave its loop, or call stop(), first'),
    );
    const stopped = trainer.stop();
    // What is called meanwhile waits for the end.
    const { step } = await trainer.step(batch);
    await stopped;
    const left = await all(forgotten);
    expect(left.map((report) => report.step)).toEqual(left.map((__, at) => at + 2));
    expect(step).toBe(left.length + 2);
  });

  test('a run that was told to end gives back the kept weights before another call has its turn', async () => {
    const ones = dataset({ x: { data: new Float32Array(64).fill(1), shape: [1] } });
    const trainer = await trainerOn(backend, {
      model: linear(1, 1),
      loss: (y: Value) => mean(mul(y, y)),
      // Every step from the ninth on is a worse one.
      optimizer: sgd({ learningRate: (at) => (at < 8 ? 0.1 : 1e6) }),
      data: ones,
    });
    const judged = { validation: ones, validateEvery: 8, decisions: [keepBest()], stopOnNaN: false };
    const forgotten = trainer.fit(ones, { steps: ENDLESS, ...judged });
    for (let step = 0; step < 8;) step = (await forgotten.next()).value!.step;
    const kept = await trainer.readParameters();
    await forgotten.next();
    await trainer.stop();
    expect(await trainer.readParameters()).toEqual(kept);
  });
});

test('stop ends a run that still compiles', async () => {
  const trainer = await trainerOn('cpu');
  const reports = all(trainer.fit(set, { steps: ENDLESS }));
  await trainer.stop();
  expect(await reports).toEqual([]);
});

test('stop without a run does nothing, and a run that was never begun locks nothing and is not ended', async () => {
  const trainer = await trainerOn('cpu');
  const later = trainer.fit(set, { steps: 3 });
  await trainer.stop();
  await trainer.step(batch);
  expect(await all(later)).toHaveLength(3);
});

test('a signal ends a forgotten run too', async () => {
  const trainer = await trainerOn('cpu');
  const controller = new AbortController();
  await trainer.fit(set, { steps: ENDLESS, signal: controller.signal }).next();
  controller.abort();
  await trainer.step(batch);
});

describe('a run that is awaited', () => {
  test('again, or behind its loop, is not run again', async () => {
    const trainer = await trainerOn('cpu');
    const run = trainer.fit(set, { steps: 3 });
    const reports = await all(run);
    expect([await run, await run]).toEqual([reports[2], reports[2]]);
    expect((await trainer.step(batch)).step).toBe(4);
  });

  test('in the middle of its loop goes on to its end', async () => {
    const trainer = await trainerOn('cpu');
    const run = trainer.fit(set, { steps: 5 });
    await run.next();
    expect((await run).step).toBe(5);
  });

  test('rejects with whatever ends it, at each asking', async () => {
    const trainer = await trainerOn('cpu');
    const broken = trainer.fit(
      (function* () {
        yield batch;
        throw new RangeError('the source broke');
      })(),
    );
    await expect(broken).rejects.toThrow('the source broke');
    await expect(broken).rejects.toThrow('the source broke');
    expect(await broken.catch((error: RangeError) => error.message)).toBe('the source broke');
    await trainer.step(batch);
  });

  test('behind a loop that failed rejects too', async () => {
    const trainer = await trainerOn('cpu');
    const run = trainer.fit([batch, { ...batch, label: [0, 1, 2, 0, 1, 2, 0, 0.5] }]);
    await expect(all(run)).rejects.toThrow('"label"[7] is 0.5');
    await expect(run).rejects.toThrow('"label"[7] is 0.5');
  });

  test('gives the last report of one that was stopped, and says so where there is none', async () => {
    const trainer = await trainerOn('cpu');
    async function* stopping(): AsyncGenerator<typeof batch> {
      yield batch;
      yield batch;
      // Asked for when the first is on its way and the second waits behind it.
      void trainer.stop();
    }
    expect((await trainer.fit(stopping(), { steps: ENDLESS, every: ENDLESS })).step).toBe(1);
    await expect(trainer.fit(set, { signal: AbortSignal.abort() })).rejects.toThrow(
      '[fit] the run was ended before its first step',
    );
  });

  test('ends what its callers hang behind it', async () => {
    const trainer = await trainerOn('cpu');
    const ended = vi.fn<() => void>();
    expect((await trainer.fit(set, { steps: 2 }).finally(ended)).step).toBe(2);
    expect(ended).toHaveBeenCalledOnce();
  });
});

describe('where an engine tells that nobody can ask for reports any more', () => {
  /** An engine's, that tells it when a test says so. */
  class ToldRegistry {
    static readonly held: ((gone: object) => void)[] = [];
    readonly #tell: (held: unknown) => void;
    constructor(tell: (held: unknown) => void) {
      this.#tell = tell;
    }
    register(target: object, held: unknown): void {
      ToldRegistry.held.push((gone) => gone === target && this.#tell(held));
    }
  }

  afterEach(() => vi.unstubAllGlobals());

  test('the run ends, and the trainer is free', async () => {
    vi.stubGlobal('FinalizationRegistry', ToldRegistry);
    const trainer = await trainerOn('cpu');
    const [begun, never] = [trainer.fit(set, { steps: ENDLESS }), trainer.fit(set, { steps: 2 })];
    await begun.next();
    for (const tell of ToldRegistry.held) {
      tell(begun);
      tell(never);
    }
    expect((await trainer.step(batch)).step).toBeLessThan(ENDLESS);
    expect(await all(never)).toHaveLength(2);
  });
});
