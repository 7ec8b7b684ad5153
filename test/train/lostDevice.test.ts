// A device that is lost costs seconds, and nothing else: the run ends in the bits of one that was not disturbed.

import { create } from 'webgpu';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { Random } from '../../src/core/random.ts';
import {
  adamw,
  createTrainer,
  crossEntropy,
  dataset,
  DeviceError,
  dropout,
  earlyStop,
  linear,
  relu,
  sequential,
  type LossOptions,
  type Report,
  type Trainer,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { mortalDevice, MortalDevices } from '../support/mortalDevice.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(200, 3, 1, 4);
const judges = clusters(70, 3, 2, 4);

const trainerOn = (options: Partial<LossOptions>): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(4, 8), relu, dropout(0.3), linear(8, 3)),
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 0.01 }),
    averageWeights: { decay: 0.9 },
    batchSize: 16,
    seed: 3,
    ...options,
  });

interface Outcome {
  readonly reports: readonly Report[];
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly told: readonly string[];
}

/** A run with all that a trainer does beside it; only clocks are left out. */
async function outcomeOf(trainer: Trainer, heard: (step: number) => unknown = () => {}): Promise<Outcome> {
  const reports: Report[] = [];
  const told: string[] = [];
  for await (const report of trainer.fit(set, {
    epochs: 6,
    validation: judges,
    stepsPerSubmit: 4,
    decisions: [earlyStop({ patience: 50, restoreBest: true })],
  })) {
    const { recovered, ...rest } = report;
    if (recovered) told.push(recovered);
    reports.push({ ...rest, seconds: 0, waited: 0 });
    heard(report.step);
    if (report.step === 20) await trainer.evaluate(judges);
    if (report.step === 30) await trainer.predict(judges);
  }
  return { reports, weights: await trainer.readParameters(), told };
}

const opened: Trainer[] = [];

afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.destroy();
});

/** A trainer on a device that can be destroyed at will, and those that take its place. */
async function losable(options: Partial<LossOptions> = {}): Promise<{ trainer: Trainer; lose: () => void }> {
  let device = await mortalDevice(Infinity);
  const onDeviceLost = async () => (device = await mortalDevice(Infinity));
  const trainer = await trainerOn({ device, onDeviceLost, ...options });
  opened.push(trainer);
  return { trainer, lose: () => device.destroy() };
}

/** The same, undisturbed. */
async function calm(options: Partial<LossOptions> = {}): Promise<Trainer> {
  const trainer = await trainerOn({ device: await sharedDevice(), ...options });
  opened.push(trainer);
  return trainer;
}

const batch = { point: set.fields['point'].data.slice(0, 64), label: set.fields['label'].data.slice(0, 16) };

test('a run ends in the same bits, at whatever calls its devices are lost, with every report once', async () => {
  const { reports, weights } = await outcomeOf(await calm());
  let lost = 0;
  const told: string[] = [];
  for (let seed = 0; seed < Number(process.env['MILLRACE_LOSSES'] ?? 9) / 3; seed++) {
    const devices = new MortalDevices(new Random(seed, 'losses'), 3, [1, 400]);
    const trainer = await trainerOn({ device: await devices.first(), onDeviceLost: devices.next });
    const found = await outcomeOf(trainer);
    trainer.destroy();
    lost += devices.lost;
    expect(found.reports).toEqual(reports);
    expect(found.weights).toEqual(weights);
    told.push(...found.told);
  }
  expect(lost).toBeGreaterThan(3);
  for (const how of told) expect(how).toMatch(/ was lost \(.+\): training goes on on .+ after [\d.]+ s$/);
  // One that is lost behind the last report is told of by the next run.
  expect(told.length).toBeGreaterThan(0);
});

