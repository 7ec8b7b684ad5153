import { expect, test } from 'vitest';
import {
  add,
  argmax,
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  relu,
  sequential,
  sgd,
  type Context,
  type Value,
} from '../../src/index.ts';
import { limited } from '../support/otherDevice.ts';

test('each output of a prediction says of which dtype its array is', async () => {
  const net = linear(2, 3);
  const trainer = await createTrainer({
    model(x: Value, context: Context) {
      const scores = context.apply(net, x);
      return { scores, best: argmax(scores) };
    },
    loss: ({ scores }, { label }) => meanSquaredError(scores, label),
    optimizer: sgd(),
    batchSize: 1,
    backend: 'cpu',
    data: dataset({ x: { data: [1, 2], shape: [2] }, label: { data: [1, 2, 3], shape: [3] } }),
  });
  const { outputs, dtype } = await trainer.predict([1, 2, 3, 4]);
  expect([dtype, outputs.scores.dtype, outputs.best.dtype]).toEqual(['f32', 'f32', 'i32']);
  expect([outputs.scores.data, outputs.best.data].map(({ constructor }) => constructor)).toEqual([
    Float32Array,
    Int32Array,
  ]);
  trainer.destroy();
});

test('samples whose values are large are predicted in parts that fit a buffer, and draw what they would draw together', async () => {
  const net = sequential(linear(2, 512), relu, linear(512, 1));
  const model = (x: Value, context: Context): Value =>
    context.apply(net, add(x, context.random('noise', x.spec.shape)), '');
  const xs = Float32Array.from({ length: 200 }, (_, at) => Math.sin(at));
  const told = async (place: { device: GPUDevice } | { backend: 'cpu' }): Promise<ArrayLike<number>> => {
    const data = dataset({ x: { data: xs, shape: [2] }, target: { data: new Float32Array(100), shape: [1] } });
    const options = { loss: meanSquaredError, optimizer: sgd(), batchSize: 4, seed: 1, data };
    const trainer = await createTrainer({ model, ...options, ...place });
    try {
      return (await trainer.predict(xs)).data;
    } finally {
      trainer.destroy();
    }
  };
  // Of the 512 features of 100 samples, padded to 128, 256 KiB would be needed.
  const [parts, whole] = [
    await told({ device: await limited({ maxStorageBufferBindingSize: 2 ** 17 }) }),
    await told({ backend: 'cpu' }),
  ];
  expect(parts).toHaveLength(100);
  for (const [at, y] of Array.from(whole).entries()) expect(parts[at]).toBeCloseTo(y, 5);
});
