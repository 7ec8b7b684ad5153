import { optionsOf } from '../core/argumentChecks.ts';
import { adamDefaults, betasOf, type AdamOptions } from './adam.ts';
import type { Optimizer } from './optimizer.ts';
import { optimizerOf } from './update.ts';
import arithmetic from '../../shaders/functions/arithmetic.wgsl?raw';
import nan from '../../shaders/functions/nan.wgsl?raw';

/**
 * Adam with the largest recent gradient in place of the root of the squares, with PyTorch's rule and defaults, a learning
 * rate of 2e-3; epsilon is added to each gradient's size. Keras has a rate of 1e-3, and adds its epsilon of 1e-7 to the
 * largest instead. Source: Kingma and Ba 2014, section 7.1.
 * @throws DataError for an option out of its range
 */
export function adamax(given: AdamOptions = {}): Optimizer {
  const options = optionsOf('adamax', given, { ...adamDefaults, learningRate: 2e-3 });
  const { beta1, beta2, epsilon } = betasOf('adamax', options);
  const rest1 = 1 - beta1;
  return optimizerOf(
    {
      name: 'adamax',
      moments: { m: 0, largest: 0 },
      constants: { beta1, beta2, rest1, epsilon },
      row: (step, rate) => [rate / (1 - beta1 ** (step + 1))],
      change:
        ([m, largest]) =>
        (i, g, rate) => {
          const mean = beta1 * m[i] + rest1 * g;
          const size = Math.max(beta2 * largest[i], Math.abs(g) + epsilon);
          m[i] = mean;
          largest[i] = size;
          return (rate * mean) / size;
        },
      wgsl: `
        let mean = beta1 * m[i] + rest1 * g;
        let size = larger(beta2 * largest[i], abs(g) + epsilon);
        m[i] = mean;
        largest[i] = size;
        return rate * mean / size;`,
      includes: [nan, arithmetic],
      wasm: 'adamaxUpdate',
    },
    options,
  );
}
