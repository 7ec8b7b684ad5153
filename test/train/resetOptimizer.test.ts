// An optimizer that begins anew on weights as they are is one that was just made, to the last bit.

import { describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/data/index.ts';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  batchNorm,
  createTrainer,
  crossEntropy,
  linear,
  lion,
  muon,
  nadam,
  radam,
  reduceOnPlateau,
  relu,
  rmsprop,
  schedules,
  sequential,
  sgd,
  take,
  type LossOptions,
  type Optimizer,
  type Report,
  type Trainer,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { mortalDevice } from '../support/mortalDevice.ts';
import { limited } from '../support/otherDevice.ts';
import { clusters } from '../support/toy.ts';

type Place = 'cpu' | 'wasm' | 'webgpu' | 'webgpu, on pages';

const BATCH = 16;
const set = clusters(160, 3);
const batch = (at: number) => take(set, (at % 10) * BATCH, (at % 10) * BATCH + BATCH);

const placeOf = async (place: Place): Promise<Partial<LossOptions>> => {
  if (place === 'cpu' || place === 'wasm') return { backend: place };
  const device = await (place === 'webgpu' ? sharedDevice() : limited({ maxStorageBufferBindingSize: 2 ** 17 }));
  return { device, kernels: 'guess' };
};

/** So wide that there are two pages where a page has 128 KiB. */
async function made(place: Place, optimizer: Optimizer, options: Partial<LossOptions> = {}): Promise<Trainer> {
  const width = place === 'webgpu, on pages' ? 160 : 8;
  return createTrainer({
    model: sequential(
      linear(2, width),
      batchNorm(width),
      relu,
      linear(width, width),
      relu,
      linear(width, width),
      relu,
      linear(width, 3),
    ),
    loss: crossEntropy,
    batchSize: BATCH,
    seed: 3,
    data: set,
    optimizer,
    ...(await placeOf(place)),
    ...options,
  });
}

/** What steps leave, and what they report but their times and numbers. */
async function stepped(trainer: Trainer, first: number, count: number) {
  const reports: Pick<Report, 'loss' | 'metrics' | 'learningRate'>[] = [];
  for (let at = first; at < first + count; at++) {
    const { loss, metrics, learningRate } = await trainer.step(batch(at));
    reports.push({ loss, metrics, learningRate });
  }
  return { reports, ...(await leftOf(trainer)) };
}

/** All that training goes on from, but the steps and what only the host counts. */
async function leftOf(trainer: Trainer) {
  const { tensors } = readSafetensors('saved', await trainer.save());
  const moments = Object.entries(tensors).filter(([name]) => !/\.(?:control|ledger|rows)$/.test(name));
  return { moments: Object.fromEntries(moments) };
}

const STEPS = 5;

/** Steps, an optimizer that begins anew, and further steps: here, and by a trainer that was just made. */
async function bothWays(place: Place, optimizer: () => Optimizer, options: Partial<LossOptions> = {}) {
  const [trainer, fresh] = [await made(place, optimizer(), options), await made(place, optimizer(), options)];
  try {
    const before = await stepped(trainer, 0, STEPS);
    const parameters = await trainer.readParameters();
    await trainer.resetOptimizer();
    expect(await trainer.readParameters()).toEqual(parameters);
    await fresh.loadWeights(await trainer.saveWeights());
    expect(await leftOf(trainer)).toEqual(await leftOf(fresh));
    const [here, there] = [await stepped(trainer, STEPS, 6), await stepped(fresh, STEPS, 6)];
    return { before, here, there };
  } finally {
    trainer.destroy();
    fresh.destroy();
  }
}

const warmed = () => schedules.warmUp(schedules.cosine(0.05, { steps: 12 }), { steps: 3 });

const inAllPlaces: readonly (readonly [string, () => Optimizer])[] = [
  ['adam', () => adam({ learningRate: 0.02 })],
  ['sgd with momentum', () => sgd({ learningRate: 0.05, momentum: 0.9 })],
  [
    'adamw with a schedule, of gradients that are clipped',
    () => adamw({ learningRate: warmed(), clip: { norm: 0.5 } }),
  ],
];

describe.each(['cpu', 'wasm', 'webgpu', 'webgpu, on pages'] as const)('on %s', (place) => {
  test.each(inAllPlaces)('%s goes on as one that was just made', async (_, optimizer) => {
    const { before, here, there } = await bothWays(place, optimizer);
    expect(here).toEqual(there);
    expect(here.reports.map(({ learningRate }) => learningRate)[0]).toBe(before.reports[0].learningRate);
  });

  test('averages of the weights begin at what these are', async () => {
    const { here, there } = await bothWays(place, () => adam(), { averageWeights: { decay: 0.9 } });
    expect(here).toEqual(there);
    expect(Object.keys(here.moments).some((name) => name.includes('averages'))).toBe(true);
  });
});

test.each<readonly [string, () => Optimizer]>([
  ['rmsprop', () => rmsprop({ centered: true, momentum: 0.5 })],
  ['adagrad, whose sums begin above 0', () => adagrad({ initialAccumulator: 0.1, learningRateDecay: 0.1 })],
  ['adadelta', () => adadelta()],
  ['adamax', () => adamax()],
  ['nadam', () => nadam()],
  ['radam', () => radam()],
  ['lion', () => lion()],
  ['muon, and what has the rest', () => muon()],
])('%s goes on as one that was just made', async (_, optimizer) => {
  const { here, there } = await bothWays('cpu', optimizer);
  expect(here).toEqual(there);
});

test('so do the optimizers of all phases, and those of steps in parts', async () => {
  const phases = () => [
    { name: 'first', trains: ['layer0'], loss: crossEntropy, optimizer: adam({ learningRate: warmed() }) },
    { name: 'others', trains: ['layer3', 'layer5', 'layer7'], loss: crossEntropy, optimizer: sgd({ momentum: 0.9 }) },
  ];
  const several = { phases: phases(), loss: undefined, optimizer: undefined } as unknown as Partial<LossOptions>;
  for (const options of [several, { microBatches: 2 }]) {
    const { here, there } = await bothWays('cpu', () => adam(), options);
    expect(here).toEqual(there);
  }
});

test('a checkpoint from behind it goes on in the same bits', async () => {
  const optimizer = () => adamw({ learningRate: warmed() });
  const [trainer, other] = [await made('cpu', optimizer()), await made('cpu', optimizer())];
  await trainer.fit(set, { steps: 7 });
  await trainer.resetOptimizer();
  await trainer.fit(set, { steps: 2 });
  const { exact, step } = await other.load(await trainer.save());
  expect([exact, step]).toEqual([true, 9]);
  const ends = [];
  for (const each of [trainer, other]) {
    const { seconds: _, waited: __, ...report } = await each.fit(set, { steps: 4 });
    ends.push({ report, left: await leftOf(each) });
    each.destroy();
  }
  expect(ends[1]).toEqual(ends[0]);
  // Behind two steps and three more: the schedule's sixth, where the trainer's is the thirteenth.
  expect(ends[0].report).toMatchObject({ step: 13, learningRate: Math.fround(warmed()(5)) });
});

test("a file that says nothing of it is of an optimizer that counts the trainer's steps", async () => {
  const optimizer = () => adam({ learningRate: warmed() });
  const [trainer, other] = [await made('cpu', optimizer()), await made('cpu', optimizer())];
  await trainer.fit(set, { steps: 4 });
  await other.load(await trainer.save());
  expect((await other.fit(set, { steps: 1 })).learningRate).toBe(Math.fround(warmed()(4)));
  for (const each of [trainer, other]) each.destroy();
});

test('the stream of samples and the steps of reports go on', async () => {
  const [trainer, other] = [await made('cpu', sgd()), await made('cpu', sgd())];
  const reports = [];
  for (const each of [trainer, other]) {
    await each.fit(set, { steps: 13 });
    if (each === trainer) await each.resetOptimizer();
    const { seconds: _, waited: __, ...report } = await each.fit(set, { steps: 4 });
    reports.push(report);
    each.destroy();
  }
  // Without momentum and schedule there is nothing to begin anew.
  expect(reports[0]).toEqual(reports[1]);
  expect(reports[0]).toMatchObject({ step: 17 });
});

test('rates that a decision has lowered are whole again', async () => {
  const trainer = await made('cpu', sgd({ learningRate: 0.1 }));
  const lowering = reduceOnPlateau({ factor: 0.5, patience: 0, threshold: 0.99 });
  await trainer.fit(set, { steps: 6, decisions: [lowering], validateEvery: 1 });
  expect((await trainer.step(batch(0))).learningRate).toBeLessThan(0.1);
  await trainer.resetOptimizer();
  expect((await trainer.step(batch(0))).learningRate).toBe(Math.fround(0.1));
  trainer.destroy();
});

test('a rate that is given is that of the first step, and a schedule goes along', async () => {
  const [one, other] = [
    await made('cpu', adam({ learningRate: 0.02 })),
    await made('cpu', adam({ learningRate: 0.06 })),
  ];
  await one.resetOptimizer({ learningRate: 0.06 });
  const here = await stepped(one, 0, 3);
  const there = await stepped(other, 0, 3);
  expect(here.reports).toEqual(there.reports);
  const cosine = await made('cpu', sgd({ learningRate: schedules.cosine(0.1, { steps: 4 }) }));
  const rates = async () => (await stepped(cosine, 0, 3)).reports.map(({ learningRate }) => learningRate);
  const usual = await rates();
  await cosine.resetOptimizer({ learningRate: 0.3 });
  const thrice = await rates();
  thrice.forEach((rate, at) => expect(rate).toBeCloseTo(3 * usual[at], 6));
  await cosine.resetOptimizer();
  expect(await rates()).toEqual(usual);
  const rising = await made('cpu', sgd({ learningRate: (step) => 0.1 * step }));
  await expect(rising.resetOptimizer({ learningRate: 0.1 })).rejects.toThrow(
    /first learning rate is 0, which nothing multiplies to 0.1/,
  );
  for (const trainer of [one, other, cosine, rising]) trainer.destroy();
});

test('it is refused while a run goes on', async () => {
  const trainer = await made('cpu', adam());
  for await (const { step } of trainer.fit(set, { steps: 2 })) {
    if (step > 1) continue;
    await expect(trainer.resetOptimizer()).rejects.toThrow('[resetOptimizer] fit is still running on this trainer');
  }
  await trainer.resetOptimizer();
  trainer.destroy();
});

test('what is several pages has moments on each', async () => {
  const trainer = await made('webgpu, on pages', adam());
  expect(await trainer.graph()).toContain('state m 2 ←');
  trainer.destroy();
});

test('a device that is lost behind it is lost without a trace', async () => {
  let device = await mortalDevice(Infinity);
  const onDeviceLost = async () => (device = await mortalDevice(Infinity));
  const ends = [];
  for (const options of [{}, { device, onDeviceLost }]) {
    const trainer = await made('webgpu', adam({ learningRate: warmed() }), options);
    await trainer.fit(set, { steps: 4 });
    await trainer.resetOptimizer();
    if ('device' in options) device.destroy();
    const reports = [];
    for await (const report of trainer.fit(set, { steps: 3 })) reports.push(report);
    ends.push({ rates: reports.map(({ learningRate }) => learningRate), left: await leftOf(trainer) });
    expect(reports.some(({ recovered }) => recovered)).toBe('device' in options);
    trainer.destroy();
  }
  expect(ends[1]).toEqual(ends[0]);
});

test("steps in a host's encoder have the first rates again", async () => {
  const device = await sharedDevice();
  const trainer = await made('webgpu', adam({ learningRate: warmed() }));
  await trainer.prepare(set, { encodeStep: true });
  const rates = async (): Promise<readonly number[]> => {
    const encoder = device.createCommandEncoder();
    for (let at = 0; at < 4; at++) trainer.encodeStep(encoder);
    device.queue.submit([encoder.finish()]);
    return (await trainer.readReports()).map(({ learningRate }) => learningRate);
  };
  const first = await rates();
  await trainer.resetOptimizer();
  expect(await rates()).toEqual(first);
  trainer.destroy();
});
