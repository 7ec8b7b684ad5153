import { flatGrid } from '../core/launch.ts';
import { BLOCK } from '../core/layout.ts';
import { apply, type Op } from '../graph/graph.ts';
import {
  groupAt,
  requireOption,
  requireUsualOptions,
  type LearningRate,
  type Optimizer,
  type ParameterGroup,
} from './optimizer.ts';
import sgdKernel from '../../shaders/sgd.wgsl?raw';

interface Attrs {
  readonly momentum: number;
  readonly nesterov: boolean;
}

const sgdOp: Op<Attrs> = {
  name: 'sgd',
  effect: true,
  // parameters and velocity, among parameters, gradients, velocity, blocks, groups, schedule, control.
  inPlace: [0, 2],
  infer: ([parameters, , velocity]) => [parameters, velocity],
  cpu([parameters, gradients, velocity, blocks, groups, schedule, control], [nextParameters, nextVelocity], node) {
    const { momentum, nesterov } = node.attrs;
    const learningRate = schedule[4 * (control[0] % (schedule.length / 4))];
    nextParameters.set(parameters);
    nextVelocity.set(velocity);
    for (let block = 0; block < blocks.length; block++) {
      const [factor, decay, trains] = groupAt(groups, blocks[block]);
      if (!trains) continue;
      for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
        const g = gradients[i] + decay * parameters[i];
        const next = momentum * velocity[i] + g;
        nextVelocity[i] = next;
        nextParameters[i] = parameters[i] - learningRate * factor * (nesterov ? g + momentum * next : next);
      }
    }
  },
  gpu({ inputs: [parameters, , , , , schedule], attrs: { momentum, nesterov } }) {
    const count = parameters.spec.shape[0];
    return [
      {
        kernel: { name: 'sgd', source: sgdKernel, constants: { NESTEROV: String(nesterov) } },
        uniform: [count, schedule.spec.shape[0], { f32: momentum }],
        grid: flatGrid(count),
      },
    ];
  },
  accuracy: ({ attrs: { momentum } }) => ({
    ulps: 16,
    magnitude([parameters, gradients, velocity, blocks, groups, schedule, control]) {
      const learningRate = schedule[4 * (control[0] % (schedule.length / 4))];
      const sizes = [parameters, velocity].map(({ length }) => new Float64Array(length));
      for (let i = 0; i < parameters.length; i++) {
        const [factor, decay] = groupAt(groups, blocks[Math.floor(i / BLOCK)]);
        const g = Math.abs(gradients[i]) + decay * Math.abs(parameters[i]);
        const next = momentum * Math.abs(velocity[i]) + g;
        sizes[0][i] = Math.abs(parameters[i]) + learningRate * factor * (g + next);
        sizes[1][i] = next;
      }
      return sizes;
    },
    absolute: 1e-37,
  }),
};

export interface SgdOptions {
  /** 1e-3 */
  readonly learningRate?: LearningRate;
  /** 0 */
  readonly momentum?: number;
  /** Looks ahead by the momentum. Source: Sutskever et al. 2013. */
  readonly nesterov?: boolean;
  /** Added to the gradient: 0 */
  readonly weightDecay?: number;
  readonly groups?: readonly ParameterGroup[];
}

/**
 * Stochastic gradient descent, with PyTorch's rule and defaults: the momentum's first step is the gradient itself.
 * @throws DataError for an option out of its range
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { learningRate = 1e-3, momentum = 0, nesterov = false, weightDecay = 0, groups: own = [] } = options;
  requireUsualOptions('sgd', { learningRate, weightDecay, groups: own });
  requireOption('sgd', 'momentum', momentum);
  return {
    name: 'sgd',
    learningRate,
    weightDecay,
    decaysEverything: true,
    moments: ['velocity'],
    groups: own,
    row: (_, rate) => [rate, 0, 0, 0],
    update: ({ parameters, gradients, moments, blocks, groups, schedule, control }) =>
      apply(sgdOp, [parameters, gradients, ...moments, blocks, groups, schedule, control], { momentum, nesterov }),
  };
}
