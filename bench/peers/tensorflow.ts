import type * as TensorFlow from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Optimizer, Rank, Tensor, Tensor4D, Variable } from '@tensorflow/tfjs-core';
import {
  answersOf,
  classesOf,
  parameterShapes,
  GATES,
  POOLED,
  sampleShape,
  type Lstm,
  type Network,
} from '../networks.ts';
import {
  adamConstants,
  batchesOf,
  CHECKED_STEPS,
  convolutionShapes,
  gateByGate,
  operandShapes,
  rates,
  shapeOfA,
  shapeOfB,
  type Convolution,
  type Inputs,
  type OptimizerName,
  type Steps,
  type Update,
  type Work,
} from '../work.ts';
import { guardOf } from './guard.ts';
import { gptLogits } from './tensorflowGpt.ts';
import { Unavailable, type Job, type Peer, type PeerEntry, type Platform } from './peer.ts';

type BackendName = 'webgpu' | 'wasm' | 'cpu';

interface Tools {
  readonly tf: typeof TensorFlow;
  /** The back end is a global of TensorFlow.js: whoever works chooses it first. */
  choose(): Promise<void>;
  /** Submits what is left, and waits for all of it. */
  finish(): Promise<void>;
}

function optimizerOf(tf: typeof TensorFlow, name: OptimizerName): Optimizer {
  const { beta1, beta2, epsilon } = adamConstants;
  return name === 'sgd'
    ? tf.train.sgd(rates.sgd.learningRate)
    : tf.train.adam(rates.adam.learningRate, beta1, beta2, epsilon);
}

function pureJob({ choose, finish }: Tools, f: () => Tensor, tensors: readonly Tensor[]): Job {
  return {
    async result() {
      await choose();
      const y = f();
      const numbers = await y.data<'float32'>();
      y.dispose();
      return numbers;
    },
    async run(times) {
      await choose();
      for (let i = 0; i < times; i++) f().dispose();
      await finish();
    },
    destroy: () => tensors.forEach((tensor) => tensor.dispose()),
  };
}

function updateJob({ tf, choose, finish }: Tools, { optimizer: name }: Update, { arrays }: Inputs): Job {
  const parameters = tf.variable(tf.tensor1d(arrays[0]));
  const gradients: NamedTensorMap = { [parameters.name]: tf.tensor1d(arrays[1]) };
  const optimizer = optimizerOf(tf, name);
  return {
    async result() {
      await choose();
      optimizer.applyGradients(gradients);
      return parameters.data<'float32'>();
    },
    async run(times) {
      await choose();
      for (let i = 0; i < times; i++) optimizer.applyGradients(gradients);
      await finish();
    },
    destroy() {
      optimizer.dispose();
      tf.dispose([parameters, gradients]);
    },
  };
}

function logitsOf(tf: typeof TensorFlow, network: Network, parameters: Variable[], x: Tensor): Tensor {
  if (network.kind === 'gpt') return gptLogits(tf, network, parameters, x);
  const { fused, maxPool, reshape } = tf;
  const last = { b: parameters.at(-2)!, bias: parameters.at(-1)! };
  const activation = 'relu';
  if (network.kind === 'mlp') {
    const a = fused.matMul({
      a: x,
      b: parameters[0],
      bias: parameters[1],
      activation,
    });
    return fused.matMul({ a, ...last });
  }
  if (network.kind === 'lstm') return fused.matMul({ a: lastHidden(tf, network, parameters, x), ...last });
  const pooled = network.features.reduce((images, _, i) => {
    const [filter, bias] = [parameters[2 * i] as Variable<Rank.R4>, parameters[2 * i + 1]];
    const y = fused.conv2d({ x: images, filter, strides: 1, pad: 'same', bias, activation });
    return maxPool(y, POOLED, POOLED, 'valid');
  }, x as Tensor4D);
  return fused.matMul({ a: reshape(pooled, [x.shape[0], -1]), ...last });
}

