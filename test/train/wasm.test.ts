import { afterAll, expect, test } from 'vitest';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  linear,
  relu,
  sequential,
  take,
  type Trainer,
} from '../../src/index.ts';
import { Random } from '../../src/core/random.ts';

const trainers: Trainer[] = [];
afterAll(() => trainers.forEach((trainer) => trainer.destroy()));

const random = new Random(3, 'wasm');
const samples = dataset({
  x: { data: Float32Array.from({ length: 300 * 37 }, () => random.normal()), shape: [37] },
  label: Uint8Array.from({ length: 300 }, (_, i) => i % 7),
});

async function trainerOn(backend: 'wasm' | 'cpu', threads?: number): Promise<Trainer> {
  const trainer = await createTrainer({
    model: sequential(linear(37, 50), relu, linear(50, 7)),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 48,
    backend,
    threads,
    data: samples,
  });
  trainers.push(trainer);
  return trainer;
}

test('a step is verified', async () => {
  const trainer = await trainerOn('wasm');
  expect(trainer.backend).toBe('wasm');
  expect(await trainer.verify(take(samples, 0, 48))).toMatchObject({ ok: true });
});

test('thirty steps end where the reference ends', async () => {
  const [wasm, cpu] = [await trainerOn('wasm'), await trainerOn('cpu')];
  for (const trainer of [wasm, cpu]) await trainer.fit(samples, { steps: 30 });
  const [mine, its] = [await wasm.readParameters(), await cpu.readParameters()];
  for (const name of Object.keys(its)) {
    its[name].forEach((number, i) => expect(mine[name][i]).toBeCloseTo(number, 4));
  }
});

test('the bits do not depend on threads', async () => {
  const ends = [];
  for (const threads of [1, 2, 3]) {
    const trainer = await trainerOn('wasm', threads);
    expect(trainer.adapter).toBe(`WebAssembly (${threads} thread${threads > 1 ? 's' : ''})`);
    await trainer.fit(samples, { steps: 30 });
    ends.push(await trainer.readParameters());
  }
  expect(ends[1]).toEqual(ends[0]);
  expect(ends[2]).toEqual(ends[0]);
});
