import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import type { Numbers } from '../../src/core/shape.ts';
import * as millrace from '../../src/index.ts';
import type { GivenSamples, Loss, Optimizer, Samples, Value } from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

/** Fresh nets at every run of the suite; the seed is printed with each failure, and can be pinned. */
const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const BATCH = 6;
const STEPS = 30;
/** Two f32 implementations that sum in different orders drift apart by some 1e-7 a step; a wrong rule, by 1e-3. */
const TOLERANCE = 1e-5;

/** An activation in both libraries. */
interface Activation {
  readonly ours: (x: Value) => Value;
  readonly theirs: (x: tf.Tensor2D) => tf.Tensor2D;
}

const activations = {
  relu: { ours: millrace.relu, theirs: tf.relu },
  tanh: { ours: millrace.tanh, theirs: tf.tanh },
  sigmoid: { ours: millrace.sigmoid, theirs: tf.sigmoid },
  elu: { ours: millrace.elu, theirs: tf.elu },
  selu: { ours: millrace.selu, theirs: tf.selu },
  softplus: { ours: millrace.softplus, theirs: tf.softplus },
  leakyRelu: { ours: (x) => millrace.leakyRelu(x, { slope: 0.1 }), theirs: (x) => tf.leakyRelu(x, 0.1) },
  silu: { ours: millrace.silu, theirs: (x) => tf.mul(x, tf.sigmoid(x)) },
} satisfies Record<string, Activation>;

/** A loss in both libraries, and what it takes as a target. */
interface Judged {
  readonly ours: Loss;
  readonly theirs: (outputs: tf.Tensor2D, target: Numbers) => tf.Scalar;
  /** Numbers of a target in one sample of a net with so many outputs. */
  readonly shapeOf: (outputs: number) => number[];
  readonly draw: (random: Random, size: number, classes: number) => Numbers;
}

const like = (outputs: tf.Tensor2D, target: Numbers): tf.Tensor2D =>
  tf.tensor2d(Float32Array.from(target), outputs.shape, 'float32');
const normals = (random: Random, size: number): Float32Array =>
  Float32Array.from({ length: size }, () => random.normal());
const perOutput = (outputs: number): number[] => [outputs];

const losses = {
  crossEntropy: {
    ours: millrace.crossEntropy,
    theirs: (logits, target) =>
      tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d(Int32Array.from(target), 'int32'), logits.shape[1]), logits),
    shapeOf: () => [],
    draw: (random, size, classes) => Uint8Array.from({ length: size }, () => Math.floor(random.uniform(0, classes))),
  },
  meanSquaredError: {
    ours: millrace.meanSquaredError,
    theirs: (outputs, target) => tf.losses.meanSquaredError(like(outputs, target), outputs),
    shapeOf: perOutput,
    draw: normals,
  },
  huber: {
    ours: (outputs: Value, batch) => millrace.huber(outputs, batch, { delta: 0.7 }),
    theirs: (outputs, target) => tf.losses.huberLoss(like(outputs, target), outputs, undefined, 0.7),
    shapeOf: perOutput,
    draw: normals,
  },
  binaryCrossEntropy: {
    ours: millrace.binaryCrossEntropy,
    theirs: (logits, target) => tf.losses.sigmoidCrossEntropy(like(logits, target), logits),
    shapeOf: perOutput,
    draw: (random, size) => Float32Array.from({ length: size }, () => (random.uniform() < 0.4 ? 1 : 0)),
  },
} satisfies Record<string, Judged>;

/**
 * A rule in both libraries. TensorFlow's velocity, with Nesterov's look ahead too, is PyTorch's and ours. Where its
 * epsilon stands under the root, or beside the largest gradient, both are too small to be seen. Its adadelta divides by
 * the root of the step before, unlike Zeiler's and ours: there is nothing to compare.
 */
interface Rule {
  readonly ours: () => Optimizer;
  readonly theirs: () => tf.Optimizer;
}

