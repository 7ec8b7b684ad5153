import {
  affine,
  constant,
  differentiate,
  interpret,
  meanSquaredError,
  Random,
  type Initializer,
  type Value,
} from '../../src/index.ts';
import { spec, sizeOf } from '../../src/core/shape.ts';

const WIDTH = 32;
const SAMPLES = 64;
const SEED = 2;

/**
 * The length of the gradient of each layer's weights, before the first step, of a network of so many hidden layers of 32
 * neurons without biases: 64 samples of normal numbers in, one number out, the squared error from normal numbers.
 */
export function gradientLengths(depth: number, activation: (x: Value) => Value, initial: Initializer): number[] {
  const weight = (name: string, shape: readonly number[]): Value =>
    constant(initial(shape, new Random(SEED, name)), spec(shape));
  const numbers = new Random(SEED, 'inputs');
  const normal = (shape: readonly number[]): Value =>
    constant(
      Float32Array.from({ length: sizeOf(shape) }, () => numbers.normal()),
      spec(shape),
    );

  let h = normal([SAMPLES, WIDTH]);
  const target = normal([SAMPLES, 1]);
  const weights = Array.from({ length: depth }, (_, layer) => weight(`layer${layer}.weight`, [WIDTH, WIDTH]));
  for (const w of weights) h = activation(affine(h, w));
  const loss = meanSquaredError(affine(h, weight('out', [WIDTH, 1])), target);
  const gradients = differentiate(loss, weights).map((gradient, layer) => [`layer${layer}`, gradient!] as const);
  const { outputs } = interpret({ outputs: Object.fromEntries(gradients), writes: [] }, { precision: 'f64' });
  return gradients.map(([name]) => Math.hypot(...outputs[name]));
}
