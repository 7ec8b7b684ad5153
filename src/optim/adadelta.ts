import { optionsOf } from '../core/argumentChecks.ts';
import { usualDefaults, type Optimizer, type UsualOptions } from './optimizer.ts';
import { squareMean } from './squareMean.ts';
import { optimizerOf } from './update.ts';

/** What `adadelta` may be told. */
export interface AdadeltaOptions extends UsualOptions {
  /** Of the means of squares: 0.9 */
  readonly rho?: number;
  /** Added under both roots: 1e-6 */
  readonly epsilon?: number;
}

/**
 * Gradients scaled by the root mean square of past changes over their own, with PyTorch's rule and defaults, a learning
 * rate of 1. Keras has a rate of 1e-3, rho 0.95 and epsilon 1e-7. Source: Zeiler 2012.
 * @throws DataError for an option out of its range
 */
export function adadelta(given: AdadeltaOptions = {}): Optimizer {
  const options = optionsOf('adadelta', given, { ...usualDefaults, learningRate: 1, rho: 0.9, epsilon: 1e-6 });
  const { decay: rho, rest, epsilon } = squareMean('adadelta', ['rho', options.rho], options.epsilon);
  return optimizerOf(
    {
      name: 'adadelta',
      moments: { square: 0, change: 0 },
      constants: { rho, rest, epsilon },
      row: (_, rate) => [rate],
      change:
        ([square, change]) =>
        (i, g, rate) => {
          const next = rho * square[i] + rest * g * g;
          const delta = (Math.sqrt(change[i] + epsilon) / Math.sqrt(next + epsilon)) * g;
          square[i] = next;
          change[i] = rho * change[i] + rest * delta * delta;
          return rate * delta;
        },
      wgsl: `
        let next = rho * square[i] + rest * g * g;
        let delta = sqrt(change[i] + epsilon) / sqrt(next + epsilon) * g;
        square[i] = next;
        change[i] = rho * change[i] + rest * delta * delta;
        return rate * delta;`,
      wasm: 'adadeltaUpdate',
    },
    options,
  );
}
