import {
  adam,
  constant,
  createPredictor,
  createTrainer,
  dataset,
  interpret,
  linear,
  meanSquaredError,
  type Module,
  type Optimizer,
  type Report,
  type Trainer,
  type Value,
} from '../../../src/index.ts';

/** An example: a few lines, run by a test, which compares what they print with what stands behind it. */
export type Examples = Readonly<Record<string, () => void | Promise<void>>>;

// What the examples use, as the reference shows it:
// <stage>
/** A value of one axis. */
export const vector = (...numbers: readonly number[]): Value<'f32'> =>
  constant(Float32Array.from(numbers), { shape: [numbers.length], dtype: 'f32' });

/** A value of rows and columns. */
export const matrix = (...rows: readonly (readonly number[])[]): Value<'f32'> =>
  constant(Float32Array.from(rows.flat()), { shape: [rows.length, rows[0].length], dtype: 'f32' });

/** Integers, as labels are. */
export const labels = (...numbers: readonly number[]): Value<'i32'> =>
  constant(Int32Array.from(numbers), { shape: [numbers.length], dtype: 'i32' });

/** A value of some shape, filled with 0, 1, 2, …. */
export const counted = (...shape: readonly number[]): Value<'f32'> => {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return constant(
    Float32Array.from({ length }, (_, i) => i),
    { shape, dtype: 'f32' },
  );
};

/** What a value comes to, on the CPU. */
export const numbersOf = (value: Value): number[] =>
  Array.from(interpret({ outputs: { value }, writes: [] }).outputs['value']);

/** The shape of what a model makes of samples of a shape, the number of samples first. */
export async function shapeOf(model: Module, [samples, ...shape]: readonly number[]) {
  const data = { x: { shape, dtype: 'f32', scale: null } } as const;
  const predictor = await createPredictor({ model, data, backend: 'cpu' });
  const size = shape.reduce((product, extent) => product * extent, samples);
  const prediction = await predictor.predict({ x: new Float32Array(size) });
  predictor.destroy();
  return prediction.shape;
}

/** Points on the line y = 2 x + 1. */
export const line = dataset({
  x: { data: Float32Array.from({ length: 64 }, (_, i) => i / 64), shape: [1] },
  target: { data: Float32Array.from({ length: 64 }, (_, i) => 1 + i / 32), shape: [1] },
});

/** A trainer of one neuron that learns the line. */
export const lineTrainer = (optimizer: Optimizer = adam({ learningRate: 0.1 })): Promise<Trainer> =>
  createTrainer({
    model: linear(1, 1),
    loss: meanSquaredError,
    optimizer,
    batchSize: 16,
    seed: 1,
    backend: 'cpu',
    data: line,
  });

/** The last report of a run of 40 steps. */
export async function learned(optimizer: Optimizer): Promise<Report> {
  const trainer = await lineTrainer(optimizer);
  const report = await trainer.fit(line, { steps: 40 });
  trainer.destroy();
  return report;
}
// </stage>
