// A set whose samples overlap is to a trainer what the same samples apart are.

import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { rows, take, textStream, type Dataset } from '../../src/data/index.ts';
import {
  adam,
  createTrainer,
  crossEntropy,
  defineLayer,
  gather,
  heNormal,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { limited } from '../support/otherDevice.ts';

const TOKENS = 7;
const context = 6;
/** More numbers than a buffer of 128 KiB has. */
const LONG = 70_000;
const textOf = (shift: number, length = 200) =>
  Int32Array.from({ length }, (_, at) => (at * at + (at >> 3) + shift) % TOKENS);
const { train, validation } = textStream(textOf(0), { context });
const apart = (set: Dataset): Dataset => rows(set, [...Array(set.length).keys()]);

/** The logits of the next token, by the one before. */
const table = defineLayer({
  parameters: { table: { shape: [TOKENS, TOKENS], initial: heNormal } },
  apply: (tokens: Value, bound) => gather(bound.table, tokens),
});

type Given = { readonly backend: 'cpu' } | { readonly device: Awaited<ReturnType<typeof sharedDevice>> };
const places: readonly (readonly [string, () => Promise<Given>])[] = [
  ['CPU', async () => ({ backend: 'cpu' })],
  ['GPU', async () => ({ device: await sharedDevice() })],
];

async function trainerOn(given: Given, data: Dataset): Promise<Trainer> {
  const options = { model: table, loss: crossEntropy, optimizer: adam({ learningRate: 0.1 }), batchSize: 8, seed: 3 };
  const trainer = await createTrainer({ ...options, data, ...given });
  onTestFinished(() => trainer.destroy());
  return trainer;
}

/** Losses of steps across the end of an epoch, and what the model then is judged by and predicts. */
async function seen(trainer: Trainer, [set, other]: readonly [Dataset, Dataset]) {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(set, { steps: 30, validation: other })) losses.push(loss);
  const { data } = await trainer.predict(take(set, 3, 9));
  const { loss } = await trainer.step(take(set, 5, 13));
  return { losses, judged: await trainer.evaluate(other), predicted: [...data], loss };
}

test.each(places)(
  'on the %s a set whose samples overlap gives the same bits as its samples apart',
  async (_, given) => {
    const overlapping = await seen(await trainerOn(await given(), train), [train, validation]);
    expect(overlapping).toEqual(await seen(await trainerOn(await given(), train), [apart(train), apart(validation)]));
    expect(overlapping.losses.at(-1)).toBeLessThan(overlapping.losses[0]);
  },
);

test('where no buffer holds it, it lies in several that overlap, is verified, and taken anew', async () => {
  const numbers = textOf(0, LONG);
  const set = textStream(numbers, { context }).train;
  const parts = await trainerOn({ device: await limited({ maxStorageBufferBindingSize: 2 ** 17 }) }, set);
  const whole = await trainerOn({ device: await sharedDevice() }, set);
  const learned = async (trainer: Trainer) => {
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(set, { steps: 40 })) losses.push(loss);
    const { ok } = await trainer.verify(take(set, 0, 8));
    const { data } = await trainer.predict(set);
    return { losses, ok, predicted: digestOf(data) };
  };
  const first = await learned(parts);
  expect(first).toEqual(await learned(whole));
  numbers.set(textOf(3, LONG));
  for (const trainer of [parts, whole]) await trainer.refresh(set);
  const second = await learned(parts);
  expect(second).toEqual(await learned(whole));
  expect(second.predicted).not.toBe(first.predicted);
});
