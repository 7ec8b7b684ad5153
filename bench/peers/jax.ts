import type * as Jax from '@jax-js/jax';
import type { Array as JaxArray } from '@jax-js/jax';
import {
  adamConstants,
  batchesOf,
  CHECKED_STEPS,
  parameterShapes,
  rates,
  shapeOfA,
  shapeOfB,
  type Inputs,
  type Steps,
  type Update,
  type Work,
} from '../work.ts';
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

/** One compiled function for the whole step, as JAX has it: state in, state and loss out. */
function stepOf(jax: typeof Jax, work: Steps) {
  const { numpy: np, nn } = jax;
  const rule = ruleOf(jax, work.optimizer);
  const lossOf = ([W1, b1, W2, b2]: JaxArray[], x: JaxArray, y: JaxArray) => {
    const hidden = nn.relu(np.matmul(x, W1).add(b1));
    const logits = np.matmul(hidden, W2).add(b2);
    return nn
      .logSoftmax(logits, 1)
      .mul(y)
      .sum()
      .mul(-1 / work.batchSize);
  };
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

function stepsJob({ jax, array, submit, finish }: Tools, work: Steps, inputs: Inputs): Job {
  const [features, , classes] = work.layers;
  const shapes = parameterShapes(work.layers);
  const moments = () => inputs.arrays.map(({ length }, i) => array(new Float32Array(length), shapes[i]));
  const compiled = stepOf(jax, work);
  const batches = batchesOf(work, inputs).map(({ x, y }) => ({
    x: array(x, [work.batchSize, features]),
    y: array(y, [work.batchSize, classes]),
  }));
  let steps = 0;
  let state: Training = {
    parameters: inputs.arrays.map((numbers, i) => array(numbers, shapes[i])),
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
    case 'sum':
      return pureJob(tools, (x) => x.sum(work.axis), [array(inputs.arrays[0], [work.rows, work.columns])]);
    case 'softmax':
      return pureJob(tools, (x) => nn.softmax(x, 1), [array(inputs.arrays[0], [work.rows, work.columns])]);
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
    const tools: Tools = {
      jax,
      array: (numbers, shape) => jax.numpy.array(Float32Array.from(numbers), { shape, device }),
      submit: (array) => void (device === 'webgpu' ? array.gpuBufferSync() : array.dataSync()),
      async finish(array) {
        await array.blockUntilReady();
        if (device === 'webgpu') await jax.getWebGPUDevice().queue.onSubmittedWorkDone();
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
