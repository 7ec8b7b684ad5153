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
import adamKernel from '../../shaders/adam.wgsl?raw';

interface Attrs {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly decoupled: boolean;
}

const adamOp: Op<Attrs> = {
  name: 'adam',
  effect: true,
  // parameters, m and v, among parameters, gradients, m, v, blocks, groups, schedule, control.
  inPlace: [0, 2, 3],
  infer: ([parameters, , m, v]) => [parameters, m, v],
  cpu([parameters, gradients, m, v, blocks, groups, schedule, control], [nextParameters, nextM, nextV], node) {
    const { beta1, beta2, epsilon, decoupled } = node.attrs;
    const row = 4 * (control[0] % (schedule.length / 4));
    const [learningRate, inverseC1, inverseRootC2] = schedule.subarray(row, row + 3);
    nextParameters.set(parameters);
    nextM.set(m);
    nextV.set(v);
    for (let block = 0; block < blocks.length; block++) {
      const [factor, decay, trains] = groupAt(groups, blocks[block]);
      if (!trains) continue;
      const rate = learningRate * factor;
      const kept = 1 - (decoupled ? rate * decay : 0);
      for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
        const g = gradients[i] + (decoupled ? 0 : decay * parameters[i]);
        const mean = beta1 * m[i] + (1 - beta1) * g;
        const square = beta2 * v[i] + (1 - beta2) * g * g;
        nextM[i] = mean;
        nextV[i] = square;
        nextParameters[i] =
          parameters[i] * kept - (rate * mean * inverseC1) / (Math.sqrt(square) * inverseRootC2 + epsilon);
      }
    }
  },
  gpu({ inputs: [parameters, , , , , , schedule], attrs: { beta1, beta2, epsilon, decoupled } }) {
    const count = parameters.spec.shape[0];
    const rates = [beta1, beta2, 1 - beta1, 1 - beta2, epsilon].map((f32) => ({ f32 }));
    return [
      {
        kernel: { name: 'adam', source: adamKernel, constants: { DECOUPLED: String(decoupled) } },
        uniform: [count, schedule.spec.shape[0], ...rates],
        grid: flatGrid(count),
      },
    ];
  },
  // p − update: the update may cancel p, and its own rounding is that of m, whose terms may cancel too.
  accuracy: ({ attrs: { beta1, beta2, epsilon } }) => ({
    ulps: 16,
    magnitude([parameters, gradients, m, v, blocks, groups, schedule, control], [, , nextV]) {
      const row = 4 * (control[0] % (schedule.length / 4));
      const [learningRate, inverseC1, inverseRootC2] = schedule.subarray(row, row + 3);
      const sizes = [parameters, m, v].map(({ length }) => new Float64Array(length));
      for (let i = 0; i < parameters.length; i++) {
        const [factor, decay] = groupAt(groups, blocks[Math.floor(i / BLOCK)]);
        const g = Math.abs(gradients[i]) + decay * Math.abs(parameters[i]);
        const mean = beta1 * Math.abs(m[i]) + (1 - beta1) * g;
        const update = (learningRate * factor * mean * inverseC1) / (Math.sqrt(nextV[i]) * inverseRootC2 + epsilon);
        sizes[0][i] = Math.abs(parameters[i]) + update;
        sizes[1][i] = mean;
        sizes[2][i] = beta2 * v[i] + (1 - beta2) * g * g;
      }
      return sizes;
    },
    absolute: 1e-37,
  }),
};

export interface AdamOptions {
  /** 1e-3 */
  readonly learningRate?: LearningRate;
  /** Of the gradients' mean: 0.9 */
  readonly beta1?: number;
  /** Of their squares' mean: 0.999 */
  readonly beta2?: number;
  /** Added to the root of the squares: 1e-8 */
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly groups?: readonly ParameterGroup[];
}

function define(name: string, decoupled: boolean, defaultDecay: number, options: AdamOptions): Optimizer {
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = defaultDecay } = options;
  const groups = options.groups ?? [];
  requireUsualOptions(name, { learningRate, weightDecay, groups });
  requireOption(name, 'beta1', beta1, 1);
  requireOption(name, 'beta2', beta2, 1);
  requireOption(name, 'epsilon', epsilon);
  return {
    name,
    learningRate,
    weightDecay,
    decaysEverything: !decoupled,
    moments: ['m', 'v'],
    groups,
    row: (step, rate) => [rate, 1 / (1 - beta1 ** (step + 1)), 1 / Math.sqrt(1 - beta2 ** (step + 1)), 0],
    update: ({ parameters, gradients, moments, blocks, groups: table, schedule, control }) =>
      apply(adamOp, [parameters, gradients, ...moments, blocks, table, schedule, control], {
        beta1,
        beta2,
        epsilon,
        decoupled,
      }),
  };
}

/**
 * Adam, with PyTorch's defaults; decay, 0 by default, is added to the gradient. Source: Kingma and Ba 2014.
 * @throws DataError for an option out of its range
 */
export const adam = (options: AdamOptions = {}): Optimizer => define('adam', false, 0, options);

/**
 * Adam with decay of the weights themselves, 0.01 by default as in PyTorch, except that biases and norms do not decay
 * unless a group says so. Source: Loshchilov and Hutter 2017.
 * @throws DataError for an option out of its range
 */
export const adamw = (options: AdamOptions = {}): Optimizer => define('adamw', true, 0.01, options);
