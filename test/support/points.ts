import { expect } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  add,
  createTrainer,
  dataset,
  mul,
  sub,
  sum,
  type Layer,
  type Model,
  type Optimizer,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { randomNormal } from '../../src/nn/initializers.ts';
import { sharedDevice } from './device.ts';
import type { Change } from './textbook.ts';

/** Fresh numbers at every run of the suite; the seed is printed with each failure, and can be pinned. */
export const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

/** More than a block of 64, so that a parameter's blocks are several. */
export const SIZE = 70;
export const STEPS = 200;
/** Two hundred roundings of parameters up to 4, half of 2⁻²² each, all one way at worst; rules differ by 1e-3 and more. */
const TOLERANCE = 4e-5;

export const WEIGHT_CURVATURE = 0.5;
export const BIAS_CURVATURE = 1.5;

/**
 * Two points, each pulled to what the batch holds: Σ ½ c (p − t)², so that the gradient is c (p − t).
 * One of them decays as weights do, the other is left alone as biases are.
 */
export const points: Layer = {
  name: 'points',
  parameters: {
    weight: { shape: [SIZE], initial: randomNormal(0, 1) },
    bias: { shape: [SIZE], initial: randomNormal(0, 1), decays: false },
  },
  apply: (t, { weight, bias }) => add(pull(weight, t, WEIGHT_CURVATURE), pull(bias, t, BIAS_CURVATURE)),
};

function pull(p: Value, t: Value, curvature: number): Value {
  const error = sub(p, t);
  return sum(mul(mul(error, error), curvature / 2));
}

export const makeTrainer = async (
  model: Model,
  optimizer: Optimizer,
  backend: 'webgpu' | 'cpu',
  seed = SEED,
): Promise<Trainer> =>
  createTrainer({
    model,
    loss: (y: Value) => y,
    optimizer,
    batchSize: 1,
    seed,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
    data: dataset({ t: { data: new Float32Array(SIZE), shape: [SIZE] } }),
  });

type Parameters = Readonly<Record<string, Float32Array>>;

export interface Trained {
  readonly before: Parameters;
  readonly after: Parameters;
  readonly targets: readonly Float32Array[];
}

/** Trains on targets of its own for each step, which are handed back. */
export async function train(
  model: Model,
  optimizer: Optimizer,
  backend: 'webgpu' | 'cpu',
  seed = SEED,
): Promise<Trained> {
  const random = new Random(seed, 'targets');
  const targets = Array.from({ length: STEPS }, () => Float32Array.from({ length: SIZE }, () => random.normal(1, 0.3)));
  const trainer = await makeTrainer(model, optimizer, backend, seed);
  try {
    const before = await trainer.readParameters();
    for (const t of targets) await trainer.step({ t });
    return { before, after: await trainer.readParameters(), targets };
  } finally {
    trainer.destroy();
  }
}

export function follow(
  start: Float32Array,
  targets: readonly Float32Array[],
  curvature: number,
  change: Change,
): Float64Array {
  const p = Float64Array.from(start);
  targets.forEach((t, step) => {
    for (let i = 0; i < SIZE; i++) p[i] += change(curvature * (p[i] - t[i]), p[i], step, i);
  });
  return p;
}

export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const errors = Array.from(expected, (x, i) => Math.abs(x - actual[i]));
  expect(Math.max(...errors), `seed ${SEED}`).toBeLessThanOrEqual(TOLERANCE);
}