describe('with snapshots between', () => {
  // Seconds pass a thousand times as fast, so that there is one whenever something has arrived.
  beforeEach(() => {
    const { now } = Date;
    vi.spyOn(Date, 'now').mockImplementation(() => 1e4 * now());
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('a run ends in the same bits', async () => {
    const { reports, weights } = await outcomeOf(await calm());
    let lost = 0;
    for (let seed = 10; seed < 10 + Number(process.env['MILLRACE_LOSSES'] ?? 9) / 3; seed++) {
      const devices = new MortalDevices(new Random(seed, 'losses'), 3, [1, 400]);
      const trainer = await trainerOn({ device: await devices.first(), onDeviceLost: devices.next });
      const found = await outcomeOf(trainer);
      trainer.destroy();
      lost += devices.lost;
      expect(found.reports).toEqual(reports);
      expect(found.weights).toEqual(weights);
    }
    expect(lost).toBeGreaterThan(3);
  });

  test('a failure holds the last one, from which another trainer goes on', async () => {
    const { reports, weights } = await outcomeOf(await calm());
    const device = await mortalDevice(Infinity);
    const trainer = await trainerOn({ device });
    opened.push(trainer);
    const failure = await outcomeOf(trainer, (step) => step === 40 && device.destroy()).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DeviceError);
    const again = await calm({ data: set });
    const { exact, step } = await again.load((failure as DeviceError).checkpoint!);
    expect(exact).toBe(true);
    expect(step).toBeGreaterThan(0);
    const rest = await outcomeOf(again);
    expect(rest.reports).toEqual(reports.slice(-rest.reports.length));
    expect(rest.weights).toEqual(weights);
  });
});

describe('a device that is lost in the middle of', () => {
  test('an evaluation, a prediction, a verification, an inspection, a profile and a checkpoint', async () => {
    const { trainer, lose } = await losable();
    const other = await calm();
    for (const each of [trainer, other]) await each.fit(set, { steps: 5 });
    const during = async <T>(work: (each: Trainer) => Promise<T>): Promise<void> => {
      const found = work(trainer);
      lose();
      expect(await found).toEqual(await work(other));
    };
    await during((each) => each.evaluate(judges));
    await during((each) => each.predict(judges));
    await during((each) => each.inspect(batch, { update: true }));
    await during(async (each) => (await each.verify(batch)).fault ?? null);
    await during(async (each) => (await each.profile(2)).launches.length);
    await during((each) => each.readParameters());
    await during(async (each) => digestOf(await each.save()));
    // None of it has left a trace.
    await during((each) =>
      each.fit(set, { steps: 7, every: 100 }).then((report) => ({ ...report, seconds: 0, recovered: '' })),
    );
    expect(await trainer.readParameters()).toEqual(await other.readParameters());
  });

  test("steps on batches of one's own, and a run over an iterable of them", async () => {
    const { trainer, lose } = await losable({ data: set });
    const other = await calm({ data: set });
    const batches = (lost: () => void) =>
      (function* () {
        for (let at = 0; at < 40; at++) {
          if (at === 23) lost();
          yield { point: set.fields['point'].data.map((x) => x + at).slice(0, 64), label: batch.label };
        }
      })();
    const outcome = async (each: Trainer, lost: () => void) => {
      const losses: number[] = [];
      losses.push((await each.step(batch)).loss);
      const step = each.step(batch);
      lost();
      losses.push((await step).loss);
      for await (const { loss } of each.fit(batches(lost))) losses.push(loss);
      return losses;
    };
    expect(await outcome(trainer, lose)).toEqual(await outcome(other, () => {}));
    expect(await trainer.readParameters()).toEqual(await other.readParameters());
  });
});

describe('a device of its own', () => {
  const gpu = create([]);
  /** What is asked for next gives; a device, where none of these is left. */
  const answers: ('no adapter' | 'no device')[] = [];
  /** For longer than anybody waits. */
  const gone = Array.from({ length: 100 }, () => 'no adapter' as const);
  let device: GPUDevice;

  async function requestAdapter(): Promise<unknown> {
    const answer = answers.shift();
    if (answer === 'no adapter') return null;
    const adapter = (await gpu.requestAdapter())!;
    const requestDevice = async (descriptor: GPUDeviceDescriptor): Promise<GPUDevice> => {
      if (answer === 'no device') throw new DOMException('the GPU process is gone', 'OperationError');
      return (device = await adapter.requestDevice(descriptor));
    };
    // Of a card: left to choose, a trainer would not take one that a CPU plays.
    const info = { vendor: '', architecture: '', device: '', description: 'a card' };
    return { info, features: adapter.features, limits: adapter.limits, requestDevice };
  }

  beforeEach(() => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter } });
    // Seconds pass a hundred times as fast.
    const { setTimeout } = globalThis;
    vi.stubGlobal('setTimeout', (done: () => void, ms = 0) => setTimeout(done, ms / 100));
  });
  afterEach(() => {
    answers.splice(0);
    vi.unstubAllGlobals();
  });

  async function lostAtStep9(trainer: Trainer): Promise<Outcome> {
    opened.push(trainer);
    return outcomeOf(trainer, (step) => step === 9 && device.destroy());
  }

  test('is asked for again while a browser has no adapter, or one that opens no more', async () => {
    const { reports, weights } = await outcomeOf(await calm());
    const trainer = await trainerOn({});
    answers.push('no adapter', 'no device', 'no adapter');
    const found = await lostAtStep9(trainer);
    expect(answers).toEqual([]);
    expect(found.reports).toEqual(reports);
    expect(found.weights).toEqual(weights);
    expect(found.told).toHaveLength(1);
  });

  test('that does not come back gives way to the CPU where auto allows it', async () => {
    const { reports } = await outcomeOf(await calm());
    const trainer = await trainerOn({ backend: 'auto' });
    expect(trainer.fallback).toBeNull();
    answers.push(...gone);
    const found = await lostAtStep9(trainer);
    expect(trainer.backend).toBe('wasm');
    expect(trainer.fallback).toMatch('WebGPU found no adapter');
    expect(found.reports.map(({ step }) => step)).toEqual(reports.map(({ step }) => step));
    for (const [at, { loss }] of found.reports.entries()) expect(loss).toBeCloseTo(reports[at].loss, 4);
  });

  test('that does not come back is missed where the CPU may not go on', async () => {
    const trainer = await trainerOn({});
    answers.push(...gone);
    await expect(lostAtStep9(trainer)).rejects.toThrow(
      /was lost \(.+\), and no other takes its place \(\[device\] WebGPU found no adapter/,
    );
  });
});

