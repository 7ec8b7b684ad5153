import type { GPU, IGPUKernelSettings, IKernelRunShortcut } from 'gpu.js';
import { shapeOfA, shapeOfB, type Inputs, type Product, type Softmax, type Sum, type Work } from '../work.ts';
import { guardOf } from './guard.ts';
import { Unavailable, type Job, type Peer, type PeerEntry, type Platform } from './peer.ts';
import { version } from '../../node_modules/gpu.js/package.json' with { type: 'json' };

type Mode = 'webgpu' | 'cpu';

/** What a kernel returns: rows of numbers, or, on the GPU, a handle of a buffer that stays there. */
type Rows = Float32Array | readonly Float32Array[];
interface Handle {
  toArray(): Promise<Rows>;
}
type Kernel = (...args: readonly unknown[]) => Promise<Rows | Handle>;

/** Kernels come as text: a page's build would shorten functions into what gpu.js cannot read. */
const loopSum = (length: string, term: string, before = '') => `
  ${before}
  let total = 0;
  for (let i = 0; i < this.constants.${length}; i++) { total += ${term}; }
  return total;`;

const productKernel = ({ transposeA, transposeB }: Product) => {
  const a = transposeA ? 'a[i][this.thread.y]' : 'a[this.thread.y][i]';
  const b = transposeB ? 'b[this.thread.x][i]' : 'b[i][this.thread.x]';
  return `function (a, b) {${loopSum('K', `${a} * ${b}`)}}`;
};

const LARGEST = `
  let largest = x[this.thread.x][0];
  for (let j = 1; j < this.constants.columns; j++) { largest = Math.max(largest, x[this.thread.x][j]); }`;

const kernels = {
  rows: `function (x) {${loopSum('columns', 'x[this.thread.x][i]')}}`,
  columns: `function (x) {${loopSum('rows', 'x[i][this.thread.x]')}}`,
  all: `function (y) {${loopSum('rows', 'y[i]')}}`,
  largest: `function (x) {${LARGEST}
    return largest;
  }`,
  powers: `function (x, largest) {${loopSum('columns', 'Math.exp(x[this.thread.x][i] - largest[this.thread.x])')}}`,
  softmax: `function (x, largest, powers) {
    return Math.exp(x[this.thread.y][this.thread.x] - largest[this.thread.y]) / powers[this.thread.y];
  }`,
};

class Tools {
  readonly #gpu: GPU;
  readonly #mode: Mode;
  readonly #library: typeof GPU & { readonly Input: new (numbers: Float32Array, size: number[]) => unknown };
  readonly made: IKernelRunShortcut[] = [];

  constructor(library: typeof GPU, mode: Mode) {
    this.#library = library as never;
    this.#mode = mode;
    this.#gpu = new library({ mode: mode as never });
  }

  kernel(source: string, output: readonly number[], constants: Readonly<Record<string, number>>): Kernel {
    const settings: IGPUKernelSettings = {
      output: [...output],
      constants: { ...constants },
      pipeline: this.#mode === 'webgpu',
    };
    const made = this.#gpu.createKernel(source, settings);
    made.setLoopMaxIterations(Math.max(1, ...Object.values(constants)));
    this.made.push(made);
    const mode = this.#mode;
    return async (...args) => {
      const result = await (made(...(args as never[])) as unknown as Promise<Rows | Handle>);
      // Where it cannot, gpu.js goes to the CPU and only says so on the console.
      const ranOn = (made as unknown as { kernel: { constructor: { mode: string } } }).kernel.constructor.mode;
      if (ranOn !== mode) throw new Unavailable(`gpu.js fell back from ${mode} to ${ranOn}`);
      return result;
    };
  }

  /** A matrix that lies where the kernels run. */
  async matrix(numbers: Float32Array, [rows, columns]: readonly [number, number]): Promise<unknown> {
    const input = new this.#library.Input(numbers, [columns, rows]);
    if (this.#mode === 'cpu') return input;
    return this.kernel('function (x) { return x[this.thread.y][this.thread.x]; }', [columns, rows], {})(input);
  }
}

/** Calls that follow each other, and return the last one's result. */
async function callOf(
  tools: Tools,
  work: Product | Sum | Softmax,
  { arrays }: Inputs,
): Promise<() => ReturnType<Kernel>> {
  if (work.kind === 'product') {
    const kernel = tools.kernel(productKernel(work), [work.N, work.M], { K: work.K });
    const [a, b] = [await tools.matrix(arrays[0], shapeOfA(work)), await tools.matrix(arrays[1], shapeOfB(work))];
    return () => kernel(a, b);
  }
  const { rows, columns } = work;
  const extents = { rows, columns };
  const x = await tools.matrix(arrays[0], [rows, columns]);
  if (work.kind === 'softmax') {
    const largestOf = tools.kernel(kernels.largest, [rows], extents);
    const powersOf = tools.kernel(kernels.powers, [rows], extents);
    const softmax = tools.kernel(kernels.softmax, [columns, rows], extents);
    return async () => {
      const largest = await largestOf(x);
      return softmax(x, largest, await powersOf(x, largest));
    };
  }
  if (work.axis === 0) {
    const kernel = tools.kernel(kernels.columns, [columns], extents);
    return () => kernel(x);
  }
  const kernel = tools.kernel(kernels.rows, [rows], extents);
  if (work.axis === 1) return () => kernel(x);
  const all = tools.kernel(kernels.all, [1], extents);
  return async () => all(await kernel(x));
}

async function prepare(tools: Tools, finish: () => Promise<void>, work: Work, inputs: Inputs): Promise<Job> {
  if (work.kind === 'convolution') throw new Unavailable('gpu.js has no convolutions');
  if (work.kind === 'embedding') throw new Unavailable('gpu.js has no sums by index');
  if (work.kind === 'update' || work.kind === 'steps')
    throw new Unavailable('gpu.js has no gradients and no optimizers');
  const call = await callOf(tools, work, inputs);
  return {
    async result() {
      const result = await call();
      const rows = 'toArray' in result ? await result.toArray() : result;
      return rows instanceof Float32Array ? rows : rows.flatMap((row) => [...row]);
    },
    async run(times) {
      for (let i = 0; i < times; i++) await call();
      await finish();
    },
    destroy: () => tools.made.forEach((kernel) => kernel.destroy()),
  };
}

function entry(mode: Mode): PeerEntry {
  const name = `gpu.js ${mode}`;
  const open = async ({ device }: Platform): Promise<Peer> => {
    if (mode === 'webgpu' && !device) throw new Unavailable('there is no WebGPU here');
    const { default: library } = await import('gpu.js/dist/gpu-browser.js');
    const { WebGPUContext } = library as unknown as { WebGPUContext: { acquire(): Promise<{ device: GPUDevice }> } };
    let guard: (() => void) | undefined;
    const finish = async () => {
      if (mode !== 'webgpu') return;
      const { device: own } = await WebGPUContext.acquire();
      guard ??= guardOf(own);
      await own.queue.onSubmittedWorkDone().then(guard);
    };
    return {
      name,
      version,
      slow: mode === 'cpu',
      prepare: (work, inputs) => prepare(new Tools(library, mode), finish, work, inputs),
    };
  };
  return { name, open };
}

export const gpujsWebgpu = entry('webgpu');
export const gpujsCpu = entry('cpu');
