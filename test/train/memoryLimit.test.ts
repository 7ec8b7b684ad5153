// What a model needs is reckoned, and compared with the limit, before any of it is there.

import { describe, expect, test } from 'vitest';
import {
  adam,
  batchNorm,
  createTrainer,
  crossEntropy,
  earlyStop,
  linear,
  muon,
  relu,
  sequential,
  sgd,
  type LossOptions,
  type Trainer,
  type TrainerOptions,
} from '../../src/index.ts';
import { counting } from '../support/counting.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(300, 3);
const held = clusters(70, 3, 2);

const optionsOf = (more: Partial<LossOptions> = {}): TrainerOptions => ({
  model: sequential(linear(2, 40), batchNorm(40), relu, linear(40, 3)),
  loss: crossEntropy,
  optimizer: adam(),
  batchSize: 32,
  seed: 1,
  data: set,
  kernels: 'guess',
  ...more,
});

const phases = ['weight', 'bias'].map((part) => ({
  name: part,
  loss: crossEntropy,
  optimizer: sgd({ momentum: 0.5 }),
  trains: [`layer0.${part}`],
}));

/** A trainer that some work was done with; how many buffers that made, and what there is then. */
async function after(
  options: TrainerOptions,
  memoryLimit: number | undefined,
  work: (trainer: Trainer) => PromiseLike<unknown>,
): Promise<{ bytes: number; summary: string }> {
  const trainer = await createTrainer({
    ...options,
    device: await sharedDevice(),
    ...(memoryLimit !== undefined && { memoryLimit }),
  });
  try {
    await work(trainer);
    return { bytes: trainer.bytes, summary: await trainer.summary() };
  } finally {
    trainer.destroy();
  }
}

const nothing = async (): Promise<void> => {};

describe.each<[string, TrainerOptions]>([
  ['a step', optionsOf()],
  [
    'a step under norms of its gradients',
    optionsOf({ optimizer: muon({ clip: { globalNorm: 1 } }), gradientNorm: true }),
  ],
  ['a step in parts, with averages', optionsOf({ microBatches: 3, averageWeights: { decay: 0.9 } })],
  ['a step in launches of its own each', optionsOf({ fuse: false })],
  ['a step of two phases', { ...optionsOf(), loss: undefined, optimizer: undefined, phases }],
])('what %s needs is known to the byte', (_, options) => {
  test('and has room where there is as much', async () => {
    const { bytes } = await after(options, undefined, nothing);
    expect((await after(options, bytes, nothing)).bytes).toBe(bytes);
  });

  test('and makes no buffer where there is less', async () => {
    const { bytes } = await after(options, undefined, nothing);
    const calls = await counting(await sharedDevice(), async () => {
      await expect(after(options, bytes - 1, nothing)).rejects.toThrow('a step of 32 samples needs');
    });
    expect(calls['createBuffer']).toBe(0);
  });
});

describe('what a run needs', () => {
  const run = (trainer: Trainer) => trainer.fit(set, { epochs: 1 });

  test('is known to the byte, with the set and the shorter last step', async () => {
    const { bytes } = await after(optionsOf(), undefined, run);
    expect((await after(optionsOf(), bytes, run)).bytes).toBe(bytes);
    await after(optionsOf(), bytes - 1, async (trainer) => {
      const calls = await counting(await sharedDevice(), async () => {
        await expect(run(trainer)).rejects.toThrow('work on a data set of 300 samples needs');
      });
      expect(calls['createBuffer']).toBe(0);
    });
  });

  test('with a set to judge it by is refused before its first step', async () => {
    const judged = (trainer: Trainer) => trainer.fit(set, { epochs: 1, validation: held });
    const { bytes } = await after(optionsOf(), undefined, judged);
    await after(optionsOf(), bytes - 1, async (trainer) => {
      await expect(judged(trainer)).rejects.toThrow('work on a data set of 70 samples needs');
      expect(
        (
          await trainer.step({
            point: set.fields['point'].data.slice(0, 64),
            label: set.fields['label'].data.slice(0, 32),
          })
        ).step,
      ).toBe(1);
    });
  });
});

test('a checkpoint whose run keeps weights has room for them too, or is not taken', async () => {
  let file: Uint8Array = new Uint8Array();
  await after(optionsOf(), undefined, async (trainer) => {
    for await (const _ of trainer.fit(set, { epochs: 1, decisions: [earlyStop({ restoreBest: true })] })) {
      file = await trainer.save();
    }
  });
  const load = (trainer: Trainer) => trainer.load(file);
  const { bytes } = await after(optionsOf(), undefined, load);
  expect((await after(optionsOf(), bytes, load)).bytes).toBe(bytes);
  await after(optionsOf(), bytes - 1, async (trainer) => {
    const before = await trainer.readParameters();
    const calls = await counting(await sharedDevice(), async () => {
      await expect(load(trainer)).rejects.toThrow('a copy of the best weights needs');
    });
    expect(calls['createBuffer']).toBe(0);
    expect(await trainer.readParameters()).toEqual(before);
  });
});

describe('who lacks memory is told what for', () => {
  const wide = (): TrainerOptions =>
    optionsOf({ model: sequential(linear(2, 1024), relu, linear(1024, 512), relu, linear(512, 3)), batchSize: 300 });

  test('by a limit of 0, which tells the need of any model', async () => {
    await expect(after(wide(), 0, nothing)).rejects.toThrow(
      /^\[memory\] a step of 300 samples needs 1\d\.\d MiB \(optimizer 4\.2 MiB, activations \d\.\d MiB, parameters 2\.0 MiB, gradients 2\.0 MiB\) beside 0\.0 MiB in use, but memoryLimit is 0\.0 MiB: use a smaller batch or model, .*microBatches, .*sgd/,
    );
  });

  test('and told in the summary of what there is', async () => {
    const { summary } = await after(wide(), undefined, nothing);
    expect(summary).toMatch(/^memory {6}\d+\.\d MiB: optimizer 4\.2 MiB, /m);
  });
});