describe('where no other device comes', () => {
  test('whoever waits is told, and so are later calls', async () => {
    const device = await mortalDevice(Infinity);
    const trainer = await trainerOn({ device });
    opened.push(trainer);
    const failed = /was lost \(.+\), and no other takes its place \(it is the caller's, who gave no onDeviceLost\)/;
    const lostInLoop = async (): Promise<void> => {
      for await (const { step } of trainer.fit(set, { steps: 400 })) if (step === 3) device.destroy();
    };
    await expect(lostInLoop()).rejects.toThrow(failed);
    await expect(trainer.evaluate(set)).rejects.toThrow(DeviceError);
    await expect(trainer.step(batch)).rejects.toThrow(failed);
  });

  test('the CPU goes on where auto allows it', async () => {
    const device = await mortalDevice(Infinity);
    const trainer = await trainerOn({ device, backend: 'auto' });
    opened.push(trainer);
    const reports: Report[] = [];
    for await (const report of trainer.fit(set, { steps: 30, stepsPerSubmit: 2 })) {
      if (report.step === 9) device.destroy();
      reports.push(report);
    }
    expect(trainer.backend).toBe('wasm');
    expect(trainer.fallback).toBe("its device was lost, and it is the caller's, who gave no onDeviceLost");
    expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
    const other = await trainerOn({ backend: 'cpu', data: set });
    opened.push(other);
    for (const [at, { loss }] of (await all(other.fit(set, { steps: 30 }))).entries()) {
      expect(reports[at].loss).toBeCloseTo(loss, 4);
    }
  });

  test('an array that its owner has changed since is named', async () => {
    const point = set.fields['point'].data.slice();
    const own = dataset({ point: { data: point, shape: [4] }, label: set.fields['label'].data });
    const { trainer, lose } = await losable();
    await trainer.fit(own, { steps: 3 });
    point[7] += 1;
    lose();
    await expect(trainer.fit(own, { steps: 3 })).rejects.toThrow('the array of "point" is no longer what it was');
  });
});

async function all(reports: AsyncIterable<Report>): Promise<Report[]> {
  const found: Report[] = [];
  for await (const report of reports) found.push(report);
  return found;
}
