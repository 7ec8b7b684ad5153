import { optionsOf } from '../core/argumentChecks.ts';
import { requireOption, usualDefaults, type Optimizer, type UsualOptions } from './optimizer.ts';
import { squareMean } from './squareMean.ts';
import { optimizerOf } from './update.ts';

/** What `rmsprop` may be told. */
export interface RmspropOptions extends UsualOptions {
  /** Of the mean of the gradients' squares: 0.99 */
  readonly alpha?: number;
  /** Added to the root of the squares: 1e-8 */
  readonly epsilon?: number;
  /** 0 */
  readonly momentum?: number;
  /** Divides by the gradients' deviation rather than by the root of their squares. Source: Graves 2013. */
  readonly centered?: boolean;
}

/**
 * Gradients divided by the root of their squares' mean, with PyTorch's rule and defaults, a learning rate of 0.01.
 * Keras has alpha 0.9, adds its epsilon of 1e-7 under the root, and multiplies by the rate before the momentum.
 * Source: Hinton 2012, lecture 6e.
 * @throws DataError for an option out of its range
 */
export function rmsprop(given: RmspropOptions = {}): Optimizer {
  const own = { alpha: 0.99, epsilon: 1e-8, momentum: 0, centered: false };
  const options = optionsOf('rmsprop', given, { ...usualDefaults, learningRate: 0.01, ...own });
  const { momentum, centered } = options;
  const { decay: alpha, rest, epsilon } = squareMean('rmsprop', ['alpha', options.alpha], options.epsilon);
  requireOption('rmsprop', 'momentum', momentum, 1);
  return optimizerOf(
    {
      name: 'rmsprop',
      moments: { square: 0, ...(centered && { mean: 0 }), ...(momentum > 0 && { velocity: 0 }) },
      constants: { alpha, rest, epsilon, momentum },
      row: (_, rate) => [rate],
      change: ([square, ...others]) => {
        const mean = centered ? others[0] : null;
        const velocity = momentum > 0 ? others[centered ? 1 : 0] : null;
        return (i, g, rate) => {
          let variance = (square[i] = alpha * square[i] + rest * g * g);
          if (mean) {
            mean[i] = alpha * mean[i] + rest * g;
            variance -= mean[i] * mean[i];
          }
          // Rounding may take a variance below 0.
          const scaled = g / (Math.sqrt(variance < 0 ? 0 : variance) + epsilon);
          return rate * (velocity ? (velocity[i] = momentum * velocity[i] + scaled) : scaled);
        };
      },
      wgsl: `
        var variance = alpha * square[i] + rest * g * g;
        square[i] = variance;
        ${centered ? 'let next_mean = alpha * mean[i] + rest * g;\nmean[i] = next_mean;\nvariance -= next_mean * next_mean;' : ''}
        var scaled = g / (sqrt(select(variance, 0.0, variance < 0.0)) + epsilon);
        ${momentum > 0 ? 'scaled += momentum * velocity[i];\nvelocity[i] = scaled;' : ''}
        return rate * scaled;`,
      wasm: 'rmspropUpdate',
    },
    options,
  );
}
