import type * as Jax from '@jax-js/jax';
import type { Array as JaxArray } from '@jax-js/jax';
import {
  answersOf,
  classesOf,
  parameterShapes,
  GATES,
  POOLED,
  sampleShape,
  pooledShape,
  type Network,
} from '../networks.ts';
import {
  adamConstants,
  batchesOf,
  CHECKED_STEPS,
  convolutionShapes,
  operandShapes,
  gateByGate,
  permute,
  rates,
  shapeOfA,
  shapeOfB,
  singleOnes,
  type Convolution,
  type Inputs,
  type Steps,
  type Update,
  type Work,
} from '../work.ts';
import { guardOf } from './guard.ts';
import { gptLogits } from './jaxGpt.ts';
import { Unavailable, type Job, type Peer, type PeerEntry } from './peer.ts';
// Its exports hide its package.json.
import { version } from '../../node_modules/@jax-js/jax/package.json' with { type: 'json' };

/*
 * Arrays of jax-js are counted by hand: a function takes its arguments for good, and `.ref` is one more use. What nobody
 * waits for is never submitted, so each call's first result is handed over as a buffer, which submits and frees it.
 */
interface Tools {
  readonly jax: typeof Jax;
  array(numbers: ArrayLike<number>, shape: number[]): JaxArray;
  /** Submits what an array waits for, and lets go of it. */
  submit(array: JaxArray): void;
  finish(array: JaxArray): Promise<void>;
}

/** Calls of a function of arrays that stay where they are. */
function pureJob({ jax, submit, finish }: Tools, f: (...args: JaxArray[]) => JaxArray, args: readonly JaxArray[]): Job {
  const compiled = jax.jit(f);
  const call = () => compiled(...args.map((array) => array.ref));
  return {
    result: async () => (await call().data()) as Float32Array,
    async run(times) {
      for (let i = 1; i < times; i++) submit(call());
      const last = call();
      await finish(last);
      last.dispose();
    },
    destroy() {
      compiled.dispose();
      for (const array of args) array.dispose();
    },
  };
}

/** A parameter with its moments, and how an optimizer moves them on; `step` counts from 1. */
type Moved = [p: JaxArray, m: JaxArray, v: JaxArray];
type Rule = (p: JaxArray, g: JaxArray, m: JaxArray, v: JaxArray, step: JaxArray) => Moved;

function ruleOf({ numpy: np }: typeof Jax, optimizer: Update['optimizer']): Rule {
  if (optimizer === 'sgd') return (p, g, m, v) => [p.sub(g.mul(rates.sgd.learningRate)), m, v];
  const { beta1, beta2, epsilon } = adamConstants;
  const correction = (beta: number, step: JaxArray) => np.subtract(1, np.exp(step.ref.mul(Math.log(beta))));
  return (p, g, m, v, step) => {
    const mean = m.mul(beta1).add(g.ref.mul(1 - beta1));
    const square = v.mul(beta2).add(np.square(g).mul(1 - beta2));
    const root = np.sqrt(square.ref.div(correction(beta2, step)));
    const change = mean.ref.div(correction(beta1, step)).div(root.add(epsilon));
    return [p.sub(change.mul(rates.adam.learningRate)), mean, square];
  };
}

function updateJob(tools: Tools, { optimizer, size }: Update, { arrays }: Inputs): Job {
  const { jax, array, submit, finish } = tools;
  const rule = ruleOf(jax, optimizer);
  const compiled = jax.jit((p: JaxArray, g: JaxArray, m: JaxArray, v: JaxArray) =>
    rule(p, g, m, v, jax.numpy.array(1)),
  );
  const gradient = array(arrays[1], [size]);
  let [p, m, v] = [arrays[0], new Float32Array(size), new Float32Array(size)].map((numbers) => array(numbers, [size]));
  const once = () => void ([p, m, v] = compiled(p, gradient.ref, m, v));
  return {
    async result() {
      once();
      return (await p.ref.data()) as Float32Array;
    },
    async run(times) {
      for (let i = 0; i < times; i++) {
        once();
        submit(p.ref);
      }
      await finish(p);
    },
    destroy() {
      compiled.dispose();
      for (const each of [p, m, v, gradient]) each.dispose();
    },
  };
}

interface Training {
  readonly parameters: JaxArray[];
  readonly means: JaxArray[];
  readonly squares: JaxArray[];
  readonly step: JaxArray;
}

function logitsOf(jax: typeof Jax, network: Network, parameters: JaxArray[], x: JaxArray): JaxArray {
  const { lax, numpy: np, nn } = jax;
  if (network.kind === 'gpt') return gptLogits(jax, network, parameters, x);
  const [weight, bias] = parameters.slice(-2);
  if (network.kind === 'mlp') {
    const hidden = nn.relu(np.matmul(x, parameters[0]).add(parameters[1]));
    return np.matmul(hidden, weight).add(bias);
  }
  if (network.kind === 'lstm') {
    return np.matmul(lastHidden(jax, x, parameters), weight).add(bias);
  }
  const window = [POOLED, POOLED];
  const pooled = network.features.reduce((images, features, i) => {
    const y = lax.conv(images, parameters[2 * i], [1, 1], 'SAME').add(parameters[2 * i + 1].reshape([features, 1, 1]));
    return lax.reduceWindow(nn.relu(y), (under) => np.max(under), window, window);
  }, x);
  return np.matmul(pooled.reshape([x.shape[0], -1]), weight).add(bias);
}

