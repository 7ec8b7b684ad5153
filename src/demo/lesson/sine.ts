import { createTrainer, dataset, linear, meanSquaredError, sequential, sgd, tanh } from '../../index.ts';

const SAMPLES = 32;
const HIDDEN = 8;
/** Of the first weights: any other would tell the same story with other numbers. */
const SEED = 2;

/** One wave: x and sin πx, for x from −1 to 1. */
const x = Float32Array.from({ length: SAMPLES }, (_, i) => (2 * i) / (SAMPLES - 1) - 1);
const data = dataset({
  x: { data: x, shape: [1] },
  target: { data: x.map((at) => Math.sin(Math.PI * at)), shape: [1] },
});

/**
 * The losses of a network of eight hidden neurons that learns a sine by gradient descent: of the first weights, and after
 * each step. All samples are in each step, so that nothing but the rate tells two runs apart. By the CPU's reference:
 * it is small, and gives the same numbers on every machine.
 */
export async function* sineLosses(learningRate: number, steps: number): AsyncGenerator<number> {
  const trainer = await createTrainer({
    model: sequential(linear(1, HIDDEN), tanh, linear(HIDDEN, 1)),
    loss: meanSquaredError,
    optimizer: sgd({ learningRate }),
    batchSize: SAMPLES,
    seed: SEED,
    backend: 'cpu',
    data,
  });
  try {
    // A step reports the loss of the weights that it found: one more step tells the last.
    for await (const { loss } of trainer.fit(data, { steps: steps + 1, stopOnNaN: false })) yield loss;
  } finally {
    trainer.destroy();
  }
}
