// Iterables of batches: what `fit` makes of them is held against `step` on the same batches.

import { describe, expect, test, vi } from 'vitest';
import {
  createTrainer,
  crossEntropy,
  dataset,
  earlyStop,
  linear,
  relu,
  sequential,
  sgd,
  take,
  type Batches,
  type Dataset,
  type FitOptions,
  type Report,
  type Samples,
  type Trainer,
} from '../../src/index.ts';
import { Random } from '../../src/core/random.ts';
import { sharedDevice } from '../support/device.ts';

const FEATURES = 3;
const CLASSES = 4;
/** A batch is 15 and 5 bytes: no whole words. */
const BATCH = 5;

/** Features as bytes, and a label that depends on them. */
function bytes(length: number): Dataset {
  const random = new Random(1, 'bytes');
  const x = Uint8Array.from({ length: length * FEATURES }, () => Math.floor(random.uniform(0, 256)));
  const label = Uint8Array.from({ length }, (_, at) => Math.floor((x[at * FEATURES] * CLASSES) / 256));
  return dataset({ x: { data: x, shape: [FEATURES], scale: 1 / 128, offset: -1 }, label });
}

const set = bytes(200);

const samplesOf = ({ fields }: Dataset): Samples => ({ x: fields['x'].data, label: fields['label'].data });

/** Batches of these sizes, one behind the other in the set, as data sets. */
function setsOf(sizes: readonly number[]): Dataset[] {
  let start = 0;
  return sizes.map((size) => take(set, start, (start += size)));
}

const whole = (count: number): number[] => Array.from({ length: count }, () => BATCH);
const batchesOf = (sizes: readonly number[]): Samples[] => setsOf(sizes).map(samplesOf);

type Kind = 'webgpu' | 'cpu';
const kinds: readonly Kind[] = ['webgpu', 'cpu'];
const paces = [1, 7, 'auto'] as const;

/** A trainer that is gone when the work is done. SGD keeps nothing beside the parameters. */
async function withTrainer<T>(kind: Kind, work: (trainer: Trainer) => Promise<T>, batchSize = BATCH): Promise<T> {
  const trainer = await createTrainer({
    model: sequential(linear(FEATURES, 8), relu, linear(8, CLASSES)),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.3 }),
    batchSize,
    seed: 3,
    data: set,
    ...(kind === 'cpu' ? { backend: kind } : { device: await sharedDevice() }),
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const bitsOf = async (trainer: Trainer): Promise<Uint32Array[]> =>
  Object.values(await trainer.readParameters()).map(
    ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length),
  );

/** What `fit` reports, and what ended it. */
async function fitted(trainer: Trainer, batches: Batches, options: FitOptions = {}) {
  const reports: Report[] = [];
  let error: unknown;
  try {
    for await (const report of trainer.fit(batches, options)) reports.push(report);
  } catch (thrown) {
    error = thrown;
  }
  return { reports, steps: reports.map(({ step }) => step), losses: reports.map(({ loss }) => loss), error };
}

/** The end of a run over batches. */
const fittedBits = (kind: Kind, batches: () => Batches, options: FitOptions = {}) =>
  withTrainer(kind, async (trainer) => {
    const { losses, error } = await fitted(trainer, batches(), options);
    if (error) throw error;
    return { losses, bits: await bitsOf(trainer) };
  });

/** The same by `step`. A batch of another size is a step of a trainer of that size. */
async function stepped(kind: Kind, sizes: readonly number[], passes = 1) {
  const batches = batchesOf(sizes);
  const losses: number[] = [];
  let parameters: Record<string, Float32Array> | undefined;
  let bits: Uint32Array[] = [];
  const trainers = new Map<number, Trainer>();
  const make = (size: number) => withTrainer(kind, (trainer) => stepAll(size, trainer), size);
  /** Opens one trainer inside another, until there is one of each size. */
  async function stepAll(size: number, trainer: Trainer): Promise<void> {
    trainers.set(size, trainer);
    const missing = sizes.find((other) => !trainers.has(other));
    if (missing !== undefined) return make(missing);
    for (let pass = 0; pass < passes; pass++) {
      for (const [at, batch] of batches.entries()) {
        const own = trainers.get(sizes[at])!;
        if (parameters) await own.writeParameters(parameters);
        losses.push((await own.step(batch)).loss);
        parameters = await own.readParameters();
        bits = await bitsOf(own);
      }
    }
  }
  await make(sizes[0]);
  return { losses, bits };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, milliseconds));