const UNSEEN = 1e-10;

const rules = {
  sgd: { ours: () => millrace.sgd({ learningRate: 0.3 }), theirs: () => tf.train.sgd(0.3) },
  momentum: {
    ours: () => millrace.sgd({ learningRate: 0.05, momentum: 0.9 }),
    theirs: () => tf.train.momentum(0.05, 0.9),
  },
  nesterov: {
    ours: () => millrace.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
    theirs: () => tf.train.momentum(0.05, 0.9, true),
  },
  adam: {
    ours: () => millrace.adam({ learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-7 }),
    theirs: () => tf.train.adam(0.01, 0.9, 0.99, 1e-7),
  },
  rmsprop: {
    ours: () => millrace.rmsprop({ learningRate: 0.003, alpha: 0.9, epsilon: UNSEEN, momentum: 0.5 }),
    theirs: () => tf.train.rmsprop(0.003, 0.9, 0.5, UNSEEN ** 2),
  },
  centeredRmsprop: {
    ours: () => millrace.rmsprop({ learningRate: 0.003, alpha: 0.9, epsilon: UNSEEN, centered: true }),
    theirs: () => tf.train.rmsprop(0.003, 0.9, 0, UNSEEN ** 2, true),
  },
  adagrad: {
    ours: () => millrace.adagrad({ learningRate: 0.1, initialAccumulator: 0.3 }),
    theirs: () => tf.train.adagrad(0.1, 0.3),
  },
  adamax: {
    ours: () => millrace.adamax({ learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: UNSEEN }),
    theirs: () => tf.train.adamax(0.01, 0.8, 0.95, UNSEEN),
  },
} satisfies Record<string, Rule>;

interface Net {
  readonly widths: readonly number[];
  /** Between the layers. */
  readonly activations: readonly (keyof typeof activations)[];
  readonly loss: keyof typeof losses;
  readonly rule: keyof typeof rules;
}

const nets: readonly Net[] = [
  { widths: [5, 8, 3], activations: ['relu'], loss: 'crossEntropy', rule: 'sgd' },
  { widths: [4, 7, 6, 2], activations: ['tanh', 'sigmoid'], loss: 'meanSquaredError', rule: 'sgd' },
  { widths: [6, 9, 4], activations: ['leakyRelu'], loss: 'huber', rule: 'momentum' },
  { widths: [5, 8, 4, 3], activations: ['elu', 'relu'], loss: 'crossEntropy', rule: 'momentum' },
  { widths: [3, 6, 2], activations: ['softplus'], loss: 'binaryCrossEntropy', rule: 'nesterov' },
  { widths: [7, 5, 5, 2], activations: ['silu', 'tanh'], loss: 'huber', rule: 'nesterov' },
  { widths: [6, 10, 5], activations: ['tanh'], loss: 'crossEntropy', rule: 'adam' },
  { widths: [4, 8, 6, 1], activations: ['selu', 'sigmoid'], loss: 'binaryCrossEntropy', rule: 'adam' },
  { widths: [5, 6, 3], activations: ['sigmoid'], loss: 'meanSquaredError', rule: 'adam' },
  { widths: [5, 8, 3], activations: ['tanh'], loss: 'crossEntropy', rule: 'rmsprop' },
  { widths: [6, 7, 4], activations: ['softplus'], loss: 'meanSquaredError', rule: 'centeredRmsprop' },
  { widths: [4, 9, 5, 3], activations: ['elu', 'tanh'], loss: 'crossEntropy', rule: 'adagrad' },
  { widths: [5, 8, 2], activations: ['sigmoid'], loss: 'meanSquaredError', rule: 'adamax' },
];

