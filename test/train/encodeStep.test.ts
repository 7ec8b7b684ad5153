// A guest in a host's frame: steps in the host's encoder are the steps that the trainer would take.

import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import {
  adamw,
  batchNorm,
  createTrainer,
  crossEntropy,
  DataError,
  DeviceError,
  dropout,
  linear,
  relu,
  requestDevice,
  sequential,
  type Dataset,
  type GivenSamples,
  type LossOptions,
  type Report,
  type Trainer,
} from '../../src/index.ts';
import { counting } from '../support/counting.ts';
import { clusters } from '../support/toy.ts';

const [BATCH, STEPS] = [16, 10];
const set = clusters(BATCH * 12 + 5, 3, 1, 4);
let device: GPUDevice;
/** What the host's own handler was told. */
const errors: string[] = [];

beforeAll(async () => {
  device = await requestDevice();
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
});
afterAll(() => device.destroy());
afterEach(() => {
  if (errors.length > 0) throw new Error(`the host was told: ${errors.splice(0).join('; ')}`);
});

const trainerOn = (options: Partial<LossOptions> = {}): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(4, 8), batchNorm(8), relu, dropout(0.3), linear(8, 3)),
    loss: crossEntropy,
    optimizer: adamw({ learningRate: (step) => 0.02 / (1 + step) }),
    averageWeights: { decay: 0.9 },
    batchSize: BATCH,
    seed: 3,
    data: set,
    device,
    ...options,
  });

/** What is left of a trainer: all that it goes on from, and what it reported, without clocks. */
async function outcomeOf(trainer: Trainer, reports: readonly Report[]) {
  const { step, loss, learningRate, metrics } = reports[reports.length - 1];
  return {
    file: await trainer.saveWeights(),
    parameters: await trainer.readParameters(),
    step,
    loss,
    learningRate,
    metrics,
  };
}

/** Samples of a set in their own order. */
const batchAt = ({ fields }: Dataset, at: number): GivenSamples => ({
  point: fields.point.data.slice(at * BATCH * 4, (at + 1) * BATCH * 4),
  label: fields.label.data.slice(at * BATCH, (at + 1) * BATCH),
});

/** Steps in one encoder of the host's. */
function encoded(trainer: Trainer, count: number): GPUCommandBuffer {
  const encoder = device.createCommandEncoder({ label: "the host's frame" });
  for (let at = 0; at < count; at++) trainer.encodeStep(encoder);
  return encoder.finish();
}

async function toldOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing';
}

