import { describe, expect, test } from 'vitest';
import { Permutation } from '../../src/core/permutation.ts';
import { seedKey } from '../../src/core/random.ts';
import { spec } from '../../src/core/shape.ts';
import { constant } from '../../src/graph/leaf.ts';
import {
  add,
  adamw,
  cast,
  createTrainer,
  crossEntropy,
  dataset,
  dropout,
  equal,
  gather,
  linear,
  meanSquaredError,
  relu,
  reshape,
  schedules,
  sequential,
  sgd,
  sum,
  zeros,
  type FitOptions,
  type Layer,
  type Samples,
  type Trainer,
  type TrainerOptions,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const SEED = 5;
const BATCH = 32;
const STEPS = 700;
/** Batches do not divide it, so that epochs end inside them. */
const set = clusters(211, 3);

/** Every kind of thing that changes from step to step: drawn numbers, a learning rate, a moment's correction. */
const options = (): TrainerOptions => ({
  model: sequential(linear(2, 16), relu, dropout(0.3), linear(16, 3)),
  loss: crossEntropy,
  optimizer: adamw({ learningRate: schedules.oneCycle(2e-2, { steps: STEPS }), clip: { globalNorm: 1 } }),
  batchSize: BATCH,
  seed: SEED,
  data: set,
});

/** The samples of a step, as the stream of epochs has them. */
function batchAt(step: number): Samples {
  const rows = Array.from({ length: BATCH }, (_, row) => {
    const place = step * BATCH + row;
    return new Permutation(set.length, seedKey(SEED), Math.floor(place / set.length)).at(place % set.length);
  });
  const { point, label } = set.fields;
  return {
    point: Float32Array.from(rows.flatMap((row) => [...point.data.subarray(2 * row, 2 * row + 2)])),
    label: Uint8Array.from(rows, (row) => label.data[row]),
  };
}

function* batches(): Generator<Samples> {
  for (let step = 0; step < STEPS; step++) yield batchAt(step);
}

const bitsOf = async (trainer: Trainer): Promise<number[][]> =>
  Object.values(await trainer.readParameters()).map(({ buffer, byteOffset, length }) => [
    ...new Uint32Array(buffer, byteOffset, length),
  ]);

/** The bits in which a run ends. */
async function endOf(
  work: (trainer: Trainer) => Promise<void>,
  more: Partial<TrainerOptions> = {},
): Promise<number[][]> {
  const trainer = await createTrainer({ ...options(), device: await sharedDevice(), ...more } as TrainerOptions);
  try {
    await work(trainer);
    return await bitsOf(trainer);
  } finally {
    trainer.destroy();
  }
}

const fitted = (given: FitOptions) => async (trainer: Trainer) => {
  for await (const _ of trainer.fit(set, { steps: STEPS, ...given }));
};

describe('a run with dropout and a schedule ends in the same bits', () => {
  let known: Promise<number[][]> | undefined;
  /** With one step in a submit. */
  const plain = (): Promise<number[][]> => (known ??= endOf(fitted({ stepsPerSubmit: 1 })));

  test.each([50, 300, 'auto'] as const)('with %s steps in a submit as with one', async (stepsPerSubmit) => {
    expect(await endOf(fitted({ stepsPerSubmit }))).toEqual(await plain());
  });
  test('by batches that are brought one after the other', async () => {
    const end = await endOf(async (trainer) => {
      for (const batch of batches()) await trainer.step(batch);
    });
    expect(end).toEqual(await plain());
  });
  test('by an iterable of batches', async () => {
    const end = await endOf(async (trainer) => {
      for await (const _ of trainer.fit(batches()));
    });
    expect(end).toEqual(await plain());
  });
  test('in several calls, of several sizes of submits', async () => {
    const end = await endOf(async (trainer) => {
      for (const [steps, stepsPerSubmit] of [
        [100, 7],
        [351, 64],
        [249, 200],
      ]) {
        for await (const _ of trainer.fit(set, { steps, stepsPerSubmit }));
      }
    });
    expect(end).toEqual(await plain());
  });
  test('when another set is judged meanwhile', async () => {
    const other = clusters(77, 3, 9);
    const end = await endOf(async (trainer) => {
      for await (const { step } of trainer.fit(set, { steps: STEPS }))
        if (step % 100 === 0) await trainer.evaluate(other);
    });
    expect(end).toEqual(await plain());
  });
  test('of which dropout and schedule are a part: without them the bits are others', async () => {
    const without = endOf(fitted({}), { model: sequential(linear(2, 16), relu, linear(16, 3)) });
    const steady = endOf(fitted({}), { optimizer: adamw({ learningRate: 2e-2, clip: { globalNorm: 1 } }) });
    expect(await without).not.toEqual(await plain());
    expect(await steady).not.toEqual(await plain());
  });
});

const LENGTH = 1003;

/** Counts, on the GPU, how often it has seen each number; in evaluation it says what it has counted of each. */
const counter: Layer = {
  parameters: { bias: { shape: [1], initial: zeros } },
  state: { counts: { shape: [LENGTH], initial: zeros } },
  apply(number, { counts, bias }, context) {
    const all = constant(
      Float32Array.from({ length: LENGTH }, (_, at) => at),
      spec([1, LENGTH]),
    );
    const seen = equal(reshape(cast(number, 'f32'), [-1, 1]), all);
    context.update('counts', add(counts, sum(cast(seen, 'f32'), { axes: 0 })));
    return add(gather(counts, number), bias);
  },
};

describe('of 1,003 samples in batches of 64', () => {
  const numbered = dataset({
    number: Uint32Array.from({ length: LENGTH }, (_, at) => at),
    target: new Float32Array(LENGTH),
  });

  /** How often each sample was seen, as the GPU has counted. */
  async function countsAfter(fit: FitOptions): Promise<number[]> {
    const trainer = await createTrainer({
      model: counter,
      loss: meanSquaredError,
      optimizer: sgd({ learningRate: 0 }),
      batchSize: 64,
      device: await sharedDevice(),
    });
    try {
      for await (const _ of trainer.fit(numbered, fit));
      return [...(await trainer.predict(numbered)).data];
    } finally {
      trainer.destroy();
    }
  }

  test.each([1, 10, 'auto'] as const)(
    'two epochs see each twice, with %s steps in a submit',
    async (stepsPerSubmit) => {
      expect(await countsAfter({ epochs: 2, stepsPerSubmit })).toEqual(new Array<number>(LENGTH).fill(2));
    },
  );
  test('one epoch sees each once, unshuffled too', async () => {
    expect(await countsAfter({ epochs: 1, shuffle: false })).toEqual(new Array<number>(LENGTH).fill(1));
  });
  test('half an epoch sees half of them once', async () => {
    const counts = await countsAfter({ epochs: 0.5 });
    expect(counts.filter((count) => count === 1)).toHaveLength(Math.round(LENGTH / 2));
    expect(Math.max(...counts)).toBe(1);
  });
});
