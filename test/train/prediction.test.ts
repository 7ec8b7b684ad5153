import { expect, test } from 'vitest';
import {
  argmax,
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  sgd,
  type Context,
  type Value,
} from '../../src/index.ts';

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