/** An LSTM, a cell for each step: there is no `scan`. Legend: x[T, B, C]. */
function lastHidden({ numpy: np, nn }: typeof Jax, x: JaxArray, [W, b, R, c]: JaxArray[]): JaxArray {
  const [steps, samples, features] = x.shape;
  const width = b.shape[0];
  const fromX = np.matmul(x.reshape([-1, features]), W).add(b);
  let [h, cell] = [0, 1].map(() => np.zeros([samples, width / GATES]));
  for (const row of np.unstack(fromX.reshape([steps, samples, width]))) {
    const z = row.add(np.matmul(h, R.ref)).add(c.ref);
    const [i, f, g, o] = np.split(z, GATES, 1);
    cell = nn
      .sigmoid(f)
      .mul(cell)
      .add(nn.sigmoid(i).mul(np.tanh(g)));
    h = nn.sigmoid(o).mul(np.tanh(cell.ref));
  }
  for (const used of [R, c, cell]) used.dispose();
  return h;
}

/** Images and weights as its convolutions want them: [N, C, H, W] and [features, C, rows, columns]. */
const IMAGES_FIRST = [0, 3, 1, 2];
const FEATURES_FIRST = [3, 2, 0, 1];
const IMAGES_LAST = [0, 2, 3, 1];
const FEATURES_LAST = [2, 3, 1, 0];

const permuted = (shape: readonly number[], order: readonly number[]): number[] => order.map((axis) => shape[axis]);

/** A function whose gradient is what it sends dY back to. */
const along = (of: (operand: JaxArray) => JaxArray, dY: JaxArray) => (operand: JaxArray) => of(operand).mul(dY).sum();

/** A convolution, or its gradient as differentiation has it: of what is linear, at 0. */
function convolutionJob(tools: Tools, work: Convolution, { arrays }: Inputs): Job {
  const { lax, grad, numpy: np } = tools.jax;
  const { x, weight, y } = convolutionShapes(work);
  const [xShape, weightShape] = [permuted(x, IMAGES_FIRST), permuted(weight, FEATURES_FIRST)];
  const convolve = (images: JaxArray, kernel: JaxArray) => lax.conv(images, kernel, [1, 1], 'SAME');
  const compute = {
    y: convolve,
    dX: (dY: JaxArray, kernel: JaxArray) => grad(along((images) => convolve(images, kernel), dY))(np.zeros(xShape)),
    dWeight: (images: JaxArray, dY: JaxArray) =>
      grad(along((kernel) => convolve(images, kernel), dY))(np.zeros(weightShape)),
  }[work.of];
  const orders = [IMAGES_FIRST, work.of === 'dWeight' ? IMAGES_FIRST : FEATURES_FIRST];
  const operands = operandShapes(work).map((shape, i) =>
    tools.array(permute(arrays[i], shape, orders[i]), permuted(shape, orders[i])),
  );
  const job = pureJob(tools, compute, operands);
  const [shape, order] = {
    y: [permuted(y, IMAGES_FIRST), IMAGES_LAST],
    dX: [xShape, IMAGES_LAST],
    dWeight: [weightShape, FEATURES_LAST],
  }[work.of];
  return { ...job, result: async () => permute(await job.result(), shape, order) };
}

/** One compiled function for the whole step, as JAX has it: state in, state and loss out. */
function stepOf(jax: typeof Jax, work: Steps) {
  const { nn } = jax;
  const rule = ruleOf(jax, work.optimizer);
  const lossOf = (parameters: JaxArray[], x: JaxArray, y: JaxArray) =>
    nn
      .logSoftmax(logitsOf(jax, work.network, parameters, x), 1)
      .mul(y)
      .sum()
      .mul(-1 / (work.batchSize * answersOf(work.network)));
  return jax.jit(({ parameters, means, squares, step }: Training, x: JaxArray, y: JaxArray) => {
    const [loss, gradients] = jax.valueAndGrad(lossOf)(
      parameters.map((p) => p.ref),
      x,
      y,
    ) as [JaxArray, JaxArray[]];
    const next = step.add(1);
    const moved = parameters.map((p, i) => rule(p, gradients[i], means[i], squares[i], next));
    const column = (at: number) => moved.map((arrays) => arrays[at]);
    const state = { parameters: column(0), means: column(1), squares: column(2), step: next };
    return [state, loss] as unknown as JaxArray[];
  });
}

