// A model whose parameters exceed what the device binds has them on several pages, and is trained as on one.

import { beforeAll, describe, expect, test } from 'vitest';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  batchNorm,
  createTrainer,
  crossEntropy,
  lion,
  linear,
  muon,
  nadam,
  radam,
  relu,
  rmsprop,
  sequential,
  sgd,
  tanh,
  type Optimizer,
  type Report,
  type Trainer,
  type TrainerOptions,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { limited } from '../support/otherDevice.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(300, 3);
const WIDTH = 160;
/** Bytes: a page has room for one of the larger matrices, and a schedule of two optimizers fits as well. */
const BINDING = 2 ** 17;

/** The second and the third page have the same ranges. */
const model = () => {
  const hidden = () => linear(WIDTH, WIDTH);
  return sequential(
    linear(2, WIDTH),
    hidden(),
    batchNorm(WIDTH),
    relu,
    hidden(),
    tanh,
    hidden(),
    tanh,
    hidden(),
    linear(WIDTH, 3),
  );
};

const optionsOf = (optimizer: Optimizer): TrainerOptions => ({
  model: model(),
  loss: crossEntropy,
  optimizer,
  batchSize: 32,
  seed: 5,
  data: set,
  kernels: 'guess',
});

let small: GPUDevice;
let large: GPUDevice;
beforeAll(async () => {
  large = await sharedDevice();
  small = await limited({ maxStorageBufferBindingSize: BINDING });
});

/** Does the same on one page and on several. */
async function onBoth<T>(options: () => TrainerOptions, work: (trainer: Trainer) => Promise<T>): Promise<[T, T]> {
  const ends: T[] = [];
  for (const device of [large, small]) {
    const trainer = await createTrainer({ ...options(), device });
    try {
      ends.push(await work(trainer));
    } finally {
      trainer.destroy();
    }
  }
  return ends as [T, T];
}

/** Steps of two sizes, so that two programs share their memory; then weights and reports without their times. */
async function trained(
  trainer: Trainer,
): Promise<{ weights: Uint8Array; reports: Omit<Report, 'seconds' | 'waited'>[] }> {
  const reports = [];
  for await (const { seconds: _, waited: __, ...report } of trainer.fit(set, { epochs: 0.5 })) reports.push(report);
  return { weights: await trainer.saveWeights(), reports };
}

describe('training on four pages ends in the bits of training on one', () => {
  test.each<[string, () => Optimizer]>([
    ['sgd', () => sgd()],
    ['sgd with momentum, of gradients that are cut', () => sgd({ momentum: 0.9, clip: { value: 0.001 } })],
    ['adam, each gradient under a norm of its own', () => adam({ clip: { norm: 0.01 } })],
    ['adamw with groups', () => adamw({ groups: [{ match: 'layer4', learningRateFactor: 3, weightDecay: 0.5 }] })],
    ['rmsprop', () => rmsprop({ centered: true, momentum: 0.5 })],
    ['adagrad', () => adagrad()],
    ['adadelta', () => adadelta()],
    ['adamax', () => adamax()],
    ['nadam', () => nadam()],
    ['radam', () => radam()],
    ['lion', () => lion()],
    ['muon', () => muon()],
  ])('by %s', async (_, optimizer) => {
    const [one, several] = await onBoth(() => optionsOf(optimizer()), trained);
    expect(several).toEqual(one);
  });

  test.each<[string, Partial<TrainerOptions>]>([
    ['with averages', { averageWeights: { decay: 0.9 } }],
    ['in parts', { microBatches: 3 }],
    ['each op by itself', { fuse: false }],
  ])('%s', async (_, more) => {
    const [one, several] = await onBoth(() => ({ ...optionsOf(adam()), ...more }) as TrainerOptions, trained);
    expect(several).toEqual(one);
  });
});

describe('a model on four pages', () => {
  const graphOf = (trainer: Trainer): Promise<string> => trainer.graph();

  test('has an update for each page, and on one page the graph that it always had', async () => {
    const [one, several] = await onBoth(() => optionsOf(adam()), graphOf);
    const updated = (graph: string): string[] => graph.match(/(?<=^state )(parameters|m|v)( \d)?(?= ←)/gm)!;
    expect(updated(one)).toEqual(['parameters', 'm', 'v']);
    expect(updated(several)).toEqual(
      ['', ' 2', ' 3', ' 4'].flatMap((page) => [`parameters${page}`, `m${page}`, `v${page}`]),
    );
  });

  test('under a norm of all gradients, whose sum has another order, strays from one page by roundings', async () => {
    const options = (): TrainerOptions => ({
      ...optionsOf(sgd({ learningRate: 0.1, clip: { globalNorm: 0.01 } })),
      gradientNorm: true,
    });
    const ends = async (trainer: Trainer) => {
      const norms: number[] = [];
      for await (const { metrics } of trainer.fit(set, { steps: 5 })) norms.push(metrics['gradientNorm']);
      return { norms, parameters: Object.values(await trainer.readParameters()).flatMap((numbers) => [...numbers]) };
    };
    const [one, several] = await onBoth(options, ends);
    expect(Math.min(...one.norms)).toBeGreaterThan(0.01);
    several.norms.forEach((norm, step) => expect(Math.abs(norm / one.norms[step] - 1)).toBeLessThan(1e-5));
    const strayed = several.parameters.map((x, at) => Math.abs(x - one.parameters[at]));
    expect(Math.max(...strayed)).toBeLessThan(1e-6);
  });
});
