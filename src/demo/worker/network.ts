import {
  adagrad,
  adam,
  adamw,
  conv2d,
  flatten,
  gelu,
  glorotUniform,
  heNormal,
  leakyRelu,
  linear,
  lion,
  maxPool2d,
  relu,
  rmsprop,
  schedules,
  sequential,
  sgd,
  sigmoid,
  silu,
  tanh,
  zeros,
  type Layer,
  type LearningRate,
  type Module,
  type Optimizer,
} from '../../index.ts';
import type { Settings } from '../settings.ts';

export const SIDE = 28;
export const CLASSES = 10;

const functions = { relu, leakyRelu, gelu, silu, tanh, sigmoid } as const;

/** As a layer, whose name is the same in a page that was made small. */
const activationOf = (name: keyof typeof functions): Layer => ({
  name,
  parameters: {},
  apply: (x) => functions[name](x),
});

/** PyTorch's law takes the biases along; the others' begin at 0. */
const lawOf = {
  he: { weightInitial: heNormal, biasInitial: zeros },
  glorot: { weightInitial: glorotUniform, biasInitial: zeros },
  torch: {},
} as const;

/** The network that the settings describe: images `[N, 28, 28]` in, logits `[N, 10]` out. */
export function networkOf({ model, layers, activation, initial }: Settings): Module {
  const act = activationOf(activation);
  const law = lawOf[initial];
  if (model === 'dense') {
    const widths = [SIDE * SIDE, ...layers];
    const hidden = layers.flatMap((width, at) => [linear(widths[at], width, law), act]);
    return sequential(flatten, ...hidden, linear(widths.at(-1)!, CLASSES, law));
  }
  const features = [1, ...layers];
  // The largest of a window first: the activation function then has a quarter of the work.
  const hidden = layers.flatMap((width, at) => [
    conv2d(features[at], width, 3, { padding: 'same', ...law }),
    maxPool2d(2),
    act,
  ]);
  const side = layers.reduce((extent) => Math.floor(extent / 2), SIDE);
  return sequential(...hidden, flatten, linear(side * side * layers.at(-1)!, CLASSES, law));
}

/** Steps over which the schedules do what they do. */
const COSINE_STEPS = 2000;
const HALVING_STEPS = 500;
const WARM_UP_STEPS = 200;

const scheduleOf = ({ rate, schedule }: Settings): LearningRate => {
  if (schedule === 'cosine') {
    const falling = schedules.cosine(rate, { steps: COSINE_STEPS, minimum: rate / 100 });
    // It would rise again.
    return (step) => falling(Math.min(step, COSINE_STEPS));
  }
  if (schedule === 'halving') return schedules.step(rate, { every: HALVING_STEPS, factor: 0.5 });
  return schedule === 'warmUp' ? schedules.warmUp(rate, { steps: WARM_UP_STEPS, from: 0.01 }) : rate;
};

/** The learning rate of a step, counted from 0. */
export function rateOf(settings: Settings, step: number): number {
  const rate = scheduleOf(settings);
  return typeof rate === 'number' ? rate : rate(step);
}

const MOMENTUM = 0.9;

/** The optimizer that the settings name, at their learning rate. */
export function optimizerOf(settings: Settings): Optimizer {
  const learningRate = scheduleOf(settings);
  const { optimizer } = settings;
  if (optimizer === 'sgd') return sgd({ learningRate });
  if (optimizer === 'momentum') return sgd({ learningRate, momentum: MOMENTUM });
  if (optimizer === 'nesterov') return sgd({ learningRate, momentum: MOMENTUM, nesterov: true });
  return { adam, adamw, rmsprop, adagrad, lion }[optimizer]({ learningRate });
}
