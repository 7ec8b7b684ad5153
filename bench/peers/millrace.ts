import { BLOCK } from '../../src/core/parameterLayout.ts';
import { sizeOf, spec } from '../../src/core/shape.ts';
import { summarize } from '../../src/gpu/device.ts';
import type { Graph, State, Value } from '../../src/graph/graph.ts';
import { constant, input, read } from '../../src/graph/leaf.ts';
import {
  adam,
  conv2d,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  gpt,
  gather,
  linear,
  lstm,
  matmul,
  maxPool2d,
  relu,
  sequential,
  sgd,
  softmax,
  sum,
  type FitOptions,
  type Layer,
  type Trainer,
} from '../../src/index.ts';
import { convolve } from '../../src/ops/convolution/convolution.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { WasmBackend } from '../../src/scheduler/wasmBackend.ts';
import { featuresOf, POOLED, pooledShape, sampleShape, WINDOW, type Network } from '../networks.ts';
import {
  adamConstants,
  CHECKED_STEPS,
  convolutionShapes,
  convolutionsOf,
  operandShapes,
  rates,
  shapeOfA,
  shapeOfB,
  type Convolution,
  type Embedding,
  type Inputs,
  type OptimizerName,
  type Steps,
  type Update,
  type Work,
} from '../work.ts';
import { guardOf } from './guard.ts';
import { Unavailable, type Job, type Peer, type PeerEntry, type Platform } from './peer.ts';
import { version } from '../../package.json' with { type: 'json' };

/** Replays that share a submit: enough to hide its cost, few enough for any driver's patience. */
const RUNS_PER_SUBMIT = 64;

const optimizerOf = (name: OptimizerName): Optimizer =>
  name === 'sgd' ? sgd(rates.sgd) : adam({ ...rates.adam, ...adamConstants });

/** The graph of one op, and where its result lies. */
interface OpGraph {
  readonly graph: Graph;
  readonly result: 'y' | State;
}

const pure = (y: Value): OpGraph => ({ graph: { outputs: { y }, writes: [] }, result: 'y' });

function graphOf(work: Exclude<Work, Steps>, { arrays }: Inputs): OpGraph {
  switch (work.kind) {
    case 'product': {
      const [a, b] = [input('0', spec(shapeOfA(work))), input('1', spec(shapeOfB(work)))];
      const { transposeA = false, transposeB = false } = work;
      return pure(matmul(a, b, { transposeA, transposeB }));
    }
    case 'convolution': {
      const [a, b] = operandShapes(work).map((shape, i) => input(String(i), spec(shape)));
      return pure(convolution(work, a, b));
    }
    case 'sum':
    case 'softmax': {
      const x = input('0', spec([work.rows, work.columns]));
      if (work.kind === 'softmax') return pure(softmax(x));
      return pure(work.axis === null ? sum(x) : sum(x, { axes: [work.axis] }));
    }
    case 'embedding':
      return pure(tableGradient(work));
    case 'update':
      return updateGraph(work, arrays);
  }
}

/** Gradients as differentiation has them: what stands for x or weight there is not computed with. */
function convolution(work: Convolution, a: Value, b: Value): Value {
  const shapes = convolutionShapes(work);
  const x = work.of === 'dX' ? input('x', spec(shapes.x)) : a;
  const weight = work.of === 'dWeight' ? input('weight', spec(shapes.weight)) : b;
  const y = convolve(x, weight, { padding: 'same' });
  if (work.of === 'y') return y;
  const dY = work.of === 'dX' ? a : b;
  const [dX, dWeight] = y.node.op.vjp!([dY], y.node);
  return work.of === 'dX' ? dX! : dWeight!;
}

/** What differentiation has for the table; its numbers are not computed with. */
function tableGradient({ rows, columns, chosen }: Embedding): Value {
  const table = input('table', spec([rows, columns]));
  const y = gather(table, input('1', spec([chosen], 'i32')));
  const [dTable] = y.node.op.vjp!([input('0', y.spec)], y.node);
  return dTable!;
}