/** An LSTM as `tf.layers` has it, a cell for each step, but that all steps of x are one product. Legend: x[T, B, C]. */
function lastHidden(tf: typeof TensorFlow, { units }: Lstm, [W, b, R, c]: Variable[], x: Tensor): Tensor {
  const [steps, samples, features] = x.shape;
  const fromX = tf.fused.matMul({ a: tf.reshape(x, [-1, features]), b: W, bias: b });
  let [h, cell]: Tensor[] = [tf.zeros([samples, units]), tf.zeros([samples, units])];
  for (const row of tf.unstack(tf.reshape(fromX, [steps, samples, GATES * units]))) {
    const z = tf.add(row, tf.fused.matMul({ a: h, b: R, bias: c }));
    const [i, f, g, o] = tf.split(z, GATES, 1);
    cell = tf.add(tf.mul(tf.sigmoid(f), cell), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(cell));
  }
  return h;
}

function stepsJob({ tf, choose, finish }: Tools, work: Steps, inputs: Inputs): Job {
  const { network, batchSize } = work;
  const shapes = parameterShapes(network);
  const arrays = network.kind === 'lstm' ? gateByGate(network, inputs.arrays) : inputs.arrays;
  const parameters: Variable[] = arrays.map((numbers, i) => tf.variable(tf.tensor(numbers, shapes[i])));
  // A loop over steps wants them before the samples.
  const stored = (x: Tensor): Tensor => (network.kind === 'lstm' ? tf.transpose(x, [1, 0, 2]) : x);
  const batches = batchesOf(work, inputs).map(({ x, y }) => ({
    x: network.kind === 'gpt' ? tf.tensor1d(x, 'int32') : stored(tf.tensor(x, [batchSize, ...sampleShape(network)])),
    y: tf.tensor2d(y, [batchSize * answersOf(network), classesOf(network)]),
  }));
  const optimizer = optimizerOf(tf, work.optimizer);
  let steps = 0;
  /** The loss if it is wanted; `minimize` is tidy by itself. */
  const once = (wantsLoss: boolean) => {
    const { x, y } = batches[steps++ % batches.length];
    return optimizer.minimize(() => {
      return tf.losses.softmaxCrossEntropy(y, logitsOf(tf, network, parameters, x));
    }, wantsLoss);
  };
  return {
    async result() {
      await choose();
      const losses = [];
      for (let i = 0; i < CHECKED_STEPS; i++) {
        const loss = once(true)!;
        losses.push((await loss.data())[0]);
        loss.dispose();
      }
      return losses;
    },
    async run(times) {
      await choose();
      for (let i = 0; i < times; i++) once(false);
      await finish();
    },
    destroy() {
      optimizer.dispose();
      tf.dispose([parameters, batches]);
    },
  };
}

function prepare(tools: Tools, work: Work, inputs: Inputs): Job {
  const { tf } = tools;
  switch (work.kind) {
    case 'product': {
      const [a, b] = [tf.tensor2d(inputs.arrays[0], shapeOfA(work)), tf.tensor2d(inputs.arrays[1], shapeOfB(work))];
      return pureJob(tools, () => tf.matMul(a, b, work.transposeA, work.transposeB), [a, b]);
    }
    case 'convolution':
      return convolutionJob(tools, work, inputs);
    case 'sum': {
      const x = tf.tensor2d(inputs.arrays[0], [work.rows, work.columns]);
      return pureJob(tools, () => tf.sum(x, work.axis ?? undefined), [x]);
    }
    case 'softmax': {
      const x = tf.tensor2d(inputs.arrays[0], [work.rows, work.columns]);
      return pureJob(tools, () => tf.softmax(x), [x]);
    }
    case 'embedding': {
      const dY = tf.tensor2d(inputs.arrays[0], [work.chosen, work.columns]);
      const indices = tf.tensor1d(inputs.arrays[1], 'int32');
      return pureJob(tools, () => tf.unsortedSegmentSum(dY, indices, work.rows), [dY, indices]);
    }
    case 'update':
      return updateJob(tools, work, inputs);
    case 'steps':
      return stepsJob(tools, work, inputs);
  }
}