function* reusing(batches: readonly Samples[]): Generator<Samples> {
  const x = new Uint8Array(BATCH * FEATURES);
  const label = new Uint8Array(BATCH);
  for (const batch of batches) {
    x.set(batch['x']);
    label.set(batch['label']);
    yield { x, label };
    x.fill(255);
    label.fill(0);
  }
}

async function* slowly(batches: readonly Samples[], milliseconds: number): AsyncGenerator<Samples> {
  for (const batch of batches) {
    await pause(milliseconds);
    yield batch;
  }
}

/** An iterator by hand, which counts what is asked of it. */
function counted(next: (at: number) => Samples | undefined) {
  const calls = { next: 0, return: 0 };
  const batches: Batches = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const value = next(calls.next++);
        return value ? { done: false, value } : { done: true, value: undefined };
      },
      async return() {
        calls.return++;
        return { done: true, value: undefined };
      },
    }),
  };
  return { calls, batches };
}

const STEPS = 20;
const many = batchesOf(whole(STEPS));
const endless = (at: number): Samples => many[at % STEPS];

describe.each(kinds)('a stream of batches on %s', (kind) => {
  const forms: readonly [string, () => Batches][] = [
    ['an array', () => many],
    ['data sets', () => setsOf(whole(STEPS))],
    ['a generator that reuses its arrays', () => reusing(many)],
    ['an async generator', () => slowly(many, 0)],
  ];
  test.each(forms)('as %s is trained on as `step` does, in the same bits at any pace', async (_, batches) => {
    const expected = await stepped(kind, whole(STEPS));
    for (const stepsPerSubmit of paces) {
      expect(await fittedBits(kind, batches, { stepsPerSubmit }), `${stepsPerSubmit}`).toEqual(expected);
    }
  });

  test('with short batches in the middle and at the end is trained on as `step` does', async () => {
    const sizes = [5, 5, 2, 5, 1, 5, 5, 5, 2, 1, 3];
    const expected = await stepped(kind, sizes);
    for (const stepsPerSubmit of paces) {
      const found = await fittedBits(kind, () => batchesOf(sizes), { stepsPerSubmit });
      expect(found, `${stepsPerSubmit}`).toEqual(expected);
    }
  });

  test('is run through three times for three epochs', async () => {
    const expected = await stepped(kind, [5, 5, 5, 2], 3);
    const batches = () => batchesOf([5, 5, 5, 2]);
    expect(await fittedBits(kind, batches, { epochs: 3, stepsPerSubmit: 7 })).toEqual(expected);
  });

  test('is run through again for more steps than it has batches', async () => {
    const { losses } = await stepped(kind, whole(4), 3);
    const found = await fittedBits(kind, () => batchesOf(whole(4)), { steps: 11, stepsPerSubmit: 3 });
    expect(found.losses).toEqual(losses.slice(0, 11));
  });

  test('is reported as `every` says, and at its end', async () => {
    const steps = await withTrainer(kind, async (trainer) => [
      (await fitted(trainer, many.slice(0, 10), { every: 4 })).steps,
      (await fitted(trainer, slowly(many.slice(0, 3), 5), { every: 2 })).steps,
    ]);
    expect(steps).toEqual([
      [4, 8, 10],
      [12, 13],
    ]);
  });

  test('that is slow is waited for, and each step reported before the batch after next is asked for', async () => {
    await withTrainer(kind, async (trainer) => {
      const { calls, batches } = counted((at) => many.slice(0, 6)[at]);
      let report = (): void => {};
      const slow: Batches = {
        async *[Symbol.asyncIterator]() {
          for await (const batch of batches as AsyncIterable<Samples>) {
            const reported = new Promise<void>((resolve) => (report = resolve));
            yield batch;
            // Who waited for more steps before this one would wait for ever.
            await reported;
            await pause(60);
          }
        },
      };
      const asked: number[] = [];
      let waited = 0;
      for await (const { waited: so } of trainer.fit(slow, { stepsPerSubmit: 64 })) {
        asked.push(calls.next);
        waited = so;
        report();
      }
      expect(asked.every((count, at) => count <= at + 2)).toBe(true);
      // Five pauses, in each of which the GPU has nothing to do.
      expect(waited).toBeGreaterThan(0.1);
    });
  });

  test('that is there at once is not waited for', async () => {
    // A clock that goes on with each turn of the event loop: what promises alone bring takes no time by it.
    let turns = 0;
    let runs = true;
    const turn = (): void => void (turns++, runs && setImmediate(turn));
    turn();
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => 1000 * turns);
    try {
      const { reports } = await withTrainer(kind, (trainer) => fitted(trainer, many));
      expect(turns).toBeGreaterThan(1);
      expect(reports.at(-1)!.waited).toBe(0);
    } finally {
      runs = false;
      clock.mockRestore();
    }
  });
});

