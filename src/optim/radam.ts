import { optionsOf } from '../core/argumentChecks.ts';
import { adamDefaults, betasOf, type AdamOptions } from './adam.ts';
import type { Optimizer } from './optimizer.ts';
import { optimizerOf } from './update.ts';

/** Below so many steps' worth of squares their variance is too large to divide by. Source: PyTorch; 4 in the paper. */
const LEAST_LENGTH = 5;

/** What the root of the squares is corrected by at step t, counted from 1: its variance's share too; 0 for not yet. */
function rectification(beta2: number, t: number): number {
  const limit = 2 / (1 - beta2) - 1;
  const correction = 1 - beta2 ** t;
  const length = limit - (2 * t * beta2 ** t) / correction;
  if (length <= LEAST_LENGTH) return 0;
  const share = ((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length);
  return Math.sqrt(share * correction);
}

/**
 * Adam whose first steps are descent with momentum, until the squares' mean is known well enough, with PyTorch's rule
 * and defaults, a learning rate of 1e-3; epsilon is added to the root before it is corrected. Source: Liu et al. 2019.
 * @throws DataError for an option out of its range
 */
export function radam(given: AdamOptions = {}): Optimizer {
  const options = optionsOf('radam', given, adamDefaults);
  const { beta1, beta2, epsilon } = betasOf('radam', options);
  const [rest1, rest2] = [1 - beta1, 1 - beta2];
  return optimizerOf(
    {
      name: 'radam',
      moments: { m: 0, v: 0 },
      constants: { beta1, beta2, rest1, rest2, epsilon },
      row: (step, rate) => [rate / (1 - beta1 ** (step + 1)), rectification(beta2, step + 1)],
      change:
        ([m, v], [, rectified]) =>
        (i, g, rate) => {
          const mean = beta1 * m[i] + rest1 * g;
          const square = beta2 * v[i] + rest2 * g * g;
          m[i] = mean;
          v[i] = square;
          return rectified > 0 ? (rate * mean * rectified) / (Math.sqrt(square) + epsilon) : rate * mean;
        },
      wgsl: `
        let mean = beta1 * m[i] + rest1 * g;
        let square = beta2 * v[i] + rest2 * g * g;
        m[i] = mean;
        v[i] = square;
        return select(rate * mean, rate * mean * now.y / (sqrt(square) + epsilon), now.y > 0.0);`,
      wasm: 'radamUpdate',
    },
    options,
  );
}
