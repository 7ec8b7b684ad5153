// A folder of checkpoints, whatever happens to the process that writes them.

import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTrainer, crossEntropy, linear, sgd, type FitOptions, type Trainer } from '../../src/index.ts';
import { checkpoints } from '../../src/node.ts';
import { inFolder } from '../support/provoke.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(64, 3);

const small = (): Promise<Trainer> =>
  createTrainer({
    model: linear(2, 3),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 8,
    backend: 'cpu',
    data: set,
  });

async function trained(options: FitOptions): Promise<Trainer> {
  const trainer = await small();
  await trainer.fit(set, { steps: 20, ...options });
  return trainer;
}

const steps = (names: readonly string[]): number[] => names.map((name) => Number(/step-(\d+)/.exec(name)![1]));

test('the newest stay, in the order in which they were written', () =>
  inFolder(async (folder) => {
    const store = checkpoints({ folder: join(folder, 'run'), every: { steps: 4 }, keep: 2 });
    expect(await store.newest()).toBeNull();
    const trainer = await trained({ checkpoints: store });
    const again = await small();
    expect(await again.load((await store.newest())!)).toMatchObject({ exact: true, step: 20 });
    expect(await again.readParameters()).toEqual(await trainer.readParameters());
    // One that is begun anew has fewer steps, and is newer.
    await trained({ steps: 6, checkpoints: store });
    expect(steps((await readdir(join(folder, 'run'))).toSorted()).at(-1)).toBe(6);
    expect(await readdir(join(folder, 'run'))).toHaveLength(2);
    expect(await again.load((await store.newest())!)).toMatchObject({ step: 6 });
  }));

test('that of the best step stays, also where a run goes on', () =>
  inFolder(async (folder) => {
    const store = checkpoints({ folder, every: { steps: 100 }, best: 'validation.loss' });
    const fit = { validation: set, validateEvery: 5, checkpoints: store };
    const losses: number[] = [];
    const trainer = await small();
    for await (const { validation } of trainer.fit(set, { ...fit, steps: 20 })) {
      if (validation) losses.push(validation.loss);
    }
    const bests = (): Promise<string[]> => readdir(folder).then((all) => all.filter((name) => name.startsWith('best')));
    expect(await bests()).toEqual([`best-${Math.min(...losses)}-step-20.safetensors`]);
    // Worse ones, for the weights are spoilt, and the run that goes on knows what was better.
    const again = await small();
    await again.load((await store.newest())!);
    await again.writeParameters({ bias: [9, -9, 9] });
    await again.fit(set, { ...fit, steps: 25 });
    expect(await bests()).toEqual([`best-${Math.min(...losses)}-step-20.safetensors`]);
    await again.load((await store.best())!);
    expect((await again.evaluate(set)).loss).toBe(Math.min(...losses));
    // A run of its own begins with its own.
    await trained({ ...fit, steps: 5 });
    expect(steps(await bests())).toEqual([5]);
  }));

test('a file that was cut, or changed, is passed over for the one before it', () =>
  inFolder(async (folder) => {
    const store = checkpoints({ folder, every: { steps: 5 }, keep: 9 });
    await trained({ checkpoints: store });
    const names = (await readdir(folder)).toSorted().toReversed();
    const stepOf = async (): Promise<number> => (await (await small()).load((await store.newest())!)).step;
    expect(await stepOf()).toBe(20);
    await truncate(join(folder, names[0]), 900);
    expect(await stepOf()).toBe(steps(names)[1]);
    const bytes = await readFile(join(folder, names[1]));
    bytes[bytes.length - 9] ^= 1;
    await writeFile(join(folder, names[1]), bytes);
    const older = names.length > 2 ? stepOf() : store.newest();
    expect(await older).toBe(names.length > 2 ? steps(names)[2] : null);
    const loading = (await small()).load(bytes, { file: names[1] });
    await expect(loading).rejects.toThrow(/was saved with the digest \w{32}, but has/);
  }));

test('what was never finished is not there, and is cleared away by the next run', () =>
  inFolder(async (folder) => {
    const store = checkpoints({ folder });
    await writeFile(join(folder, 'checkpoint-000001-step-3.safetensors.99.unfinished'), 'half');
    expect(await store.newest()).toBeNull();
    await trained({ checkpoints: store });
    expect(await readdir(folder)).toEqual(['checkpoint-000001-step-20.safetensors']);
  }));