describe.each(kinds)('a stream that ends before its time on %s', (kind) => {
  test.each(paces)('by an error gives the reports and the state of all steps before it, at pace %s', async (pace) => {
    const mishap = new Error('the disk is full');
    const expected = await stepped(kind, whole(9));
    await withTrainer(kind, async (trainer) => {
      const { batches } = counted((at) => {
        if (at === 9) throw mishap;
        return many[at];
      });
      const { losses, error } = await fitted(trainer, batches, { stepsPerSubmit: pace });
      expect({ losses, bits: await bitsOf(trainer), error }).toEqual({ ...expected, error: mishap });
      expect((await fitted(trainer, many.slice(0, 3))).steps).toEqual([10, 11, 12]);
    });
  });

  test('by its end, when more steps were asked for, gives the state of those that there were', async () => {
    const expected = await stepped(kind, whole(4));
    await withTrainer(kind, async (trainer) => {
      const { losses, error } = await fitted(trainer, reusing(many.slice(0, 4)), { steps: 10 });
      expect(String(error)).toContain('[fit] the iterable ended at step 4, but 10 were asked for');
      expect({ losses, bits: await bitsOf(trainer) }).toEqual(expected);
    });
  });

  test('by leaving the loop is asked for no more than a submit is long, and leaves the trainer usable', async () => {
    await withTrainer(kind, async (trainer) => {
      const { calls, batches } = counted(endless);
      for await (const { step } of trainer.fit(batches, { stepsPerSubmit: 4 })) if (step === 3) break;
      await pause(20);
      // Two submits, a table for the next, and one that waits for room there.
      expect(calls.next).toBeLessThanOrEqual(3 + 3 * 4 + 1);
      const { steps } = await fitted(trainer, many.slice(0, 2));
      expect(steps[1] - steps[0]).toBe(1);
    });
  });

  test('by the signal ends at once, though the source hangs for ever', async () => {
    await withTrainer(kind, async (trainer) => {
      const controller = new AbortController();
      async function* hanging(): AsyncGenerator<Samples> {
        yield* many.slice(0, 3);
        await new Promise(() => {});
      }
      const steps: number[] = [];
      for await (const { step } of trainer.fit(hanging(), { signal: controller.signal })) {
        steps.push(step);
        // Once it waits for the source.
        if (step === 3) setTimeout(() => controller.abort(), 20);
      }
      expect(steps).toEqual([1, 2, 3]);
      expect((await fitted(trainer, many.slice(0, 2))).steps).toEqual([4, 5]);
    });
  });

  const ends: readonly [string, number, (at: number) => Samples | undefined, FitOptions, number][] = [
    ['its end', 0, (at) => many[at], {}, 0],
    [
      'an error of its own',
      0,
      (at) => {
        if (at === 5) throw new Error('broken');
        return many[at];
      },
      {},
      0,
    ],
    ['the last step', 1, endless, { steps: 7 }, 0],
    ['a bad batch', 1, (at) => (at === 5 ? {} : many[at]), {}, 0],
    [
      'a decision',
      1,
      endless,
      { steps: 500, validateEvery: 2, decisions: [earlyStop({ patience: 1, minDelta: 9 })] },
      0,
    ],
    ['leaving the loop', 1, endless, {}, 3],
  ];
  test.each(ends)('by %s is told so %i times', async (_, told, next, options, leaveAt) => {
    await withTrainer(kind, async (trainer) => {
      const { calls, batches } = counted(next);
      try {
        for await (const { step } of trainer.fit(batches, options)) if (step === leaveAt) break;
      } catch {
        // What came is another test's.
      }
      expect(calls.return).toBe(told);
    });
  });

  test('by an iterator that fails to be left still ends the loop in order', async () => {
    await withTrainer(kind, async (trainer) => {
      const failing: Batches = {
        [Symbol.iterator]: () => ({
          next: () => ({ done: false, value: many[0] }),
          return() {
            throw new Error('cannot be left');
          },
        }),
      };
      for await (const { step } of trainer.fit(failing)) if (step === 2) break;
      expect((await fitted(trainer, many.slice(0, 2))).error).toBeUndefined();
    });
  });
});

