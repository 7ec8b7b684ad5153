import { requireOption, type Optimizer, type UsualOptions } from './optimizer.ts';
import { optimizerOf } from './update.ts';

export interface SgdOptions extends UsualOptions {
  /** 0 */
  readonly momentum?: number;
  /** Looks ahead by the momentum. Source: Sutskever et al. 2013. */
  readonly nesterov?: boolean;
}

/**
 * Stochastic gradient descent, with PyTorch's rule and defaults, a learning rate of 1e-3: the momentum's first step is
 * the gradient itself. Without momentum nothing is kept beside the parameters.
 * @throws DataError for an option out of its range
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false } = options;
  requireOption('sgd', 'momentum', momentum);
  const usual = { name: 'sgd', row: (_: number, rate: number) => [rate] };
  const plain = { ...usual, moments: {}, constants: {}, wgsl: 'return rate * g;' };
  if (momentum === 0) {
    return optimizerOf({ ...plain, change: () => (_, g, rate) => rate * g }, options, { learningRate: 1e-3 });
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
    },
    options,
    { learningRate: 1e-3 },
  );
}
