import { DataError } from '../core/errors.ts';
import { optionsOf } from '../core/argumentChecks.ts';
import { requireOption, usualDefaults, type Optimizer, type UsualOptions } from './optimizer.ts';
import { optimizerOf } from './update.ts';

/** What `sgd` may be told. */
export interface SgdOptions extends UsualOptions {
  /** From 0 up to 1, but not 1 itself: 0 */
  readonly momentum?: number;
  /** Looks ahead by the momentum, of which there must be some. Source: Sutskever et al. 2013. */
  readonly nesterov?: boolean;
}

/**
 * Stochastic gradient descent, with PyTorch's rule and defaults, a learning rate of 1e-3: the momentum's first step is
 * the gradient itself. Without momentum nothing is kept beside the parameters.
 * @throws DataError for an option out of its range
 */
export function sgd(given: SgdOptions = {}): Optimizer {
  const options = optionsOf('sgd', given, { ...usualDefaults, momentum: 0, nesterov: false });
  const { momentum, nesterov } = options;
  requireOption('sgd', 'momentum', momentum, 1);
  if (nesterov && momentum === 0) {
    throw new DataError('[sgd] nesterov needs a momentum above 0: give one, as 0.9');
  }
  const usual = { name: 'sgd', row: (_: number, rate: number) => [rate] };
  const plain = { ...usual, moments: {}, constants: {}, wgsl: 'return rate * g;', wasm: 'sgdUpdate' };
  if (momentum === 0) {
    return optimizerOf({ ...plain, change: () => (_, g, rate) => rate * g }, options);
  }
  return optimizerOf(
    {
      ...usual,
      moments: { velocity: 0 },
      constants: { momentum },
      change:
        ([velocity]) =>
        (i, g, rate) => {
          const next = momentum * velocity[i] + g;
          velocity[i] = next;
          return rate * (nesterov ? g + momentum * next : next);
        },
      wgsl: `
        let next = momentum * velocity[i] + g;
        velocity[i] = next;
        return rate * ${nesterov ? '(g + momentum * next)' : 'next'};`,
      wasm: nesterov ? 'nesterovUpdate' : 'momentumUpdate',
    },
    options,
  );
}
