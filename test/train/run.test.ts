// A share of each frame: one submit in each, of the steps that fit, until somebody says stop.

import { describe, expect, test } from 'vitest';
import { adam, createTrainer, crossEntropy, linear, type Report, type Trainer } from '../../src/index.ts';
import { SubmitLength } from '../../src/train/runs/submitLength.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(64, 3);

const trainerOn = async (options: object = {}): Promise<Trainer> =>
  createTrainer({
    model: linear(2, 3),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.01 }),
    batchSize: 8,
    data: set,
    device: await sharedDevice(),
    ...options,
  });

/** Frames that come when the test says so. */
function frames() {
  const waiting: (() => void)[] = [];
  return {
    asked: () => waiting.length,
    frame: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    async next(): Promise<void> {
      await expect.poll(() => waiting.length).toBeGreaterThan(0);
      waiting.splice(0).forEach((resolve) => resolve());
    },
  };
}

describe('run', () => {
  test('submits once in each frame, and goes on until it is stopped, as fit would have', async () => {
    const trainer = await trainerOn();
    const { frame, next } = frames();
    const reports: Report[] = [];
    const run = trainer.run(set, { budgetMs: 5, frame });
    const ended = (async () => {
      for await (const report of run) reports.push(report);
    })();
    await expect.poll(() => reports.length).toBeGreaterThan(0);
    const before = trainer.submits;
    const seen = reports.length;
    await new Promise((resolve) => void setTimeout(resolve, 50));
    // Without a frame nothing is submitted.
    expect([trainer.submits, reports.length]).toEqual([before, seen]);
    for (let at = 1; at <= 3; at++) {
      await next();
      await expect.poll(() => trainer.submits).toBe(before + at);
    }
    // A page that is hidden has no frames, and still it ends.
    await trainer.stop();
    await ended;
    expect(trainer.submits).toBe(before + 3);
    expect(reports.length).toBeGreaterThan(3);
    expect(reports.map(({ step }) => step)).toEqual(reports.map((_, at) => at + 1));
    const fitted = await trainerOn();
    const last = await fitted.fit(set, { steps: reports.length });
    expect(last.loss).toBe(reports.at(-1)!.loss);
    expect(await trainer.readParameters()).toEqual(await fitted.readParameters());
    trainer.destroy();
    fitted.destroy();
  });

  test('goes on where another one stopped, and fit may have a share of frames too', async () => {
    const trainer = await trainerOn();
    const run = trainer.run(set);
    await run.next();
    await trainer.stop();
    const { step } = await run;
    const after = await trainer.fit(set, { steps: 5, budgetMs: 3, frame: async () => {} });
    expect(after.step).toBe(step + 5);
    trainer.destroy();
  });

  test.each([
    [{ budgetMs: 0 }, /budgetMs is 0 but must be above 0/],
    [{ budgetMs: '6' }, /budgetMs is the text "6"/],
    [{ frame: 7 }, /frame is 7 but must be a function/],
    [{ steps: 3 }, /steps/],
  ])('does not take %j', async (options, says) => {
    const trainer = await trainerOn({ backend: 'cpu', device: undefined });
    expect(() => trainer.run(set, options as never)).toThrow(says);
    expect(() => trainer.run([] as never)).toThrow(/data set/);
    trainer.destroy();
  });
});

test('so many steps go into a submit as the last ones of them say that fit, one that was disturbed aside', () => {
  const length = new SubmitLength('auto', 1000, 0.006);
  expect(length.steps).toBe(1);
  for (const steps of [4, 12, 12]) {
    length.took(length.steps, length.steps * 0.0005);
    expect(length.steps).toBe(steps);
  }
  length.took(12, 0.1);
  expect(length.steps).toBe(12);
  length.took(12, 0.012);
  expect(length.steps).toBe(6);
  length.took(6, 0.012);
  expect(length.steps).toBe(3);
  length.took(6, 0.06);
  length.took(6, 0.06);
  expect(length.steps).toBe(1);
});