/** Parameters in its order: a dense layer behind pooling sees channels first. */
function storedParameters(network: Network, given: readonly Float32Array[]) {
  const arrays = network.kind === 'lstm' ? gateByGate(network, given) : given;
  return parameterShapes(network).map((shape, i, { length }) => {
    if (shape.length === 4) {
      return { numbers: permute(arrays[i], shape, FEATURES_FIRST), shape: permuted(shape, FEATURES_FIRST) };
    }
    if (network.kind !== 'cnn' || i !== length - 2) return { numbers: arrays[i], shape };
    return { numbers: permute(arrays[i], [...pooledShape(network), shape[1]], [2, 0, 1, 3]), shape };
  });
}

/** Samples in its order: of images, channels before rows; of sequences, steps before samples. */
function storedSamples({ array }: Tools, { network, batchSize }: Steps, x: Float32Array): JaxArray {
  if (network.kind === 'gpt') {
    return array(singleOnes(x, network.vocabulary), [batchSize * network.context, network.vocabulary]);
  }
  const shape = [batchSize, ...sampleShape(network)];
  const order = { mlp: [0, 1], cnn: IMAGES_FIRST, lstm: [1, 0, 2] }[network.kind];
  return array(permute(x, shape, order), permuted(shape, order));
}

function stepsJob(tools: Tools, work: Steps, inputs: Inputs): Job {
  const { jax, array, submit, finish } = tools;
  const { network, batchSize } = work;
  const stored = storedParameters(network, inputs.arrays);
  const moments = () => stored.map(({ numbers, shape }) => array(new Float32Array(numbers.length), shape));
  const compiled = stepOf(jax, work);
  const batches = batchesOf(work, inputs).map(({ x, y }) => ({
    x: storedSamples(tools, work, x),
    y: array(y, [batchSize * answersOf(network), classesOf(network)]),
  }));
  let steps = 0;
  let state: Training = {
    parameters: stored.map(({ numbers, shape }) => array(numbers, shape)),
    means: moments(),
    squares: moments(),
    step: array([0], []),
  };
  const once = (): JaxArray => {
    const { x, y } = batches[steps++ % batches.length];
    const [next, loss] = compiled(state, x.ref, y.ref) as unknown as [Training, JaxArray];
    state = next;
    return loss;
  };
  return {
    async result() {
      const losses = [];
      for (let i = 0; i < CHECKED_STEPS; i++) losses.push(((await once().data()) as Float32Array)[0]);
      return losses;
    },
    async run(times) {
      for (let i = 0; i < times; i++) submit(once());
      await finish(state.parameters[0]);
    },
    destroy() {
      compiled.dispose();
      jax.tree.dispose([state, batches] as never);
    },
  };
}

const turned = (x: JaxArray, turns = false): JaxArray => (turns ? x.transpose() : x);

function prepare(tools: Tools, work: Work, inputs: Inputs): Job {
  const { array } = tools;
  const { numpy: np, nn } = tools.jax;
  switch (work.kind) {
    case 'product': {
      const { transposeA, transposeB } = work;
      const f = (a: JaxArray, b: JaxArray) => np.matmul(turned(a, transposeA), turned(b, transposeB));
      return pureJob(tools, f, [array(inputs.arrays[0], shapeOfA(work)), array(inputs.arrays[1], shapeOfB(work))]);
    }
    case 'convolution':
      return convolutionJob(tools, work, inputs);
    case 'sum':
      return pureJob(tools, (x) => x.sum(work.axis), [array(inputs.arrays[0], [work.rows, work.columns])]);
    case 'softmax':
      return pureJob(tools, (x) => nn.softmax(x, 1), [array(inputs.arrays[0], [work.rows, work.columns])]);
    case 'embedding':
      throw new Unavailable('jax-js does not compile sums by index');
    case 'update':
      return updateJob(tools, work, inputs);
    case 'steps':
      return stepsJob(tools, work, inputs);
  }
}

function entry(device: 'webgpu' | 'wasm'): PeerEntry {
  const name = `jax-js ${device}`;
  const open = async (): Promise<Peer> => {
    const jax = await import('@jax-js/jax');
    const found = await jax.init(device);
    if (!found.includes(device)) throw new Unavailable(`jax-js finds no ${device} here`);
    const guard = device === 'webgpu' ? guardOf(jax.getWebGPUDevice()) : undefined;
    const tools: Tools = {
      jax,
      array: (numbers, shape) => jax.numpy.array(Float32Array.from(numbers), { shape, device }),
      submit: (array) => void (device === 'webgpu' ? array.gpuBufferSync() : array.dataSync()),
      async finish(array) {
        await array.blockUntilReady();
        if (guard) await jax.getWebGPUDevice().queue.onSubmittedWorkDone().then(guard);
      },
    };
    return {
      name,
      version,
      slow: device === 'wasm',
      prepare: async (work, inputs) => {
        jax.defaultDevice(device);
        return prepare(tools, work, inputs);
      },
    };
  };
  return { name, open };
}

export const jaxWebgpu = entry('webgpu');
export const jaxWasm = entry('wasm');
