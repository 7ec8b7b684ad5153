// Ten steps here from the weights, and on the batches, of python/training.py.

import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  batchNorm,
  createTrainer,
  dataset,
  linear,
  lion,
  meanSquaredError,
  nadam,
  radam,
  rmsprop,
  sequential,
  sgd,
  take,
  tanh,
  type Optimizer,
} from '../../src/index.ts';

type Numbers = Readonly<Record<string, readonly number[]>>;

/** What python/training.py prints. */
export interface Training {
  readonly extents: Readonly<Record<'steps' | 'samples' | 'in' | 'hidden' | 'out', number>>;
  readonly x: readonly number[];
  readonly target: readonly number[];
  readonly begin: Numbers;
  readonly torch: Readonly<Record<string, Numbers>>;
  readonly keras: Readonly<Record<string, Numbers>>;
  readonly normed: Readonly<Record<'torch' | 'keras', Numbers>>;
}

/** PyTorch's optimizers, by the names in the script. */
export const ofTorch: Readonly<Record<string, Optimizer>> = {
  adam: adam({ learningRate: 0.01 }),
  'adam, decay': adam({ learningRate: 0.01, beta1: 0.8, beta2: 0.95, weightDecay: 0.1 }),
  adamw: adamw({ learningRate: 0.01, weightDecay: 0.1 }),
  sgd: sgd({ learningRate: 0.1 }),
  'sgd, momentum': sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 }),
  'sgd, nesterov': sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  rmsprop: rmsprop({ learningRate: 0.01 }),
  'rmsprop, centered': rmsprop({ learningRate: 0.01, alpha: 0.9, momentum: 0.5, centered: true }),
  adagrad: adagrad({ learningRate: 0.05, learningRateDecay: 0.1 }),
  adadelta: adadelta({ learningRate: 1 }),
  adamax: adamax({ learningRate: 0.01 }),
  nadam: nadam({ learningRate: 0.01 }),
  radam: radam({ learningRate: 0.01 }),
};

/** Keras' own one stands in another place: see the script. */
const epsilon = 1e-10;

/** Keras' optimizers. */
export const ofKeras: Readonly<Record<string, Optimizer>> = {
  adam: adam({ learningRate: 0.01, epsilon }),
  'adam, usual epsilon': adam({ learningRate: 0.01, epsilon: 1e-7 }),
  adamw: adamw({ learningRate: 0.01, weightDecay: 0.1, epsilon }),
  sgd: sgd({ learningRate: 0.1 }),
  'sgd, momentum': sgd({ learningRate: 0.05, momentum: 0.9 }),
  'sgd, nesterov': sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  rmsprop: rmsprop({ learningRate: 0.01, alpha: 0.9, epsilon }),
  adagrad: adagrad({ learningRate: 0.05, initialAccumulator: 0.1, epsilon }),
  adamax: adamax({ learningRate: 0.01, epsilon }),
  nadam: nadam({ learningRate: 0.01, momentumDecay: 1, epsilon }),
  lion: lion({ learningRate: 0.01 }),
};

/** The weights after ten steps, by the script's names. */
export async function trainedHere(
  { extents, x, target, begin }: Training,
  optimizer: Optimizer,
  isNormed = false,
): Promise<Numbers> {
  const { steps, samples, in: from, hidden, out } = extents;
  const norm = isNormed ? [batchNorm(hidden)] : [];
  const data = dataset({
    x: { data: Float32Array.from(x), shape: [from] },
    target: { data: Float32Array.from(target), shape: [out] },
  });
  const trainer = await createTrainer({
    model: sequential(linear(from, hidden, { bias: !isNormed }), ...norm, tanh, linear(hidden, out)),
    loss: meanSquaredError,
    optimizer,
    batchSize: samples,
    data,
    backend: 'cpu',
  });
  const last = `layer${2 + norm.length}`;
  const names: Readonly<Record<string, string>> = {
    w1: 'layer0.weight',
    w2: `${last}.weight`,
    b2: `${last}.bias`,
    ...(!isNormed && { b1: 'layer0.bias' }),
    ...(isNormed && {
      gamma: 'layer1.gamma',
      beta: 'layer1.beta',
      mean: 'layer1.runningMean',
      variance: 'layer1.runningVariance',
    }),
  };
  const first = Object.entries(begin).flatMap(([name, numbers]) =>
    names[name] ? [[names[name], Float32Array.from(numbers)] as const] : [],
  );
  await trainer.writeParameters(Object.fromEntries(first));
  for (let step = 0; step < steps; step++) await trainer.step(take(data, step * samples, (step + 1) * samples));
  const { tensors } = await trainer.forward();
  trainer.destroy();
  return Object.fromEntries(Object.entries(names).map(([name, own]) => [name, Array.from(tensors[own].data)]));
}

/** What is to be equal to a tenth of a step: an epsilon that stands in another place. */
export const isNear = (name: string): boolean => name.endsWith('usual epsilon');

/** The largest difference between weights of one name. */
export const apart = (a: Numbers, b: Numbers): number =>
  Math.max(...Object.entries(a).flatMap(([name, numbers]) => numbers.map((one, at) => Math.abs(one - b[name][at]))));