/** A convolution or one of its gradients, by the kernels that the library's own differentiation calls. */
function convolutionJob(tools: Tools, work: Convolution, { arrays }: Inputs): Job {
  const { tf } = tools;
  const { x: inputShape, weight: filterShape } = convolutionShapes(work);
  const [a, b] = operandShapes(work).map((shape, i) =>
    tf.tensor4d(arrays[i], shape as [number, number, number, number]),
  );
  const attrs = { strides: 1, pad: 'same', dataFormat: 'NHWC' };
  const calls = {
    y: () => tf.conv2d(a, b, 1, 'same'),
    dX: () => tf.engine().runKernel<Tensor>(tf.Conv2DBackpropInput, { dy: a, filter: b }, { ...attrs, inputShape }),
    dWeight: () => tf.engine().runKernel<Tensor>(tf.Conv2DBackpropFilter, { x: a, dy: b }, { ...attrs, filterShape }),
  };
  return pureJob(tools, calls[work.of], [a, b]);
}

/** WebAssembly has no gradient of weights, and none of tables. */
function requireKernels(tf: typeof TensorFlow, work: Work): void {
  const convolves =
    work.kind === 'convolution' ? work.of === 'dWeight' : work.kind === 'steps' && work.network.kind === 'cnn';
  if (convolves && !tf.getKernel(tf.Conv2DBackpropFilter, tf.getBackend())) {
    throw new Unavailable(`TensorFlow.js ${tf.getBackend()} has no gradient of a convolution's weights`);
  }
  if (work.kind === 'embedding' && tf.getBackend() === 'cpu') {
    throw new Unavailable('left out: TensorFlow.js cpu looks through all indices for each row of the table');
  }
  if (work.kind === 'embedding' && !tf.getKernel(tf.UnsortedSegmentSum, tf.getBackend())) {
    throw new Unavailable(`TensorFlow.js ${tf.getBackend()} has no sums by index`);
  }
}

/** Registers a back end. @returns what waits for it */
async function register(tf: typeof TensorFlow, name: BackendName, { device }: Platform): Promise<() => Promise<void>> {
  if (name === 'cpu') {
    await import('@tensorflow/tfjs-backend-cpu');
    return async () => {};
  }
  if (name === 'wasm') {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    // Its threads look for names that a bundle has shortened, and it would wait for them for ever.
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    const { wasmFiles } = await import('./tensorflowWasm.ts');
    wasm.setWasmPaths(wasmFiles, true);
    return async () => {};
  }
  if (!device) throw new Unavailable('there is no WebGPU here');
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  let guard: (() => void) | undefined;
  return async () => {
    const backend = tf.backend() as InstanceType<typeof WebGPUBackend>;
    guard ??= guardOf(backend.device);
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.submitQueue();
    await backend.queue.onSubmittedWorkDone();
    guard();
  };
}

function entry(backend: BackendName): PeerEntry {
  const name = `TensorFlow.js ${backend}`;
  const open = async (platform: Platform): Promise<Peer> => {
    const tf = await import('@tensorflow/tfjs-core');
    // No checks that are meant for development.
    tf.enableProdMode();
    await import('@tensorflow/tfjs-core/dist/register_all_gradients');
    const finish = await register(tf, backend, platform);
    const choose = async () => {
      if (!(await tf.setBackend(backend))) throw new Unavailable(`TensorFlow.js cannot start its back end ${backend}`);
    };
    await choose();
    return {
      name,
      version: tf.version_core,
      slow: backend !== 'webgpu',
      async prepare(work, inputs) {
        await choose();
        requireKernels(tf, work);
        return prepare({ tf, choose, finish }, work, inputs);
      },
    };
  };
  return { name, open };
}

export const tensorflowWebgpu = entry('webgpu');
export const tensorflowWasm = entry('wasm');
export const tensorflowCpu = entry('cpu');
