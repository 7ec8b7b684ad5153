// What decisions do to a run: when they are asked, what they change, and what is left at its end.

import { describe, expect, test } from 'vitest';
import {
  adam,
  createTrainer,
  crossEntropy,
  dropout,
  earlyStop,
  keepBest,
  linear,
  reduceOnPlateau,
  relu,
  sequential,
  sgd,
  take,
  type Batches,
  type Dataset,
  type Decision,
  type FitOptions,
  type Report,
  type Trainer,
  type LossOptions,
  type Verdict,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(160, 3);
const held = clusters(48, 3, 9);
const BATCH = 16;
const EPOCH = 10;
/** The whole set by batches, again and again. */
const batches = Array.from({ length: EPOCH }, (_, at) => take(set, BATCH * at, BATCH * (at + 1)));

type Kind = 'webgpu' | 'cpu';
const kinds: readonly Kind[] = ['webgpu', 'cpu'];
const paces = [1, 7, 'auto'] as const;

/** A trainer that is gone when the work is done; it overshoots now and then. */
async function withTrainer<T>(
  kind: Kind,
  work: (trainer: Trainer) => Promise<T>,
  options: Partial<LossOptions> = {},
): Promise<T> {
  const trainer = await createTrainer({
    model: sequential(linear(2, 8), relu, dropout(0.2), linear(8, 3)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.2 }),
    batchSize: BATCH,
    seed: 5,
    data: set,
    ...(kind === 'cpu' ? { backend: kind } : { device: await sharedDevice() }),
    ...options,
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

async function reportsOf(trainer: Trainer, data: Dataset | Batches, options: FitOptions): Promise<Report[]> {
  const reports: Report[] = [];
  for await (const report of trainer.fit(data, options)) reports.push(report);
  return reports;
}

/** What is the same in every rerun. */
const lasting = ({ step, loss, learningRate, validation, decided }: Report) => ({
  step,
  loss,
  learningRate,
  validation,
  decided,
});

/** Notes what it is asked, and answers at the steps that are named. */
function told(answers: Readonly<Record<number, Verdict>> = {}, keeps = false) {
  const asked: { step: number; metrics: Readonly<Record<string, number>> }[] = [];
  const decision: Decision = {
    name: 'told',
    keeps,
    start:
      () =>
      (metrics, { step }) => {
        asked.push({ step, metrics });
        return answers[step] ?? null;
      },
  };
  return { decision, asked };
}

/** The parameters after so many steps of a run without decisions. */
const after = (kind: Kind, steps: number, data: Dataset | Batches = set): Promise<Uint32Array[]> =>
  withTrainer(kind, async (trainer) => {
    await reportsOf(trainer, data, { steps });
    return bitsOf(trainer);
  });

const sources: readonly [string, Dataset | Batches][] = [
  ['a set', set],
  ['a stream', batches],
];

describe.each(kinds)('decisions on %s', (kind) => {
  test.each(sources)('over %s are asked at the end of each epoch, at any pace', async (_, data) => {
    for (const stepsPerSubmit of paces) {
      const { decision, asked } = told();
      await withTrainer(kind, (trainer) =>
        reportsOf(trainer, data, { epochs: 3, decisions: [decision], stepsPerSubmit }),
      );
      expect(asked.map(({ step }) => step)).toEqual([EPOCH, 2 * EPOCH, 3 * EPOCH]);
    }
  });

  test.each(sources)('over %s are asked as often as validation is due, and at the end', async (_, data) => {
    for (const validation of [held, undefined]) {
      const { decision, asked } = told();
      const options = { epochs: 1, validateEvery: 4, decisions: [decision], ...(validation && { validation }) };
      await withTrainer(kind, (trainer) => reportsOf(trainer, data, options));
      expect(asked.map(({ step }) => step)).toEqual([4, 8, 10]);
    }
  });

  test('see the metrics of validation, or else the means of training since they were last asked', async () => {
    const validating = told();
    const training = told();
    await withTrainer(kind, async (trainer) => {
      const options = { steps: 6, validateEvery: 3 };
      const first = await reportsOf(trainer, set, { ...options, validation: held, decisions: [validating.decision] });
      expect(validating.asked.map(({ metrics }) => metrics)).toEqual([first[2].validation, first[5].validation]);
      const losses = (await reportsOf(trainer, set, { ...options, decisions: [training.decision] })).map(
        ({ loss }) => loss,
      );
      const means = [0, 3].map((at) => (losses[at] + losses[at + 1] + losses[at + 2]) / 3);
      expect(training.asked.map(({ metrics }) => metrics['loss'])).toEqual(means);
    });
  });

  test.each(sources)('over %s decide alike in a rerun and at any pace, and end in the same bits', async (_, data) => {
    const decisions = () => [
      reduceOnPlateau({ patience: 1, factor: 0.5 }),
      earlyStop({ patience: 4, restoreBest: true }),
    ];
    for (const validation of [held, undefined]) {
      const run = (stepsPerSubmit: number | 'auto') =>
        withTrainer(kind, async (trainer) => {
          const options = { steps: 120, validateEvery: 3, decisions: decisions(), stepsPerSubmit };
          const reports = await reportsOf(trainer, data, { ...options, ...(validation && { validation }) });
          return { reports: reports.map(lasting), bits: await bitsOf(trainer) };
        });
      const first = await run(1);
      expect(first.reports.length).toBeLessThan(120);
      expect(first.reports.some(({ learningRate }) => learningRate < 0.2)).toBe(true);
      for (const pace of [1, 7, 'auto'] as const) expect(await run(pace), `${pace}`).toEqual(first);
    }
  });

  test('end the run with the step that they stop at, and say why', async () => {
    const { decision } = told({ 8: { stop: true, message: 'it is enough' } });
    const { reports, bits } = await withTrainer(kind, async (trainer) => ({
      reports: await reportsOf(trainer, set, { steps: 50, validateEvery: 4, decisions: [decision] }),
      bits: await bitsOf(trainer),
    }));
    expect(reports.map(({ decided }) => decided)).toEqual([...Array(7).fill(undefined), ['told: it is enough']]);
    expect(bits).toEqual(await after(kind, 8));
  });

  test('change the learning rate from exactly the next step on, in a later run too', async () => {
    const { decision } = told({ 4: { rateFactor: 0.5 }, 12: { rateFactor: 0.5 } });
    const rates = await withTrainer(
      kind,
      async (trainer) => {
        const options = { steps: 12, validateEvery: 4, decisions: [decision], stepsPerSubmit: 7 };
        const first = await reportsOf(trainer, set, options);
        const second = await reportsOf(trainer, batches, { steps: 2 });
        const third = await trainer.step(batches[0]);
        return [...first, ...second, third].map(({ learningRate }) => learningRate);
      },
      // Powers of two: f32 has them exactly.
      { optimizer: sgd({ learningRate: (step) => 2 ** -(1 + (step % 3)) }) },
    );
    const factor = (step: number): number => (step < 4 ? 1 : step < 12 ? 0.5 : 0.25);
    expect(rates).toEqual(Array.from({ length: 15 }, (_, step) => factor(step) * 2 ** -(1 + (step % 3))));
  });
});

test.each([{ falls: [4095, 4098] }, { falls: [4094, 4096, 4097] }])(
  'a learning rate that falls after steps $falls stays fallen beyond a table of 4,096',
  async ({ falls }) => {
    const { decision } = told(Object.fromEntries(falls.map((step) => [step, { rateFactor: 0.5 }])));
    const rate = (step: number): number => 2 ** -(1 + (step % 3));
    const reports = await withTrainer(
      'webgpu',
      async (trainer) => {
        await reportsOf(trainer, set, { steps: 4090, every: 4090, stepsPerSubmit: 500 });
        return reportsOf(trainer, set, { steps: 12, validateEvery: 1, decisions: [decision] });
      },
      { model: linear(2, 3), optimizer: sgd({ learningRate: rate }) },
    );
    const expected = (step: number): number => rate(step - 1) * 0.5 ** falls.filter((at) => at < step).length;
    expect(reports.map(({ learningRate }) => learningRate)).toEqual(reports.map(({ step }) => expected(step)));
  },
);

describe.each(kinds)('the weights that are kept on %s', (kind) => {
  const KEPT = 8;
  const options = (more: FitOptions = {}): FitOptions => {
    const { decision } = told({ 4: { keep: true }, [KEPT]: { keep: true } }, true);
    return { steps: 20, validateEvery: 4, decisions: [decision], ...more };
  };

  test.each(sources)('over %s are those of that step to the bit, at the end of the run', async (_, data) => {
    const expected = await after(kind, KEPT, data);
    for (const stepsPerSubmit of paces) {
      const found = await withTrainer(kind, async (trainer) => {
        await reportsOf(trainer, data, options({ stepsPerSubmit }));
        return bitsOf(trainer);
      });
      expect(found, `${stepsPerSubmit}`).toEqual(expected);
    }
  });

  test('over a stream that is slow to say where it ends are those of the last step of that epoch', async () => {
    const { decision } = told({ [EPOCH]: { keep: true } }, true);
    const slow: Batches = {
      async *[Symbol.asyncIterator]() {
        yield* batches;
        await new Promise((resolve) => void setTimeout(resolve, 50));
      },
    };
    const found = await withTrainer(kind, async (trainer) => {
      await reportsOf(trainer, slow, { epochs: 2, decisions: [decision] });
      return bitsOf(trainer);
    });
    expect(found).toEqual(await after(kind, EPOCH, batches));
  });

  test('are those of the best validation, and predict as then', async () => {
    await withTrainer(kind, async (trainer) => {
      const given = { steps: 40, validation: held, validateEvery: 4, decisions: [keepBest()] };
      const reports = await reportsOf(trainer, set, given);
      const losses = reports.flatMap(({ validation }) => validation?.['loss'] ?? []);
      const best = Math.min(...losses);
      expect(losses.at(-1)).toBeGreaterThan(best);
      expect((await trainer.evaluate(held)).loss).toBe(best);
    });
  });

  const ends: readonly [string, (trainer: Trainer) => Promise<unknown>][] = [
    [
      'when the loop is left',
      async (trainer) => {
        for await (const { step } of trainer.fit(set, options())) if (step === 14) break;
      },
    ],
    [
      'when the signal ends the run',
      async (trainer) => {
        const controller = new AbortController();
        for await (const { step } of trainer.fit(set, options({ signal: controller.signal }))) {
          if (step === 14) controller.abort();
        }
      },
    ],
    [
      'when a source fails',
      (trainer) => {
        function* failing() {
          yield* batches;
          throw new Error('broken');
        }
        return reportsOf(trainer, failing(), options()).catch(() => {});
      },
    ],
    [
      'when another decision fails',
      (trainer) => {
        const fails: Decision = {
          name: 'fails',
          start:
            () =>
            (_, { step }) => {
              if (step > KEPT) throw new Error('broken');
              return null;
            },
        };
        return reportsOf(trainer, set, options({ decisions: [...options().decisions!, fails] })).catch(() => {});
      },
    ],
  ];
  test.each(ends)('come back %s', async (_, end) => {
    // Samples in the set's order in a stream, in its own in a set.
    const found = await withTrainer(kind, async (trainer) => {
      await end(trainer);
      return bitsOf(trainer);
    });
    expect([await after(kind, KEPT), await after(kind, KEPT, batches)]).toContainEqual(found);
  });

  test('include averages of the weights', async () => {
    const averaged = { averageWeights: { decay: 0.5 } };
    const lossAt = (fitOptions: FitOptions) =>
      withTrainer(
        kind,
        async (trainer) => {
          await reportsOf(trainer, set, fitOptions);
          return (await trainer.evaluate(held)).loss;
        },
        averaged,
      );
    expect(await lossAt(options())).toBe(await lossAt({ steps: KEPT }));
  });

  test('are those of this run alone: where none are kept, nothing comes back', async () => {
    const { decision } = told({}, true);
    const run = (more: FitOptions) =>
      withTrainer(kind, async (trainer) => {
        await reportsOf(trainer, set, options());
        await reportsOf(trainer, set, { steps: 5, ...more });
        return bitsOf(trainer);
      });
    expect(await run({ decisions: [decision] })).toEqual(await run({}));
  });
});
