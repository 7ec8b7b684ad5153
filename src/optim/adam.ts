import { optionsOf } from '../core/argumentChecks.ts';
import {
  epsilonInF32,
  keptInF32,
  requireOption,
  usualDefaults,
  type Optimizer,
  type Usual,
  type UsualOptions,
} from './optimizer.ts';
import { optimizerOf } from './update.ts';

/** What `adam` and its relatives may be told. */
export interface AdamOptions extends UsualOptions {
  /** Of the gradients' mean: 0.9 */
  readonly beta1?: number;
  /** Of their squares' mean: 0.999 */
  readonly beta2?: number;
  /** Added to the root of the squares: 1e-8 */
  readonly epsilon?: number;
}

/** What the options of Adam and its relatives are where one does not say otherwise. */
export const adamDefaults = { ...usualDefaults, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

type Betas = Required<Pick<AdamOptions, 'beta1' | 'beta2' | 'epsilon'>>;

/** The options of Adam and its relatives, checked, as kernels have them. */
export function betasOf(name: string, { beta1, beta2, epsilon }: Betas): Betas {
  requireOption(name, 'beta1', beta1, 1);
  requireOption(name, 'beta2', beta2, 1);
  requireOption(name, 'epsilon', epsilon);
  return { beta1: keptInF32(beta1), beta2: keptInF32(beta2), epsilon: epsilonInF32(epsilon) };
}

function define(name: string, decoupled: boolean, options: Betas & Usual): Optimizer {
  const { beta1, beta2, epsilon } = betasOf(name, options);
  const [rest1, rest2] = [1 - beta1, 1 - beta2];
  return optimizerOf(
    {
      name,
      decoupled,
      moments: { m: 0, v: 0 },
      constants: { beta1, beta2, rest1, rest2, epsilon },
      // The rate, 1 / c1 and 1 / √c2, c1 and c2 being the corrections for moments that begin at 0.
      row: (step, rate) => [rate, 1 / (1 - beta1 ** (step + 1)), 1 / Math.sqrt(1 - beta2 ** (step + 1))],
      change:
        ([m, v], [, y, z]) =>
        (i, g, rate) => {
          const mean = beta1 * m[i] + rest1 * g;
          const square = beta2 * v[i] + rest2 * g * g;
          m[i] = mean;
          v[i] = square;
          return (rate * (mean * y)) / (Math.sqrt(square) * z + epsilon);
        },
      wgsl: `
        let mean = beta1 * m[i] + rest1 * g;
        let square = beta2 * v[i] + rest2 * g * g;
        m[i] = mean;
        v[i] = square;
        return rate * (mean * now.y) / (sqrt(square) * now.z + epsilon);`,
      wasm: 'adamUpdate',
    },
    options,
  );
}

/**
 * Adam, with PyTorch's defaults, a learning rate of 1e-3; decay, 0 by default, is added to the gradient. Keras' epsilon
 * is 1e-7. Source: Kingma and Ba 2014.
 * @throws DataError for an option out of its range
 */
export const adam = (options: AdamOptions = {}): Optimizer =>
  define('adam', false, optionsOf('adam', options, adamDefaults));

/**
 * Adam with decay of the weights themselves, 0.01 by default as in PyTorch, except that biases and norms do not decay
 * unless a group says so. Source: Loshchilov and Hutter 2017.
 * @throws DataError for an option out of its range
 */
export const adamw = (options: AdamOptions = {}): Optimizer =>
  define('adamw', true, optionsOf('adamw', options, { ...adamDefaults, weightDecay: 0.01 }));
