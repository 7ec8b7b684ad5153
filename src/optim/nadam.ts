import { optionsOf } from '../core/argumentChecks.ts';
import { adamDefaults, betasOf, type AdamOptions } from './adam.ts';
import { requireOption, type Optimizer } from './optimizer.ts';
import { optimizerOf } from './update.ts';

/** What `nadam` may be told. */
export interface NadamOptions extends AdamOptions {
  /** How fast the momentum rises from half of beta1 to beta1: 4e-3 */
  readonly momentumDecay?: number;
}

/** Of the momentum's schedule, in the source. */
const WARMING = 0.96;

/** The momentum of step t, counted from 1, and the product of those of steps 1 … t, which are known once asked for. */
function momentaOf(beta1: number, decay: number): { at(t: number): number; productTo(t: number): number } {
  const at = (t: number): number => beta1 * (1 - 0.5 * WARMING ** (t * decay));
  const products = [1];
  return {
    at,
    productTo(t) {
      for (let last = products.length; last <= t && products[last - 1] > 0; last++) {
        products.push(products[last - 1] * at(last));
      }
      return products[t] ?? 0;
    },
  };
}

/**
 * Adam with Nesterov's momentum, with PyTorch's rule and defaults, a learning rate of 2e-3. Keras has a rate of 1e-3 and
 * an epsilon of 1e-7, and its momentum rises as with a momentumDecay of 1. Source: Dozat 2016.
 * @throws DataError for an option out of its range
 */
export function nadam(given: NadamOptions = {}): Optimizer {
  const options = optionsOf('nadam', given, { ...adamDefaults, learningRate: 2e-3, momentumDecay: 4e-3 });
  const { momentumDecay } = options;
  const { beta1, beta2, epsilon } = betasOf('nadam', options);
  requireOption('nadam', 'momentumDecay', momentumDecay);
  const [rest1, rest2] = [1 - beta1, 1 - beta2];
  const momenta = momentaOf(beta1, momentumDecay);
  return optimizerOf(
    {
      name: 'nadam',
      moments: { m: 0, v: 0 },
      constants: { beta1, beta2, rest1, rest2, epsilon },
      // rate · (a · m + b · g) as (rate · b) · (a / b · m + g), because only the first is multiplied by groups.
      row(step, rate) {
        const t = step + 1;
        const a = momenta.at(t + 1) / (1 - momenta.productTo(t + 1));
        const b = (1 - momenta.at(t)) / (1 - momenta.productTo(t));
        return [rate * b, a / b, 1 / Math.sqrt(1 - beta2 ** t)];
      },
      change:
        ([m, v], [, y, z]) =>
        (i, g, rate) => {
          const mean = beta1 * m[i] + rest1 * g;
          const square = beta2 * v[i] + rest2 * g * g;
          m[i] = mean;
          v[i] = square;
          return (rate * (mean * y + g)) / (Math.sqrt(square) * z + epsilon);
        },
      wgsl: `
        let mean = beta1 * m[i] + rest1 * g;
        let square = beta2 * v[i] + rest2 * g * g;
        m[i] = mean;
        v[i] = square;
        return rate * (mean * now.y + g) / (sqrt(square) * now.z + epsilon);`,
      wasm: 'nadamUpdate',
    },
    options,
  );
}
