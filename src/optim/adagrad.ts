import { optionsOf } from '../core/argumentChecks.ts';
import { epsilonInF32, requireOption, usualDefaults, type Optimizer, type UsualOptions } from './optimizer.ts';
import { optimizerOf } from './update.ts';

/** What `adagrad` may be told. */
export interface AdagradOptions extends UsualOptions {
  /** The rate of step t is divided by 1 + t · this: 0 */
  readonly learningRateDecay?: number;
  /** What the sums of the squares begin at: 0 */
  readonly initialAccumulator?: number;
  /** Added to the root of the squares: 1e-10 */
  readonly epsilon?: number;
}

/**
 * Gradients divided by the root of the sum of all their squares so far, with PyTorch's rule and defaults, a learning
 * rate of 0.01. Keras' sums begin at 0.1, and its epsilon of 1e-7 stands under the root. Source: Duchi et al. 2011.
 * @throws DataError for an option out of its range
 */
export function adagrad(given: AdagradOptions = {}): Optimizer {
  const own = { learningRateDecay: 0, initialAccumulator: 0, epsilon: 1e-10 };
  const options = optionsOf('adagrad', given, { ...usualDefaults, learningRate: 0.01, ...own });
  const { learningRateDecay, initialAccumulator } = options;
  requireOption('adagrad', 'learningRateDecay', learningRateDecay);
  requireOption('adagrad', 'initialAccumulator', initialAccumulator);
  requireOption('adagrad', 'epsilon', options.epsilon);
  const epsilon = epsilonInF32(options.epsilon);
  return optimizerOf(
    {
      name: 'adagrad',
      moments: { squares: initialAccumulator },
      constants: { epsilon },
      row: (step, rate) => [rate / (1 + step * learningRateDecay)],
      change:
        ([squares]) =>
        (i, g, rate) => {
          const total = squares[i] + g * g;
          squares[i] = total;
          return (rate * g) / (Math.sqrt(total) + epsilon);
        },
      wgsl: `
        let total = squares[i] + g * g;
        squares[i] = total;
        return rate * g / (sqrt(total) + epsilon);`,
      wasm: 'adagradUpdate',
    },
    options,
  );
}
