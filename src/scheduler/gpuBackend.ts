import { numbersOf, sizeOf, type Numbers } from '../core/shape.ts';
import { summarize } from '../gpu/device.ts';
import { Readback, readRegions, type Region } from '../gpu/readback.ts';
import type { Recorder } from '../gpu/timing.ts';
import type { Graph, Node, State, Value } from '../graph/graph.ts';
import { isLeaf } from '../graph/leaf.ts';
import { statesOf } from '../graph/states.ts';
import {
  lengthOf,
  sameBits,
  uploadBatch,
  type Backend,
  type Executable,
  type Fed,
  type KeptOutput,
  type Observation,
  type Range,
  type Times,
  type Timing,
  type Wanted,
} from './backend.ts';
import { Choice, isStorage, type KernelChoice, type Kernels } from './kernelChoice.ts';
import type { Batch } from '../cpu/interpret.ts';
import { compile, needsOf, type Program } from './program.ts';
import { largestBinding } from '../gpu/largestBinding.ts';
import { Storage } from './storage.ts';
import type { Tally } from './memoryTally.ts';

/** What a backend may be told. */
export interface GpuOptions {
  /** Bytes that all states and programs may take together. */
  readonly memoryLimit?: number | undefined;
  /** Whether ops share launches where they can; unless MILLRACE_FUSE=0 is in the environment. */
  readonly fuse?: boolean | undefined;
  /** How kernels are chosen among their forms: `auto`, unless MILLRACE_KERNELS=guess is in the environment. */
  readonly kernels?: Kernels | undefined;
}

interface Platform {
  readonly process?: { readonly env?: Readonly<Record<string, string>> };
  readonly Deno?: { readonly permissions: { querySync(wanted: object): { readonly state: string } } };
}

/** A variable of Node's and Deno's environment, where there is one; nobody is asked for the permission to read it. */
const fromEnvironment = (name: string): string | undefined => {
  const { process, Deno } = globalThis as Platform;
  if (Deno && Deno.permissions.querySync({ name: 'env', variable: name }).state !== 'granted') return undefined;
  return process?.env?.[name];
};

const fusesByDefault = (): boolean => fromEnvironment('MILLRACE_FUSE') !== '0';

/** What is left to us is guessed where the environment says so. */
const chosenBy = (kernels: Kernels): Kernels => {
  const isOurs = kernels === 'auto' || isStorage(kernels);
  return isOurs && fromEnvironment('MILLRACE_KERNELS') === 'guess' ? 'guess' : kernels;
};