/** Weights `[in, out]` and biases by our names: two layers of a sequence stand at even places. */
function drawWeights({ widths }: Net, random: Random): Record<string, Float32Array> {
  const entries = widths.slice(1).flatMap((out, at): [string, Float32Array][] => [
    [`layer${2 * at}.weight`, normals(random, widths[at] * out).map((x) => x / Math.sqrt(widths[at]))],
    [`layer${2 * at}.bias`, normals(random, out).map((x) => 0.3 * x)],
  ]);
  return Object.fromEntries(entries);
}

function drawBatches({ widths, loss }: Net, random: Random): (Samples & { readonly target: Numbers })[] {
  const { draw, shapeOf } = losses[loss];
  const outputs = widths.at(-1)!;
  const size = BATCH * shapeOf(outputs).reduce((product, extent) => product * extent, 1);
  return Array.from({ length: STEPS }, () => ({
    x: normals(random, BATCH * widths[0]),
    target: draw(random, size, outputs),
  }));
}

type Batches = ReturnType<typeof drawBatches>;

async function ourLosses(
  net: Net,
  weights: Record<string, Float32Array>,
  batches: Batches,
  backend: 'webgpu' | 'cpu',
): Promise<number[]> {
  const { widths } = net;
  const layers = widths.slice(1).flatMap((out, at) => {
    const layer = millrace.linear(widths[at], out);
    return at < net.activations.length ? [layer, activations[net.activations[at]].ours] : [layer];
  });
  const { ours, shapeOf } = losses[net.loss];
  const trainer = await millrace.createTrainer({
    model: millrace.sequential(...layers),
    loss: ours,
    optimizer: rules[net.rule].ours(),
    batchSize: BATCH,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
    data: millrace.dataset({
      x: { data: batches[0]['x'], shape: [widths[0]] },
      target: { data: batches[0].target, shape: shapeOf(widths.at(-1)!) },
    }),
  });
  try {
    await trainer.writeParameters(weights);
    const seen: number[] = [];
    for (const batch of batches) seen.push((await trainer.step(batch as GivenSamples<'x' | 'target'>)).loss);
    return seen;
  } finally {
    trainer.destroy();
  }
}

function theirLosses(net: Net, weights: Record<string, Float32Array>, batches: Batches): number[] {
  const { widths } = net;
  const layers = widths.slice(1).map((out, at) => ({
    weight: tf.variable(tf.tensor2d(weights[`layer${2 * at}.weight`], [widths[at], out])),
    bias: tf.variable(tf.tensor1d(weights[`layer${2 * at}.bias`])),
  }));
  const optimizer = rules[net.rule].theirs();
  const seen = batches.map(({ x, target }) => {
    const loss = optimizer.minimize(() => {
      let value = tf.tensor2d(Float32Array.from(x), [BATCH, widths[0]]);
      layers.forEach(({ weight, bias }, at) => {
        value = tf.add(tf.matMul(value, weight), bias);
        if (at < net.activations.length) value = activations[net.activations[at]].theirs(value);
      });
      return losses[net.loss].theirs(value, target);
    }, true);
    return loss!.dataSync()[0];
  });
  for (const { weight, bias } of layers) tf.dispose([weight, bias]);
  optimizer.dispose();
  return seen;
}

beforeAll(async () => {
  // It would advise on the console to take another backend.
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

describe.each(['webgpu', 'cpu'] as const)('on %s', (backend) => {
  test.each(nets.map((net) => [`${net.widths.join('-')} ${net.activations.join(' ')} ${net.loss} ${net.rule}`, net]))(
    '%s: thirty losses from given weights are those of TensorFlow.js',
    async (name, net) => {
      const random = new Random(SEED, name);
      const weights = drawWeights(net, random);
      const batches = drawBatches(net, random);
      const ours = await ourLosses(net, weights, batches, backend);
      const theirs = theirLosses(net, weights, batches);
      const errors = ours.map((loss, step) => Math.abs(loss - theirs[step]) / Math.max(1, theirs[step]));
      expect(Math.max(...errors), `seed ${SEED}`).toBeLessThan(TOLERANCE);
    },
  );
});
