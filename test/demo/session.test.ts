// What the page's worker makes of a visitor's files, without the page.

import { expect, test } from 'vitest';
import { readSafetensors, syntheticDigits } from '../../src/data/index.ts';
import { summarize } from '../../src/gpu/device.ts';
import { createTrainer, crossEntropy, take } from '../../src/index.ts';
import type { Happening, Opened } from '../../src/demo/protocol.ts';
import { networkOf, optimizerOf } from '../../src/demo/worker/network.ts';
import { formatNotes } from '../../src/demo/worker/checkpointNotes.ts';
import { Session } from '../../src/demo/worker/session.ts';
import { formatSettings, SETTINGS_KEY, usualSettings, type Settings } from '../../src/demo/settings.ts';
import { sharedDevice } from '../support/device.ts';

const settings: Settings = { ...usualSettings, layers: [9], batch: 32, seed: 4 };

/** A session, and what it tells next of a kind. */
function openSession() {
  const told: Happening[] = [];
  let wake = (): void => {};
  const session = new Session((happening) => {
    told.push(happening);
    wake();
  });
  const next = async <K extends Happening['kind']>(kind: K): Promise<Extract<Happening, { kind: K }>> => {
    for (;;) {
      const at = told.findIndex((one) => one.kind === kind || one.kind === 'wrong');
      const [found] = at < 0 ? [] : told.splice(0, at + 1).slice(-1);
      if (found?.kind === 'wrong') throw new Error(found.message);
      if (found) return found as Extract<Happening, { kind: K }>;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const open = (bytes: Uint8Array<ArrayBuffer>): Promise<Opened> => {
    session.receive({ kind: 'load', file: new File([bytes], 'kept.safetensors') });
    return next('loaded');
  };
  return { session, next, open };
}

test('a file goes on with the kernels that it was saved with, and says what is not as it was', async () => {
  const drawn = { ...(await syntheticDigits({ train: 6000, test: 1000, seed: 0 })), title: 'synthetic digits' };
  const halves = { ...drawn, warning: '' };
  // Otherwise than the page would choose, which rounds otherwise.
  const device = await sharedDevice();
  const trainer = await createTrainer({
    model: networkOf(settings),
    loss: crossEntropy,
    optimizer: optimizerOf(settings),
    batchSize: settings.batch,
    seed: settings.seed,
    data: halves.train,
    device,
    kernels: { adapter: summarize(device).name, forms: { '*': 'naive' } },
  });
  await trainer.fit(halves.train, { steps: 5 });
  const run = { before: 100, epochsBefore: 0.25 };
  const file = await trainer.save(formatNotes(settings, halves, run));
  const elsewhere = { ...halves, title: 'MNIST', train: take(halves.train, 1, 6000) };
  const ofOthers = await trainer.save(formatNotes(settings, elsewhere, run));
  const weights = await trainer.saveWeights({ [SETTINGS_KEY]: formatSettings(settings) });
  await trainer.fit(halves.train, { steps: 1 });
  const unbroken = await trainer.save();
  trainer.destroy();

  const { session, next, open } = openSession();
  const opened = { kind: 'loaded', name: 'kept.safetensors', search: formatSettings(settings) };
  const wentOn = { ...opened, goesOn: true, step: 105, epoch: 0.25 + (5 * 32) / halves.train.length };
  expect(await open(file)).toEqual({ ...wentOn, why: [] });
  session.receive({ kind: 'step' });
  session.receive({ kind: 'save' });
  const { bytes } = await next('saved');
  const [found, expected] = [bytes, unbroken].map((one) => readSafetensors('saved', one).tensors);
  expect(found).toEqual(expected);

  const why = ['it learned from MNIST, and goes on with synthetic digits: bring those first, and open it again'];
  expect(await open(ofOthers)).toEqual({ ...wentOn, why });
  const alone = { ...opened, goesOn: false, step: 0, epoch: 0 };
  expect(await open(weights)).toEqual({ ...alone, why: ['it holds weights alone'] });
  await next('probe');

  // What goes on under other settings counts on.
  session.receive({ kind: 'step' });
  const { epoch } = await next('taken');
  session.receive({ kind: 'configure', settings: { ...settings, batch: 64 }, keep: true });
  await next('made');
  session.receive({ kind: 'step' });
  expect((await next('taken')).epoch).toBe(epoch + 64 / halves.train.length);
  // Nothing is compiled any more.
  await next('probe');
});
