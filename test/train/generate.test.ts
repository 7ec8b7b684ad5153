import { afterEach, describe, expect, test } from 'vitest';
import {
  adamw,
  createTrainer,
  crossEntropy,
  dataset,
  defineLayer,
  gather,
  linear,
  lstm,
  randomNormal,
  sequential,
  type LossOptions,
  type Trainer,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const VOCABULARY = 7;
const T = 12;

/** Texts in which each token follows from the two before it, so that a net must look back. */
const texts = (() => {
  const rows = Array.from({ length: 40 }, (_, n) => {
    const row = [n % VOCABULARY, (n * 3) % VOCABULARY];
    while (row.length <= T) row.push((row.at(-1)! + 2 * row.at(-2)! + 1) % VOCABULARY);
    return row;
  });
  return dataset({
    text: { data: Int32Array.from(rows.flatMap((row) => row.slice(0, T))), shape: [T] },
    target: { data: Int32Array.from(rows.flatMap((row) => row.slice(1))), shape: [T] },
  });
})();

const table = (width: number) =>
  defineLayer({
    name: 'table',
    parameters: { weight: { shape: [VOCABULARY, width], initial: randomNormal(0, 1) } },
    apply: (x, { weight }) => gather(weight, x),
  });

const recurrentModel = () => sequential(table(6), lstm(6, 16, { layers: 2 }), linear(16, VOCABULARY));

const opened: Trainer[] = [];
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.destroy();
});

const places = [
  ['CPU', async () => ({ backend: 'cpu' }) as const],
  ['WebGPU', async () => ({ device: await sharedDevice() })],
] as const;

async function trainerOf(place: object, options: Partial<LossOptions> = {}): Promise<Trainer> {
  const trainer = await createTrainer({
    model: recurrentModel(),
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 0.02 }),
    batchSize: 10,
    seed: 4,
    data: texts,
    ...place,
    ...options,
  });
  opened.push(trainer);
  return trainer;
}

const all = async (tokens: AsyncIterable<number>): Promise<number[]> => {
  const came: number[] = [];
  for await (const token of tokens) came.push(token);
  return came;
};

/** The likeliest token behind a text, by a prediction of all of it. */
async function likeliestBehind(trainer: Trainer, text: readonly number[]): Promise<number> {
  const window = Int32Array.from({ length: T }, (_, t) => text[t] ?? 0);
  const { data } = await trainer.predict(window);
  const row = data.subarray((text.length - 1) * VOCABULARY, text.length * VOCABULARY) as Float32Array;
  return row.indexOf(Math.max(...row));
}

describe.each(places)('on the %s', (_, place) => {
  test('the likeliest tokens are those that predictions of the growing text have', async () => {
    const trainer = await trainerOf(await place());
    await trainer.fit(texts, { epochs: 5 });
    const text = [1, 4, 0];
    const came = await all(trainer.generate(text, { tokens: T - 3, temperature: 0 }));
    for (const token of came) {
      expect(token).toBe(await likeliestBehind(trainer, text));
      text.push(token);
    }
    expect(text).toHaveLength(T);
  });
});