describe('steps in an encoder', () => {
  let trainer: Trainer;
  beforeEach(async () => {
    trainer = await trainerOn();
  });
  afterEach(() => trainer.destroy());

  test('ten of them are ten calls of step, in the same bits', async () => {
    const reports: Report[] = [];
    for (let at = 0; at < STEPS; at++) reports.push(await trainer.step(batchAt(set, at)));
    const stepped = await outcomeOf(trainer, reports);
    const guest = await trainerOn();
    await guest.prepare(set, { encodeStep: { shuffle: false } });
    device.queue.submit([encoded(guest, STEPS)]);
    const read = await guest.readReports();
    expect(read.map(({ step, loss }) => [step, loss])).toEqual(reports.map(({ step, loss }) => [step, loss]));
    expect(await outcomeOf(guest, read)).toEqual(stepped);
    guest.destroy();
  });

  test('shuffled, and over the end of an epoch, they are those of fit', async () => {
    const fitted: Report[] = [];
    for await (const report of trainer.fit(set, { steps: 30 })) fitted.push(report);
    const guest = await trainerOn();
    await guest.prepare(set, { encodeStep: true });
    const read: Report[] = [];
    for (const count of [1, 7, 22]) {
      device.queue.submit([encoded(guest, count)]);
      read.push(...(await guest.readReports()));
    }
    expect(read.map(({ epoch }) => epoch)).toEqual(fitted.map(({ epoch }) => epoch));
    expect(read.map(({ metrics }) => metrics)).toEqual(fitted.map(({ metrics }) => metrics));
    expect(await outcomeOf(guest, read)).toEqual(await outcomeOf(trainer, fitted));
    guest.destroy();
  });

  test('an encoder that is dropped leaves no trace', async () => {
    await trainer.prepare(set, { encodeStep: true });
    const before = await trainer.save();
    encoded(trainer, 5);
    expect(await trainer.readReports()).toEqual([]);
    expect(await trainer.save()).toEqual(before);
    device.queue.submit([encoded(trainer, 2)]);
    encoded(trainer, 3);
    device.queue.submit([encoded(trainer, 1)]);
    expect((await trainer.readReports()).map(({ step }) => step)).toEqual([1, 2, 3]);
    const kept = await outcomeOf(trainer, [await trainer.fit(set, { steps: 4 })]);
    const other = await trainerOn();
    expect(await outcomeOf(other, [await other.fit(set, { steps: 7 })])).toEqual(kept);
    other.destroy();
  });

  test('encoding submits, uploads, maps and makes nothing', async () => {
    await trainer.prepare(set, { encodeStep: true });
    const encoder = device.createCommandEncoder();
    const { dispatchWorkgroups, beginComputePass, ...others } = await counting(device, async () => {
      for (let at = 0; at < STEPS; at++) trainer.encodeStep(encoder);
    });
    expect({ dispatchWorkgroups, beginComputePass }).toEqual({
      dispatchWorkgroups: STEPS * trainer.launchesPerStep,
      beginComputePass: STEPS,
    });
    expect(Object.values(others).every((count) => count === 0)).toBe(true);
    device.queue.submit([encoder.finish()]);
    expect(await trainer.readReports()).toHaveLength(STEPS);
  });

  test('other calls go on behind them, and they behind other calls', async () => {
    await trainer.prepare(set, { encodeStep: true });
    device.queue.submit([encoded(trainer, 3)]);
    // Nobody has read what became of the three.
    expect((await trainer.fit(set, { steps: 4 })).step).toBe(7);
    device.queue.submit([encoded(trainer, 2)]);
    const saved = await trainer.save();
    await trainer.verify(batchAt(set, 0));
    await trainer.evaluate(set);
    device.queue.submit([encoded(trainer, 3)]);
    await trainer.load(saved);
    device.queue.submit([encoded(trainer, 3)]);
    const reports = await trainer.readReports();
    expect(reports.map(({ step }) => step)).toEqual([1, 2, 3, 8, 9, 10, 11, 12, 10, 11, 12]);
    expect(reports.slice(5, 8).map(({ loss }) => loss)).toEqual(reports.slice(8).map(({ loss }) => loss));
    const plain = await trainerOn();
    const fitted = await plain.fit(set, { steps: 12 });
    expect(await outcomeOf(trainer, reports)).toEqual(await outcomeOf(plain, [fitted]));
    plain.destroy();
  });

  test('more of them than the tables have rows are those of fit', { timeout: 300_000 }, async () => {
    const small = await trainerOn({ batchSize: 4 });
    await small.prepare(set, { encodeStep: true });
    const read: Report[] = [];
    for (let at = 0; at < 9; at++) {
      device.queue.submit([encoded(small, 500)]);
      read.push(...(await small.readReports()));
    }
    expect(read.map(({ step }) => step)).toEqual(Array.from({ length: 4500 }, (_, at) => at + 1));
    const plain = await trainerOn({ batchSize: 4 });
    const fitted: Report[] = [];
    for await (const report of plain.fit(set, { steps: 4500 })) fitted.push(report);
    expect(read.map(({ loss }) => loss)).toEqual(fitted.map(({ loss }) => loss));
    expect(await outcomeOf(small, read)).toEqual(await outcomeOf(plain, fitted));
    small.destroy();
    plain.destroy();
  });

  test('prepared while a run goes on, they leave it where it is in its own set', async () => {
    const other = clusters(BATCH * 7 + 3, 3, 2, 4);
    const whole = await trainer.fit(other, { steps: 20 });
    const middle = await trainerOn();
    let saved: Uint8Array | undefined;
    for await (const { step } of middle.fit(other, { steps: 20, stepsPerSubmit: 1 })) {
      if (step !== 5) continue;
      await middle.prepare(set, { encodeStep: true });
      saved = await middle.save();
    }
    const resumed = await trainerOn();
    await resumed.load(saved!);
    expect(await outcomeOf(resumed, [await resumed.fit(other, { steps: 20 })])).toEqual(
      await outcomeOf(trainer, [whole]),
    );
    middle.destroy();
    resumed.destroy();
  });

  test('a bad one is left out, and says so', async () => {
    const bad = await trainerOn({ optimizer: adamw({ learningRate: 1e38 }) });
    await bad.prepare(set, { encodeStep: true });
    device.queue.submit([encoded(bad, 6)]);
    const reports = await bad.readReports();
    expect(reports.some(({ skipped }) => skipped)).toBe(true);
    const stepped: Report[] = [];
    for await (const report of (await trainerOn({ optimizer: adamw({ learningRate: 1e38 }) })).fit(set, {
      steps: 6,
      onNaN: 'skip',
    })) {
      stepped.push(report);
    }
    expect(reports.map(({ skipped }) => skipped)).toEqual(stepped.map(({ skipped }) => skipped));
    bad.destroy();
  });

  test('who is told of what could be wrong is told before anything is recorded', async () => {
    const encoder = device.createCommandEncoder();
    expect(await toldOf(() => trainer.encodeStep(encoder))).toMatch(/^DataError: \[encodeStep\] no set is ready/);
    expect(await toldOf(() => trainer.readReports())).toMatch(/^DataError: \[readReports\] no set is ready/);
    await trainer.prepare(set, { encodeStep: true });
    const pass = encoder.beginComputePass();
    expect(await toldOf(() => trainer.encodeStep(pass as never))).toMatch(/must be a GPUCommandEncoder/);
    pass.end();
    const run = trainer.fit(set, { steps: 50, stepsPerSubmit: 1 });
    await run.next();
    expect(await toldOf(() => trainer.encodeStep(encoder))).toMatch(/^DataError: \[encodeStep\] fit is still running/);
    await trainer.stop();
    for (let at = 0; at < 1024; at++) trainer.encodeStep(device.createCommandEncoder());
    expect(await toldOf(() => trainer.encodeStep(encoder))).toMatch(
      /^DataError: \[encodeStep\] 1024 steps were encoded/,
    );
    expect(await trainer.readReports()).toEqual([]);
    trainer.encodeStep(encoder);
    device.queue.submit([encoder.finish()]);
    expect(await trainer.readReports()).toHaveLength(1);
  });

  test('without a learning rate there is no step', async () => {
    const short = await trainerOn({ optimizer: adamw({ learningRate: (step) => (step < 3 ? 0.01 : NaN) }) });
    await short.prepare(set, { encodeStep: true });
    const encoder = device.createCommandEncoder();
    for (let at = 0; at < 3; at++) short.encodeStep(encoder);
    expect(await toldOf(() => short.encodeStep(encoder))).toMatch(
      /^DataError: \[adamw\] the learning rate at step 3 is NaN/,
    );
    device.queue.submit([encoder.finish()]);
    expect(await short.readReports()).toHaveLength(3);
    short.destroy();
  });

  test('a pass that the host left open is named by the encoder, with ours', async () => {
    await trainer.prepare(set, { encodeStep: true });
    const encoder = device.createCommandEncoder();
    encoder.beginComputePass({ label: "the host's shadows" });
    trainer.encodeStep(encoder);
    device.pushErrorScope('validation');
    encoder.finish();
    const message = (await device.popErrorScope())?.message;
    expect(message).toContain("the host's shadows");
    expect(await trainer.readReports()).toEqual([]);
  });

  test('a device that was lost takes nothing, and its heir goes on', async () => {
    const own = await requestDevice();
    let heir: GPUDevice | undefined;
    const lasting = await trainerOn({ device: own, onDeviceLost: async () => (heir = await requestDevice()) });
    await lasting.prepare(set, { encodeStep: true });
    const frame = (on: GPUDevice): void => {
      const encoder = on.createCommandEncoder();
      lasting.encodeStep(encoder);
      on.queue.submit([encoder.finish()]);
    };
    frame(own);
    expect(await lasting.readReports()).toHaveLength(1);
    own.destroy();
    await own.lost;
    expect(await toldOf(() => frame(own))).toMatch(/^DeviceError: \[encodeStep\] .* was lost/);
    expect(await lasting.evaluate(set)).toHaveProperty('loss');
    frame(heir!);
    const [report] = await lasting.readReports();
    expect(report.recovered).toMatch(/goes on/);
    lasting.destroy();
    heir!.destroy();
  });

  test('there are none on the CPU, nor once the trainer is destroyed', async () => {
    const cpu = await trainerOn({ backend: 'cpu', device: undefined });
    await cpu.prepare(set, { encodeStep: true });
    const encoder = device.createCommandEncoder();
    await expect(async () => cpu.encodeStep(encoder)).rejects.toThrow(DeviceError);
    cpu.destroy();
    await expect(async () => cpu.encodeStep(encoder)).rejects.toThrow(DeviceError);
    await expect(async () =>
      trainer.prepare({ point: set.fields.point } as never, { encodeStep: true }),
    ).rejects.toThrow(DataError);
  });
});