describe.each(kinds)('a run over a stream that validates on %s', (kind) => {
  /** The loss over a validation set after each of the steps. */
  const held = take(set, 100, 120);
  const truth = (sizes: readonly number[], passes: number): Promise<number[]> =>
    withTrainer(kind, async (trainer) => {
      const losses: number[] = [];
      for (let pass = 0; pass < passes; pass++) {
        for (const batch of batchesOf(sizes)) {
          await fitted(trainer, [batch]);
          losses.push((await trainer.evaluate(held)).loss);
        }
      }
      return losses;
    });
  const validations = (reports: readonly Report[]): [number, number][] =>
    reports.flatMap(({ step, validation }) => (validation ? [[step, validation['loss']]] : []));

  test.each(paces)(
    'does so at the end of each epoch, at pace %s',
    async (stepsPerSubmit) => {
      const sizes = [5, 5, 2, 5, 3];
      const losses = await truth(sizes, 2);
      const of = (batches: Batches) =>
        withTrainer(kind, (trainer) => fitted(trainer, batches, { epochs: 2, validation: held, stepsPerSubmit }));
      const { reports } = await of(batchesOf(sizes));
      expect(validations(reports)).toEqual([
        [5, losses[4]],
        [10, losses[9]],
      ]);
      expect(reports.map(({ epoch }) => epoch)).toEqual([0, 0, 0, 0, 1, 1 + 1 / 5, 1 + 2 / 5, 1 + 3 / 5, 1 + 4 / 5, 2]);
      const known = await of(Object.assign(batchesOf(sizes), { steps: sizes.length }));
      expect(known.reports.map(({ epoch }) => epoch)).toEqual(reports.map((_, at) => (at + 1) / 5));
    },
    20_000,
  );

  test.each(paces)(
    'does so as often as it is told, and at its end, at pace %s',
    async (stepsPerSubmit) => {
      const losses = await truth(whole(7), 1);
      const { reports } = await withTrainer(kind, (trainer) =>
        fitted(trainer, reusing(many.slice(0, 7)), { validation: held, validateEvery: 3, stepsPerSubmit }),
      );
      expect(validations(reports)).toEqual([3, 6, 7].map((step) => [step, losses[step - 1]]));
    },
    20_000,
  );
});

describe.each(kinds)('a bad batch on %s', (kind) => {
  const good = many[0];
  const at = (place: number, numbers: ArrayLike<number>, number: number): Float32Array =>
    Float32Array.from(numbers, (other, index) => (index === place ? number : other));
  const bad: readonly [string, Samples, string][] = [
    ['that lacks a field', { x: good['x'] }, 'the batch has no field "label"'],
    ['of no whole samples', { ...good, x: new Uint8Array(14) }, 'field "x" has 14 numbers, but a sample has 3'],
    ['of uneven fields', { ...good, label: new Uint8Array(4) }, 'every sample needs all fields'],
    ['with NaN', { ...good, x: at(7, good['x'], NaN) }, '"x" is NaN at sample 2, element 1'],
    ['with a label out of range', { ...good, label: at(3, good['label'], 4) }, '"label"[3] is 4, but labels'],
    ['too large', samplesOf(take(set, 0, 6)), 'the batch has 6 samples but batchSize is 5'],
  ];
  test.each(bad)('%s is named, and the steps before it are done', async (_, batch, message) => {
    await withTrainer(kind, async (trainer) => {
      for (const index of [0, 5]) {
        const before = await bitsOf(trainer);
        const given = [...many.slice(0, index), batch, ...many];
        const { steps, error } = await fitted(trainer, given, { stepsPerSubmit: 3 });
        expect(String(error)).toContain(message);
        expect(String(error)).toContain(`batch ${index}`);
        expect(steps).toEqual(upTo(index));
        if (index === 0) expect(await bitsOf(trainer)).toEqual(before);
      }
      expect((await fitted(trainer, [good])).steps).toEqual([6]);
    });
  });
});

test('other numbers of steps per submit leave no tables behind', async () => {
  await withTrainer('webgpu', async (trainer) => {
    const sizes: number[] = [];
    for (let stepsPerSubmit = 2; stepsPerSubmit < 12; stepsPerSubmit++) {
      await fitted(trainer, many.slice(0, 12), { stepsPerSubmit });
      sizes.push(trainer.bytes);
    }
    // The largest table takes 2 kB; each program of its own has a few hundred bytes of sizes.
    expect(sizes.at(-1)! - sizes[0]).toBeLessThan(4096);
  });
});