/** Runs programs on a device. The device is its caller's. */
export class GpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly adapter: string;
  submits = 0;
  readonly #device: GPUDevice;
  readonly #storage: Storage;
  /** Copies on their way back: as many as were ever in flight at once. */
  readonly #readbacks = new Map<State, Readback[]>();

  readonly #fuses: boolean;
  readonly #choice: Choice;
  readonly #simplest: Choice;

  constructor(device: GPUDevice, { memoryLimit, fuse = fusesByDefault(), kernels = 'auto' }: GpuOptions = {}) {
    this.#device = device;
    this.#choice = new Choice(device, chosenBy(kernels));
    this.#fuses = fuse;
    this.#storage = new Storage(device, memoryLimit);
    this.adapter = summarize(device).name;
    this.#simplest = new Choice(device, { adapter: this.adapter, forms: { '*': 'naive' } });
  }

  get used(): Tally {
    return this.#storage.used;
  }

  /** The forms of kernels that its programs take. */
  get kernels(): KernelChoice {
    return this.#choice.made;
  }

  get largestBinding(): number {
    return largestBinding(this.#device);
  }

  requireRoom(what: string, { graphs, states = [], plainly = false }: Wanted): void {
    if (!this.#storage.isLimited) return;
    const all = graphs();
    const needs = all.map((graph) => needsOf(graph, this.#device, this.#fuses && !plainly));
    this.#storage.requireRoom(what, new Set([...states, ...all.flatMap((graph) => [...statesOf(graph)])]), needs);
  }

  hold(what: string, states: readonly State[]): Promise<void> {
    return this.#storage.hold(what, states);
  }

  release(states: readonly State[]): void {
    this.#storage.release(states);
  }

  compile(graph: Graph, plainly = false): Promise<Program> {
    if (plainly) return compile(graph, this.#storage, { fuses: false, choice: this.#simplest });
    return compile(graph, this.#storage, { fuses: this.#fuses, choice: this.#choice });
  }

  encode(where: string, programs: readonly Executable[], encoder: GPUCommandEncoder): void {
    this.#storage.requireAlive(where);
    for (const program of new Set(programs)) (program as Program).bring(encoder);
    const pass = encoder.beginComputePass({ label: 'millrace step' });
    for (const program of programs) (program as Program).record(pass);
    pass.end();
  }

  #encoded(programs: readonly Executable[]): GPUCommandEncoder {
    const encoder = this.#device.createCommandEncoder({ label: 'millrace step' });
    this.encode('a submit', programs, encoder);
    return encoder;
  }

  #submit(encoder: GPUCommandEncoder): void {
    this.#storage.requireAlive('a submit');
    this.#device.queue.submit([encoder.finish()]);
    this.submits++;
  }

  run(programs: readonly Executable[]): void {
    this.#submit(this.#encoded(programs));
  }

  async runAndKeep(program: Executable, { states, batch }: Fed, kept: readonly KeptOutput[]): Promise<void> {
    for (const [state, numbers] of states) this.writeState(state, numbers);
    uploadBatch(program, batch);
    const encoder = this.#encoded([program]);
    for (const { output, count, state, at } of kept) {
      const from = (program as Program).regionOf(program.graph.outputs[output]);
      const { buffer, offset, size } = this.#storage.rangeOf(state, [at, at + count]);
      encoder.copyBufferToBuffer(from.buffer, from.offset, buffer, offset, size);
    }
    this.#submit(encoder);
  }

  async runAndRead(programs: readonly Executable[], state: State, ranges: readonly Range[]): Promise<Numbers> {
    const encoder = this.#encoded(programs);
    const others = ranges.flatMap(([, , of]) => of ?? []);
    const readback = this.#readbackOf(state, others);
    readback.copy(encoder, ...ranges.map((range) => this.#storage.rangeOf(range[2] ?? state, range)));
    this.#submit(encoder);
    return numbersOf(await readback.finish(), state.spec.dtype, lengthOf(ranges));
  }

  /** Room for all of a state, with which the same others are read each time. */
  #readbackOf(state: State, others: readonly State[]): Readback {
    let kept = this.#readbacks.get(state);
    if (!kept) this.#readbacks.set(state, (kept = []));
    let free = kept.find(({ busy }) => !busy);
    if (free) return free;
    const sizes = [state, ...others].map((each) => this.#storage.regionOf(each).size);
    free = new Readback(
      this.#device,
      sizes.reduce((total, size) => total + size, 0),
    );
    kept.push(free);
    return free;
  }

  async readOutput(program: Executable, name: string): Promise<Numbers> {
    return (await this.#read(program as Program, [program.graph.outputs[name]]))[0];
  }

  async readOutputs(program: Executable): Promise<Readonly<Record<string, Numbers>>> {
    const { outputs } = program.graph;
    const numbers = await this.#read(program as Program, Object.values(outputs));
    return Object.fromEntries(Object.keys(outputs).map((name, at) => [name, numbers[at]]));
  }

  async #read(program: Program, values: readonly Value[]): Promise<Numbers[]> {
    this.#storage.requireAlive('a value');
    const regions = values.map((value) => program.regionOf(value));
    return valuesOf(values, await readRegions(this.#device, regions));
  }

  async readState(state: State): Promise<Numbers> {
    return (await this.readStates([state]))[0];
  }

  regionOf(state: State): Region {
    return this.#storage.regionOf(state);
  }

  async readStates(states: readonly State[]): Promise<Numbers[]> {
    const bytes = await readRegions(
      this.#device,
      states.map((state) => this.#storage.regionOf(state)),
    );
    return states.map(({ spec: { dtype, shape } }, at) => numbersOf(bytes[at], dtype, sizeOf(shape)));
  }

  writeState(state: State, numbers: Numbers, offset = 0): void {
    this.#storage.write(state, numbers, offset);
  }

  copyStates(pairs: readonly (readonly [from: State, to: State])[]): void {
    const encoder = this.#device.createCommandEncoder({ label: 'millrace copy' });
    for (const [from, to] of pairs) {
      const source = this.#storage.regionOf(from);
      encoder.copyBufferToBuffer(source.buffer, 0, this.#storage.bufferOf(to), 0, source.size);
    }
    this.#submit(encoder);
  }

  async observe(executable: Executable, batch: Batch): Promise<readonly Observation[]> {
    const program = executable as Program;
    const observations: Observation[] = [];
    const computed = new Map<Value, Numbers>();
    this.#storage.requireAlive('a program');
    program.poison();
    uploadBatch(program, batch);
    for (const node of program.order) {
      // A view is no launch: who reads it shows whether it lies where its numbers are.
      if (node.op.view) {
        const [start, { spec }] = [node.op.view(node.attrs), node.outputs[0]];
        computed.set(node.outputs[0], computed.get(node.inputs[0])!.subarray(start, start + sizeOf(spec.shape)));
        continue;
      }
      const [inputs, outputs] = await this.#observeNode(program, node);
      node.outputs.forEach((value, at) => computed.set(value, outputs[at]));
      if (isLeaf(node)) continue;
      const overwritten = node.inputs.find((value, at) => !sameBits(computed.get(value)!, inputs[at])) ?? null;
      observations.push({ node, inputs, outputs, overwritten });
    }
    return observations;
  }

  /** What a node finds and what it leaves. */
  async #observeNode(program: Program, node: Node): Promise<readonly [inputs: Numbers[], outputs: Numbers[]]> {
    const record = (encoder: GPUCommandEncoder): void => {
      const pass = encoder.beginComputePass({ label: `millrace ${node.op.name}` });
      program.record(pass, node);
      pass.end();
    };
    const [before, after] = [node.inputs, node.outputs].map((values) => values.map((value) => program.regionOf(value)));
    this.#storage.requireAlive('a launch');
    const bytes = await readRegions(this.#device, before, record, after);
    const read = valuesOf([...node.inputs, ...node.outputs], bytes);
    return [read.slice(0, before.length), read.slice(before.length)];
  }

  async time(executables: readonly Executable[], runs: number): Promise<Timing> {
    const programs = executables as readonly Program[];
    const launches = programs.flatMap(({ replays }) => replays);
    const whole: Recorder = (pass) => {
      for (const program of programs) program.record(pass);
    };
    const { passTimer } = await import('../gpu/timing.ts');
    const timer = passTimer(this.#device, 1 + launches.length, (encoder) => this.#submit(encoder));
    try {
      const times: Times[] = [];
      for (let run = 0; run < runs; run++) {
        const [first, ...others] = await timer.time([whole, ...launches.map(({ record }) => record)]);
        times.push({ whole: first, launches: others });
      }
      const { clock, quantised } = timer;
      return { clock, quantised, nodes: launches.map(({ node }) => node), runs: times };
    } finally {
      timer.destroy();
    }
  }

  destroy(): void {
    for (const readbacks of this.#readbacks.values()) for (const readback of readbacks) readback.destroy();
    this.#storage.destroy();
  }
}

const valuesOf = (values: readonly Value[], bytes: readonly ArrayBuffer[]): Numbers[] =>
  values.map(({ spec }, at) => numbersOf(bytes[at], spec.dtype, sizeOf(spec.shape)));
