// A model whose parameters exceed what the device binds has them on several pages, and is trained as on one.

import { beforeAll, describe, expect, test } from 'vitest';
import {
  adadelta,
  adagrad,
  adam,
  add,
  adamax,
  adamw,
  batchNorm,
  createTrainer,
  crossEntropy,
  dataset,
  frozen,
  keepBest,
  lion,
  linear,
  mul,
  muon,
  nadam,
  radam,
  randomNormal,
  relu,
  rmsprop,
  sequential,
  sgd,
  take,
  tanh,
  type BatchValues,
  type Context,
  type LossOptions,
  type Optimizer,
  type Report,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { digestOf } from '../../src/core/digest.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { DeviceLife } from '../../src/scheduler/deviceLife.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { trainerOptionsOf } from '../../src/train/trainerOptions.ts';
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
async function trained(trainer: Trainer): Promise<{ weights: string; reports: Omit<Report, 'seconds' | 'waited'>[] }> {
  const reports = [];
  for await (const { seconds: _, waited: __, ...report } of trainer.fit(set, { epochs: 0.5 })) reports.push(report);
  return { weights: digestOf(await trainer.saveWeights()), reports };
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

/** A trainer that does some work on several pages. */
async function onSeveral<T>(options: TrainerOptions, work: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await createTrainer({ ...options, device: small });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

describe('a model on four pages', () => {
  test('has an update for each page, and on one page the graph that it always had', async () => {
    const [one, several] = await onBoth(
      () => optionsOf(adam()),
      (trainer) => trainer.graph(),
    );
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

  test('gives and takes parameters by name, and files of weights, as on one page', async () => {
    const [one, several] = await onBoth(
      () => optionsOf(adam()),
      async (trainer) => {
        const first = await trainer.readParameters();
        const weights = await trainer.saveWeights();
        const changed = { 'layer8.bias': first['layer8.bias'].map((_, at) => at), 'layer0.bias': first['layer6.bias'] };
        await trainer.writeParameters(changed);
        const second = await trainer.readParameters();
        await trainer.loadWeights(weights);
        return { first, second, third: await trainer.readParameters(), weights };
      },
    );
    expect(several).toEqual(one);
    expect(several.second['layer8.bias']).toEqual(several.second['layer8.bias'].map((_, at) => at));
    expect(several.third).toEqual(several.first);
  });

  test('is inspected as on one page, its update too, and left as it was', async () => {
    const [one, several] = await onBoth(
      () => optionsOf(adam()),
      async (trainer) => {
        const before = digestOf(await trainer.saveWeights());
        const inspection = await trainer.inspect(take(set, 0, 16), { update: true });
        expect(digestOf(await trainer.saveWeights())).toBe(before);
        return inspection;
      },
    );
    expect(several).toEqual(one);
    expect(several.parameters.every(({ gradient }) => gradient.some((slope) => slope !== 0))).toBe(true);
  });

  test('is verified, with the gradients of all pages', async () => {
    const options = () => ({ ...optionsOf(muon({ clip: { globalNorm: 0.1 } })), gradientNorm: true });
    const [one, several] = await onBoth(options, (trainer) => trainer.verify(take(set, 0, 32)));
    expect(several.fault).toBeNull();
    expect(several.loss).toEqual(one.loss);
    // The same numbers, added up page by page in f64.
    expect(several.gradientError / one.gradientError).toBeCloseTo(1, 6);
  });

  test('goes back to its best weights on all of them', async () => {
    const [one, several] = await onBoth(
      () => optionsOf(sgd({ learningRate: 3 })),
      async (trainer) => {
        const decisions = [keepBest()];
        await trainer.fit(set, { steps: 12, validation: set, validateEvery: 3, decisions });
        return { weights: digestOf(await trainer.saveWeights()), judged: await trainer.evaluate(set) };
      },
    );
    expect(several).toEqual(one);
  });

  test('has no moments, gradients and updates for what is frozen, which has pages of its own', async () => {
    const held = () => frozen(linear(WIDTH, WIDTH));
    const options = (): TrainerOptions => ({
      ...optionsOf(adam()),
      model: sequential(linear(2, WIDTH), held(), relu, held(), tanh, held(), linear(WIDTH, 3)),
      averageWeights: { decay: 0.5 },
    });
    const [one, several] = await onBoth(options, async (trainer) => {
      const graph = await trainer.graph();
      return { graph, ...(await trained(trainer)) };
    });
    expect(several.weights).toEqual(one.weights);
    expect(several.reports).toEqual(one.reports);
    expect(several.graph.match(/(?<=^state )(parameters|m|averages)( \d)?(?= ←)/gm)).toEqual([
      'parameters',
      'm',
      'averages',
      'averages 2',
      'averages 3',
      'averages 4',
    ]);
  });

  test('trains in phases, each on the pages that it changes, and what none of them changes is on others', async () => {
    const { loss: _, optimizer: __, ...common } = optionsOf(adam()) as LossOptions;
    const options = (): TrainerOptions => ({
      ...common,
      model: model(),
      phases: [
        { name: 'body', loss: crossEntropy, optimizer: muon(), trains: ['layer1', 'layer0'] },
        { name: 'head', loss: crossEntropy, optimizer: sgd(), trains: ['layer4', 'layer9'] },
      ],
    });
    const [one, several] = await onBoth(options, async (trainer) => {
      const graph = await trainer.graph();
      return { graph, ...(await trained(trainer)) };
    });
    expect(several.weights).toEqual(one.weights);
    expect(several.reports).toEqual(one.reports);
    expect(several.graph.match(/(?<=^state )parameters( \d)?(?= ←)/gm)).toEqual(['parameters', 'parameters 2']);
  });

  test.each([true, false])(
    'leaves a step out on all of them where the gradients of one are bad (fuse: %s)',
    async (fuse) => {
      // So large a number reaches the loss through small weights, and infinite are only these weights' gradients.
      const point = set.fields['point'].data.slice();
      point[2 * 4] = 1e36;
      const bad = dataset({ point: { data: point, shape: [2] }, label: set.fields['label'].data });
      // Two towers: neither waits for the other's gradients, and the first fills a page.
      const first = sequential(linear(2, WIDTH), linear(WIDTH, WIDTH), tanh, linear(WIDTH, 40), tanh, linear(40, 3));
      const tiny = { weightInitial: randomNormal(0, 1e-36) };
      const second = sequential(linear(2, WIDTH, tiny), linear(WIDTH, WIDTH), tanh, linear(WIDTH, 3));
      const towers = (x: Value, context: Context): Value => add(context.apply(first, x), context.apply(second, x));
      const options = (): LossOptions => ({
        ...(optionsOf(adam()) as LossOptions),
        model: towers,
        loss: (outputs: Value, given: BatchValues) => mul(crossEntropy(outputs, given).loss, 1e12),
        fuse,
      });
      const [one, several] = await onBoth(options, async (trainer) => {
        const skipped: (boolean | undefined)[] = [];
        const losses: number[] = [];
        for await (const report of trainer.fit(bad, { steps: 3, shuffle: false, onNaN: 'skip' })) {
          skipped.push(report.skipped);
          losses.push(report.loss);
        }
        return { skipped, losses, weights: digestOf(await trainer.saveWeights()) };
      });
      expect(one.losses.every(Number.isFinite)).toBe(true);
      expect(one.skipped).toEqual([true, undefined, undefined]);
      expect(several).toEqual(one);
    },
  );

  test('ends in the same bits on the CPU too', async () => {
    const ends = [Number.MAX_SAFE_INTEGER, BINDING].map(async (largestBinding) => {
      const { options, phases } = trainerOptionsOf(optionsOf(muon()));
      const life = new DeviceLife(Object.assign(new CpuBackend(), { largestBinding }), null);
      const trainer = new Trainer(options, phases, { life, owned: undefined }, (last) => Promise.reject(last));
      await trainer.fit(set, { steps: 2 });
      return {
        weights: digestOf(await trainer.saveWeights()),
        pages: (await trainer.graph()).match(/^state parameters/gm),
      };
    });
    const [one, several] = await Promise.all(ends);
    expect(several.weights).toEqual(one.weights);
    expect([one, several].map(({ pages }) => pages?.length)).toEqual([1, 4]);
  });

  test('is profiled, with a row for each update', async () => {
    await onSeveral(optionsOf(sgd()), async (trainer) => {
      const { launches } = await trainer.profile(1, { data: set });
      expect(launches.filter(({ name }) => name.includes('sgd'))).toHaveLength(4);
    });
  });
});
