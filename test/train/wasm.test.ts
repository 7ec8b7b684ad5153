import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test, vi } from 'vitest';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  DeviceError,
  linear,
  relu,
  sequential,
  sgd,
  take,
  type Dataset,
  type Model,
  type Optimizer,
  type Trainer,
} from '../../src/index.ts';
import { fourModels } from '../support/fourModels.ts';
import { Random } from '../../src/core/random.ts';
import { grainOver } from '../../src/core/wasmLaunch.ts';
import { onProcessor } from '../../src/scheduler/openBackend.ts';
import { WasmBackend } from '../../src/scheduler/wasmBackend.ts';
import { Heap } from '../../src/wasm/heap.ts';

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

/** The losses of thirty steps, and the weights behind them. */
async function thirtySteps(model: Model, data: Dataset, optimizer: Optimizer, backend: 'wasm' | 'cpu') {
  const trainer = await createTrainer({ model, loss: crossEntropy, optimizer, batchSize: 32, seed: 3, data, backend });
  trainers.push(trainer);
  expect(await trainer.verify(take(data, 0, 32))).toMatchObject({ ok: true });
  const losses = [];
  for await (const { loss } of trainer.fit(data, { steps: 30 })) losses.push(loss);
  return { losses, weights: await trainer.readParameters() };
}

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (number, i) => Math.abs(number - b[i])).reduce((most, one) => Math.max(most, one), 0);

test.each(fourModels)('thirty steps of %s go where the reference goes', async (_, model, data) => {
  const run = (optimizer: Optimizer) =>
    Promise.all([thirtySteps(model, data, optimizer, 'wasm'), thirtySteps(model, data, optimizer, 'cpu')]);
  const [mine, its] = await run(sgd({ learningRate: 0.05, momentum: 0.9 }));
  expect(its.losses[29]).toBeLessThan(its.losses[0]);
  for (const [name, numbers] of Object.entries(its.weights)) {
    expect({ name, farthest: farthest(mine.weights[name], numbers) }).toEqual({
      name,
      farthest: expect.closeTo(0, 4) as number,
    });
  }
  // Adam divides by the gradient's own size, also where it is nothing but rounding, as that of a bias in front of a batch norm.
  const [adamMine, adamIts] = await run(adam({ learningRate: 3e-3 }));
  expect(farthest(adamMine.losses, adamIts.losses)).toBeLessThan(1e-4);
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

test('steps leave nothing behind: neither on the heap nor in the memory of WebAssembly', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapNow = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const trainer = await trainerOn('wasm');
  await trainer.fit(samples, { steps: 2000, every: 500 });
  const [heap, bytes] = [heapNow(), trainer.bytes];
  await trainer.fit(samples, { steps: 10_000, every: 500 });
  expect(trainer.bytes).toBe(bytes);
  expect(heapNow() - heap).toBeLessThan(200_000);
});

test('however much an item is, a turn has some', () => {
  // A turn of none, or of more than a word holds, would never end.
  expect([0, 1, 10, 16_384, 1e9].map((numbers) => grainOver(numbers))).toEqual([16_384, 16_384, 1639, 1, 1]);
  expect(grainOver(100, 4)).toBe(41);
});

test('what is freed is used again, and what touches becomes one', () => {
  const heap = new Heap(new WebAssembly.Memory({ initial: 1 }), 100);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => heap.allocate(name, 1000));
  expect([a, b, c].map(({ at, size }) => [at, size])).toEqual([
    [128, 1024],
    [1152, 1024],
    [2176, 1024],
  ]);
  heap.free(a);
  heap.free(b);
  expect(heap.allocate('d', 2048).at).toBe(128);
  heap.free(c);
  expect(heap.allocate('e', 64).at).toBe(2176);
  // What is free at the end is the beginning of what is larger.
  expect(heap.allocate('g', 5000).at).toBe(2240);
  expect(heap.allocate('f', 200_000).at).toBe(7296);
  expect(heap.memory.buffer.byteLength).toBe(4 * 65_536);
});

test('without vectors the references go on where auto allows it, and say why', async () => {
  const place = await onProcessor({}, 'no GPU');
  place.backend.destroy();
  expect([place.backend.kind, place.fallback]).toEqual(['wasm', 'no GPU']);
  const open = vi.spyOn(WasmBackend, 'open').mockRejectedValue(new DeviceError('[wasm] no vectors'));
  try {
    const trainer = await createTrainer({
      model: linear(2, 2),
      loss: crossEntropy,
      optimizer: adam(),
      batchSize: 4,
      backend: 'auto',
    });
    trainers.push(trainer);
    if (trainer.backend === 'webgpu') return;
    expect(trainer.backend).toBe('cpu');
    expect(trainer.fallback).toMatch(/; \[wasm\] no vectors$/);
  } finally {
    open.mockRestore();
  }
});
