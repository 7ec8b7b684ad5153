import { describe, expect, test } from 'vitest';
import { spec, type Shape } from '../../src/core/shape.ts';
import {
  adam,
  averagePool1d,
  averagePool2d,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  globalAveragePool2d,
  globalMaxPool2d,
  input,
  interpret,
  linear,
  maxPool1d,
  maxPool2d,
  Random,
  relu,
  reshape,
  sequential,
  take,
  upsample2d,
  type Context,
  type Layer,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

type Module = Layer | ((x: Value) => Value);

const traced = (module: Module, shape: Shape): Value => {
  const x = input('x', spec(shape));
  return typeof module === 'function' ? module(x) : module.apply(x, {}, {} as Context);
};

function numbersOf(module: Module, shape: Shape, numbers: readonly number[]): number[] {
  const y = traced(module, shape);
  return [...interpret({ outputs: { y }, writes: [] }, { batch: { x: Float32Array.from(numbers) } }).outputs['y']];
}

describe('layers of images', () => {
  test.each([
    ['maxPool2d', maxPool2d(2), [14, 14]],
    ['averagePool2d', averagePool2d([3, 1], { stride: [2, 1], padding: 'same' }), [14, 28]],
    ['upsample2d', upsample2d(2, { mode: 'bilinear' }), [56, 56]],
  ])('%s keeps the channels, and needs none', (_, layer, [rows, columns]) => {
    expect(traced(layer, [5, 28, 28, 3]).spec.shape).toEqual([5, rows, columns, 3]);
    expect(traced(layer, [5, 28, 28]).spec.shape).toEqual([5, rows, columns]);
  });

  test('the global ones leave a number for each channel', () => {
    const pixels = [1, 10, 2, 20, 3, 30, 6, 60];
    expect(numbersOf(globalAveragePool2d, [1, 2, 2, 2], pixels)).toEqual([3, 30]);
    expect(numbersOf(globalMaxPool2d, [1, 2, 2, 2], pixels)).toEqual([6, 60]);
    expect(traced(globalMaxPool2d, [5, 28, 28]).spec.shape).toEqual([5, 1]);
  });
});

test('every launch of a net with such layers agrees with f64', async () => {
  const model = sequential(
    linear(5, 144),
    (x: Value) => reshape(x, [-1, 6, 6, 4]),
    relu,
    maxPool2d(3, { stride: 2, padding: 1 }),
    upsample2d(2, { mode: 'bilinear' }),
    averagePool2d(2, { padding: 'same' }),
    flatten,
    linear(36, 3),
  );
  const random = new Random(1, 'a net that pools');
  const data = dataset({
    x: { data: Float32Array.from({ length: 5 * 40 }, () => random.normal()), shape: [5] },
    label: Uint8Array.from({ length: 40 }, (_, n) => n % 3),
  });
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 8,
    device: await sharedDevice(),
    kernels: 'guess',
    data,
  });
  try {
    for await (const _ of trainer.fit(data, { steps: 5 }));
    expect((await trainer.verify(take(data, 0, 8))).fault).toBeNull();
  } finally {
    trainer.destroy();
  }
});

describe('layers of sequences', () => {
  const steps = [1, 10, 5, 50, 3, 30];
  test('take windows of steps, channel by channel', () => {
    expect(numbersOf(maxPool1d(2, { stride: 1 }), [1, 3, 2], steps)).toEqual([5, 50, 5, 50]);
    expect(numbersOf(averagePool1d(2), [1, 3, 2], steps)).toEqual([3, 30]);
  });
  test('pad both ends, or each by itself', () => {
    expect(traced(maxPool1d(3, { stride: 1, padding: 1 }), [4, 7, 2]).spec.shape).toEqual([4, 7, 2]);
    expect(traced(maxPool1d(3, { padding: 'same' }), [4, 7, 2]).spec.shape).toEqual([4, 3, 2]);
    expect(numbersOf(averagePool1d(2, { padding: [0, 1] }), [1, 3, 2], steps)).toEqual([3, 30, 3, 30]);
    const counting = averagePool1d(2, { padding: [0, 1], countPadding: true });
    expect(numbersOf(counting, [1, 3, 2], steps)).toEqual([3, 30, 1.5, 15]);
  });
  test('refuse what are none', () => {
    expect(() => traced(maxPool1d(2), [4, 7])).toThrow(
      '[maxPool1d] x is f32[4, 7] but must be sequences, [N, L, C]: reshape it',
    );
  });
});
