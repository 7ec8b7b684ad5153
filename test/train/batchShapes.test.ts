// Batches of several shapes, as sentences in buckets: `fit` makes of them what `step` makes of each by a trainer of its shape.

import { describe, expect, test } from 'vitest';
import { bucketed, dataset, tokenizer, type Dataset, type PairFields } from '../../src/data/index.ts';
import {
  adam,
  add,
  createTrainer,
  crossEntropy,
  defineLayer,
  gather,
  heNormal,
  div,
  linear,
  mean,
  sgd,
  sub,
  take,
  type LossOptions,
  type Report,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { Random } from '../../src/core/random.ts';
import { sharedDevice } from '../support/device.ts';

const random = new Random(2, 'pairs');
const textOf = (length: number): string =>
  Array.from({ length }, () => 'abcde'[Math.floor(random.uniform(0, 5))]).join('');
const pairs = Array.from({ length: 75 }, () => {
  const length = Math.floor(random.uniform(1, 12));
  // What is to be told is what was given, the other way round.
  const source = textOf(length);
  return [source, Array.from(source).toReversed().join('')] as const;
});
const own = tokenizer('abcde', { special: ['padding', 'begin', 'end'] });
const BATCH = 8;
const make = () => bucketed(pairs, { tokenizer: own, batchSize: BATCH, shapes: 3, seed: 4 });

const tables = defineLayer({
  parameters: {
    source: { shape: [own.size, own.size], initial: heNormal },
    before: { shape: [own.size, own.size], initial: heNormal },
  },
  apply: ({ source, input }: { readonly source: Value; readonly input: Value }, bound) =>
    add(gather(bound.before, input), mean(gather(bound.source, source), { axes: 1, keepDimensions: true })),
});

type Kind = 'webgpu' | 'cpu';

async function withTrainer<T>(
  kind: Kind,
  work: (trainer: Trainer) => Promise<T>,
  options: Partial<LossOptions> = {},
): Promise<T> {
  const trainer = await createTrainer({
    model: tables,
    loss: (logits: Value, { target }: Readonly<Record<string, Value>>) =>
      crossEntropy(logits, target, { ignoreIndex: 0 }),
    optimizer: adam({ learningRate: 0.05 }),
    inputs: ['source', 'sourceLength', 'input', 'length'],
    batchSize: BATCH,
    seed: 3,
    data: make().specs,
    ...(kind === 'cpu' ? { backend: kind } : { device: await sharedDevice() }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

async function reportsOf(reports: AsyncIterable<Report>): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of reports) losses.push(loss);
  return losses;
}

const plain = { optimizer: sgd({ learningRate: 0.5 }) };

/** Of all parameters, one behind the other. */
const bitsOf = async (trainer: Trainer): Promise<number[]> =>
  Object.values(await trainer.readParameters()).flatMap((numbers) => [...numbers]);

/** A step on each batch, by a trainer that knows its shape and number of samples alone. SGD keeps nothing but parameters. */
async function stepped(kind: Kind, batches: readonly Dataset<PairFields>[]) {
  let parameters: Record<string, Float32Array> | undefined;
  let bits: number[] = [];
  const losses: number[] = [];
  for (const batch of batches) {
    const work = async (trainer: Trainer): Promise<void> => {
      if (parameters) await trainer.writeParameters(parameters);
      losses.push((await trainer.step(batch)).loss);
      parameters = await trainer.readParameters();
      bits = await bitsOf(trainer);
    };
    await withTrainer(kind, work, { ...plain, data: batch, batchSize: batch.length });
  }
  return { losses, bits };
}

describe.each(['webgpu', 'cpu'] as const)('on %s batches of several shapes', (kind) => {
  test('are trained on as `step` does, whatever a submit holds', async () => {
    const batches = [...make().epoch(0)];
    expect(new Set(batches.map(({ fields }) => fields.source.shape.join())).size).toBe(3);
    expect(new Set(batches.map(({ length }) => length))).toEqual(new Set([8, 75 % 8]));
    const expected = await stepped(kind, batches);
    for (const stepsPerSubmit of [1, 4, 'auto'] as const) {
      const fitted = await withTrainer(
        kind,
        async (trainer) => {
          const losses = await reportsOf(trainer.fit(make(), { stepsPerSubmit }));
          return { losses, bits: await bitsOf(trainer) };
        },
        plain,
      );
      expect(fitted).toEqual(expected);
    }
  });

  test('have an order of their own in each epoch, and go on from the middle of one in the same bits', async () => {
    const options = { epochs: 4, stepsPerSubmit: 3 };
    const { steps } = make();
    const cut = 2 * steps + 4;
    const whole = await withTrainer(kind, async (trainer) => {
      const losses: number[] = [];
      let saved: Uint8Array | undefined;
      for await (const { loss, step } of trainer.fit(make(), options)) {
        losses.push(loss);
        if (step === cut) saved = await trainer.save();
      }
      return { losses, bits: await bitsOf(trainer), saved: saved! };
    });
    expect(whole.losses.length).toBe(4 * steps);
    expect(whole.losses.at(-1)).toBeLessThan(whole.losses[0]);
    const rest = await withTrainer(kind, async (trainer) => {
      await trainer.load(whole.saved);
      const losses = await reportsOf(trainer.fit(make(), options));
      return { losses, bits: await bitsOf(trainer) };
    });
    expect(rest).toEqual({ losses: whole.losses.slice(cut), bits: whole.bits });
  });

  test('are validated in the longest shape', async () => {
    const batches = make();
    await withTrainer(kind, async (trainer) => {
      const validation = batches.padded(pairs.slice(0, 20));
      const before = (await trainer.evaluate(validation)).loss;
      const validated: number[] = [];
      for await (const { validation: seen } of trainer.fit(batches, { epochs: 3, validation })) {
        if (seen) validated.push(seen.loss);
      }
      expect(validated.length).toBe(3);
      expect(validated[2]).toBeLessThan(before);
    });
  });

  test('with a bad number in one of them end there, and what was bad is named', async () => {
    const bad = make();
    const weights = (set: Dataset, weight: number): Dataset => ({
      length: set.length,
      fields: { ...set.fields, ...dataset({ weight: new Float32Array(set.length).fill(weight) }).fields },
    });
    const first = [...bad.epoch(0)];
    // One of the shortest shape, which is not the one that the model was traced with.
    const end = first.findLastIndex(({ fields }) => fields.source.shape[0] === bad.shapes[0][0]);
    const batches = first.slice(0, end + 1).map((batch, at) => weights(batch, at === end ? 0 : 1));
    const loss = (logits: Value, { target, weight }: Readonly<Record<string, Value>>) =>
      add(crossEntropy(logits, target, { ignoreIndex: 0 }), sub(1, mean(div(weight, weight))));
    const specs = { ...bad.specs, weight: { shape: [], dtype: 'f32', scale: null } } as const;
    await withTrainer(
      kind,
      async (trainer) => {
        await expect(reportsOf(trainer.fit(batches, { stepsPerSubmit: 4 }))).rejects.toThrow(
          new RegExp(`step ${end + 1},.*div`, 's'),
        );
        expect((await trainer.predict(take(bad.padded(pairs), 0, 3))).data.every(Number.isFinite)).toBe(true);
      },
      { loss, targets: ['target', 'weight'], data: specs },
    );
  });
});

test('a batch of a shape that the model does not take is refused with the model’s own words', async () => {
  const flat = (width: number): Dataset =>
    dataset({ x: { data: new Float32Array(4 * width), shape: [width] }, label: new Int32Array(4) });
  const trainer = await createTrainer({
    model: linear(3, 2),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 1 }),
    batchSize: 4,
    data: flat(3),
    backend: 'cpu',
  });
  await expect(reportsOf(trainer.fit([flat(3), flat(5)]))).rejects.toThrow(/\[linear\].*5/);
  trainer.destroy();
});