/** An update as a trainer has it: arenas in blocks, a table of groups by block, a table of rates by step. */
function updateGraph({ optimizer: name, size }: Update, [parameters, gradients]: readonly Float32Array[]): OpGraph {
  const optimizer = optimizerOf(name);
  const blocks = Math.ceil(size / BLOCK);
  const arena = (label: string, fill: (numbers: Float32Array) => Float32Array): State => ({
    name: label,
    spec: spec([blocks * BLOCK]),
    initial: () => fill(new Float32Array(blocks * BLOCK)),
  });
  const holding = (label: string, given: Float32Array) =>
    arena(label, (numbers) => {
      numbers.set(given);
      return numbers;
    });
  const arenas = [
    holding('parameters', parameters),
    ...Object.entries(optimizer.moments).map(([label, initial]) => arena(label, (numbers) => numbers.fill(initial))),
  ];
  const gradient = holding('gradients', gradients);
  const groups = Float32Array.from({ length: 4 * blocks }, (_, i) => [1, 0, 1, 0][i % 4]);
  const schedule = Float32Array.from([...optimizer.row(0, rates[name].learningRate), 0, 0, 0].slice(0, 4));
  const [current, ...moments] = arenas.map(read);
  const updated = optimizer.update({
    parameters: current,
    gradients: read(gradient),
    moments,
    groups: constant(groups, spec([blocks, 4])),
    schedule: constant(schedule, spec([1, 4])),
    control: constant(new Uint32Array(8), spec([8], 'u32')),
    ranges: [{ name: 'parameters', shape: [size], offset: 0, size, trains: true }],
  });
  return { graph: { outputs: {}, writes: arenas.map((state, i) => [state, updated[i]]) }, result: arenas[0] };
}

async function opJob(backend: Backend, settle: () => Promise<unknown>, work: Exclude<Work, Steps>, inputs: Inputs) {
  const { graph, result } = graphOf(work, inputs);
  const program = await backend.compile(graph);
  for (const [field, { dtype }] of program.fields) {
    const numbers = inputs.arrays[Number(field)];
    program.upload(field, dtype === 'i32' ? Int32Array.from(numbers) : numbers);
  }
  const job: Job = {
    async result() {
      backend.run([program]);
      if (result === 'y') return backend.readOutput(program, 'y');
      const numbers = await backend.readState(result);
      return numbers.subarray(0, inputs.arrays[0].length);
    },
    async run(times) {
      for (let left = times; left > 0; left -= RUNS_PER_SUBMIT) {
        backend.run(Array.from({ length: Math.min(left, RUNS_PER_SUBMIT) }, () => program));
      }
      await settle();
    },
    destroy() {
      program.destroy();
      backend.destroy();
    },
  };
  return job;
}

function modelOf(network: Network): Layer {
  if (network.kind === 'gpt') {
    const { kind: _, ...options } = network;
    return gpt(options);
  }
  if (network.kind === 'lstm') {
    const { sequence, units, classes } = network;
    return sequential(lstm(sequence[1], units, { returns: 'last' }), linear(units, classes));
  }
  if (network.kind === 'mlp') {
    const [features, hidden, classes] = network.layers;
    return sequential(flatten, linear(features, hidden), relu, linear(hidden, classes));
  }
  const blocks = convolutionsOf(network, 1).map(({ images, features }) =>
    sequential(conv2d(images[3], features, WINDOW, { padding: 'same' }), relu, maxPool2d(POOLED)),
  );
  return sequential(...blocks, flatten, linear(sizeOf(pooledShape(network)), network.classes));
}

type Place = Pick<Parameters<typeof createTrainer>[0], 'backend' | 'threads' | 'device'>;

