import { expect, test } from 'vitest';
import {
  createTrainer,
  dataset,
  fourierFeatures,
  interpret,
  input,
  linear,
  meanSquaredError,
  adam,
} from '../../src/index.ts';
import { relu, sequential, type Context, type FloatLayer, type Value } from '../../src/index.ts';

const POINTS = Float32Array.of(0, 0, 0.25, -0.5, 1, 3);

/** What a layer without parameters makes of points of two coordinates. */
function featuresOf(layer: FloatLayer, points = POINTS): number[] {
  const x = input('x', { shape: [points.length / 2, 2], dtype: 'f32' });
  const y = layer.apply(x, {}, {} as Context);
  return [...interpret({ outputs: { y }, writes: [] }, { batch: { x: points } }).outputs['y']];
}

test('features are the cosines, then the sines, of the same angles, which are 0 at 0', () => {
  const features = featuresOf(fourierFeatures(2, 5, { sigma: 2 }));
  expect(features.slice(0, 10)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  for (const row of [1, 2]) {
    const [cosines, sines] = [0, 5].map((from) => features.slice(10 * row + from, 10 * row + from + 5));
    cosines.forEach((cosine, at) => expect(cosine ** 2 + sines[at] ** 2).toBeCloseTo(1, 6));
  }
});

test('frequencies are normal with deviation sigma, in periods for each unit', () => {
  const step = 1e-4;
  const sines = featuresOf(fourierFeatures(2, 4000, { sigma: 3 }), Float32Array.of(step, 0)).slice(4000);
  const frequencies = sines.map((sine) => Math.asin(sine) / (2 * Math.PI * step));
  const mean = frequencies.reduce((total, each) => total + each, 0) / 4000;
  const deviation = Math.sqrt(frequencies.reduce((total, each) => total + each ** 2, 0) / 4000);
  // The deviation of what is measured is 3 / √4000 and 3 / √8000; allowed are four of them.
  expect(Math.abs(mean)).toBeLessThan(0.19);
  expect(Math.abs(deviation - 3)).toBeLessThan(0.14);
});

test('the seed alone says which', () => {
  const [one, again, other] = [1, 1, 2].map((seed) => featuresOf(fourierFeatures(2, 7, { seed })));
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test('with them a network learns a wave that it does not learn without', async () => {
  const N = 256;
  const x = Float32Array.from({ length: N }, (_, at) => at / N);
  const y = x.map((at) => Math.sin(2 * Math.PI * 9 * at));
  const data = dataset({ x: { data: x, shape: [1] }, target: { data: y, shape: [1] } });
  const errorOf = async (model: (value: Value, context: Context) => Value<'f32'>): Promise<number> => {
    const trainer = await createTrainer({
      model,
      loss: meanSquaredError,
      optimizer: adam({ learningRate: 0.01 }),
      batchSize: N,
      data,
      backend: 'cpu',
    });
    await trainer.fit(data, { steps: 200 });
    const { loss } = await trainer.evaluate(data);
    trainer.destroy();
    return loss;
  };
  const head = (features: number) => sequential(linear(features, 32), relu, linear(32, 1));
  const [plain, waved] = [head(1), sequential(fourierFeatures(1, 16, { sigma: 5 }), head(32))];
  expect(await errorOf((value, context) => context.apply(plain, value))).toBeGreaterThan(0.3);
  expect(await errorOf((value, context) => context.apply(waved, value))).toBeLessThan(0.02);
});
