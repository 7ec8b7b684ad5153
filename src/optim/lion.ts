import { optionsOf } from '../core/argumentChecks.ts';
import { keptInF32, requireOption, usualDefaults, type Optimizer, type UsualOptions } from './optimizer.ts';
import { optimizerOf } from './update.ts';
import nan from '../../shaders/functions/nan.wgsl?raw';

/** What `lion` may be told. */
export interface LionOptions extends UsualOptions {
  /** Of the mean whose sign is the direction: 0.9 */
  readonly beta1?: number;
  /** Of the mean that is kept: 0.99 */
  readonly beta2?: number;
}

/**
 * Steps of one size in the direction of the momentum's sign, with the source's defaults, a learning rate of 1e-4, where
 * Keras has 1e-3. Decay, 0 by default, is of the weights themselves; biases and norms do not decay unless a group says
 * so. Source: Chen et al. 2023, algorithm 2.
 * @throws DataError for an option out of its range
 */
export function lion(given: LionOptions = {}): Optimizer {
  const options = optionsOf('lion', given, { ...usualDefaults, learningRate: 1e-4, beta1: 0.9, beta2: 0.99 });
  requireOption('lion', 'beta1', options.beta1, 1);
  requireOption('lion', 'beta2', options.beta2, 1);
  const [beta1, beta2] = [options.beta1, options.beta2].map(keptInF32);
  const [rest1, rest2] = [1 - beta1, 1 - beta2];
  return optimizerOf(
    {
      name: 'lion',
      decoupled: true,
      moments: { m: 0 },
      constants: { beta1, beta2, rest1, rest2 },
      row: (_, rate) => [rate],
      change:
        ([m]) =>
        (i, g, rate) => {
          const direction = beta1 * m[i] + rest1 * g;
          m[i] = beta2 * m[i] + rest2 * g;
          return rate * Math.sign(direction);
        },
      // The sign of NaN is left to the driver.
      wgsl: `
        let direction = beta1 * m[i] + rest1 * g;
        m[i] = beta2 * m[i] + rest2 * g;
        return rate * select(sign(direction), direction, is_nan(direction));`,
      includes: [nan],
      wasm: 'lionUpdate',
    },
    options,
  );
}