/** Steps as a user takes them: a data set of bytes on the GPU, and `fit`, which draws its samples from there. */
async function fitJob(place: Place, stepsPerSubmit: 'auto' | 1, work: Steps, inputs: Inputs): Promise<Job> {
  const trainer = await createTrainer({
    ...place,
    model: modelOf(work.network),
    loss: crossEntropy,
    optimizer: optimizerOf(work.optimizer),
    batchSize: work.batchSize,
  });
  const shape = work.network.kind === 'mlp' ? [featuresOf(work.network), 1] : sampleShape(work.network);
  const data =
    work.network.kind === 'gpt'
      ? dataset({
          image: { data: Int32Array.from(inputs.images), shape },
          label: { data: Int32Array.from(inputs.labels), shape },
        })
      : dataset({ image: { data: inputs.images, shape }, label: inputs.labels });
  const fit = async (options: FitOptions): Promise<number[]> => {
    const losses = [];
    for await (const { loss } of trainer.fit(data, { stepsPerSubmit, ...options })) losses.push(loss);
    return losses;
  };
  return {
    async result() {
      await trainer.prepare(data);
      await writeParameters(trainer, parametersOf(work.network, inputs.arrays));
      return fit({ steps: CHECKED_STEPS, shuffle: false });
    },
    run: async (times) => void (await fit({ steps: times, every: times })),
    destroy: () => trainer.destroy(),
  };
}

/** In the order of `readParameters`: an Lstm's two weights come before its two biases. */
const parametersOf = ({ kind }: Network, arrays: readonly Float32Array[]): readonly Float32Array[] =>
  kind === 'lstm' ? [0, 2, 1, 3, 4, 5].map((at) => arrays[at]) : arrays;

async function writeParameters(trainer: Trainer, arrays: readonly Float32Array[]): Promise<void> {
  const names = Object.keys(await trainer.readParameters());
  await trainer.writeParameters(Object.fromEntries(names.map((name, i) => [name, arrays[i]])));
}

interface Manner {
  readonly kind?: 'wasm' | 'cpu';
  /** Of wasm; as many as there are if left out. */
  readonly threads?: number;
  readonly stepsPerSubmit?: 1;
  /** Of every product's kernel. */
  readonly form?: string;
}

/** Manners of millrace: in how it does its steps, or its products, they differ from each other. */
function entry(name: string, { kind, threads, stepsPerSubmit, form }: Manner = {}): PeerEntry {
  const open = async ({ device }: Platform): Promise<Peer> => {
    if (!kind && !device) throw new Unavailable('there is no WebGPU here');
    const place: Place = kind ? { backend: kind, threads } : { device };
    const guard = device && guardOf(device);
    return {
      name,
      version,
      slow: kind === 'cpu',
      ...(stepsPerSubmit && { only: 'steps' }),
      ...(form && { only: 'product' }),
      prepare: async (work, inputs) => {
        if (work.kind === 'steps') return fitJob(place, stepsPerSubmit ?? 'auto', work, inputs);
        if (kind) {
          const backend = kind === 'cpu' ? new CpuBackend() : await WasmBackend.open({ threads });
          return opJob(backend, async () => {}, work, inputs);
        }
        const settle = () => device!.queue.onSubmittedWorkDone().then(guard);
        if (!form) return opJob(new GpuBackend(device!), settle, work, inputs);
        const kernels = { adapter: summarize(device!).name, forms: { '*': form } };
        const backend = new GpuBackend(device!, { kernels });
        const job = await opJob(backend, settle, work, inputs);
        if (Object.values(backend.kernels.forms).every((taken) => taken === form)) return job;
        await job.destroy();
        throw new Unavailable('this adapter cannot run it');
      },
    };
  };
  return { name, open };
}

export const millrace = entry('millrace');
export const millraceBySteps = entry('millrace, a submit a step', { stepsPerSubmit: 1 });
export const millraceWasm = entry('millrace wasm', { kind: 'wasm' });
export const millraceWasmAlone = entry('millrace wasm, 1 thread', { kind: 'wasm', threads: 1 });
export const millraceCpu = entry('millrace cpu', { kind: 'cpu' });

/** Every kernel that a product has. */
export const ladder = ['naive', 'registers4', 'registers8', 'subgroups', 'slices', 'tiles64', 'tiles128'].map((form) =>
  entry(`form ${form}`, { form }),
);
