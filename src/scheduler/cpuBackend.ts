import { DeviceError } from '../core/errors.ts';
import { yieldToEvents } from '../core/yieldToEvents.ts';
import { allocate, byteLength, type Numbers, type Spec } from '../core/shape.ts';
import { Interpreter, type Batch, type States } from '../cpu/interpret.ts';
import type { Graph, Node, Op, State } from '../graph/graph.ts';
import { asUseOf, inputOp, isLeaf, stateOp } from '../graph/leaf.ts';
import { statesOf } from '../graph/states.ts';
import { Tally } from './memoryTally.ts';
import {
  lengthOf,
  uploadBatch,
  type Backend,
  type Executable,
  type Observation,
  type Range,
  type Times,
  type Timing,
} from './backend.ts';

class CpuProgram implements Executable {
  readonly graph: Graph;
  readonly launches: readonly string[] = [];
  readonly bytes: number;
  readonly fields: ReadonlyMap<string, Spec>;
  readonly interpreter: Interpreter;
  readonly batch: Record<string, Numbers> = {};

  readonly #programs: Set<CpuProgram>;

  /** @param programs among which it is while it is there */
  constructor(graph: Graph, states: States, programs: Set<CpuProgram>) {
    this.graph = graph;
    this.#programs = programs;
    this.interpreter = new Interpreter(graph, states);
    const own = this.order.filter(({ op }) => !op.view && op !== (stateOp as Op)).flatMap(({ outputs }) => outputs);
    this.bytes = own.reduce((sum, { spec }) => sum + byteLength(spec), 0);
    const fields = this.order.flatMap((node) => asUseOf(inputOp, node) ?? []);
    this.fields = new Map(fields.map(({ label, spec }) => [label, spec]));
  }

  get order(): readonly Node[] {
    return this.interpreter.order;
  }

  upload(field: string, numbers: Numbers): void {
    const kept = this.batch[field];
    if (kept?.constructor === numbers.constructor && kept.length === numbers.length) kept.set(numbers);
    else this.batch[field] = numbers.slice();
  }

  destroy(): void {
    this.#programs.delete(this);
  }
}

/** Work between two breaths: half a frame. */
const BREATH_MS = 8;

/** Runs programs by each op's reference, in f32. */
export class CpuBackend implements Backend {
  readonly kind = 'cpu';
  readonly adapter = 'CPU reference';
  readonly kernels = null;
  readonly submits = 0;
  readonly largestBinding = Number.MAX_SAFE_INTEGER;
  readonly #states = new Map<State, Numbers>();
  readonly #programs = new Set<CpuProgram>();
  #breathed = 0;

  get used(): Tally {
    const used = new Tally();
    for (const { purpose = 'other', spec } of this.#states.keys()) used.add(purpose, byteLength(spec));
    for (const { bytes } of this.#programs) used.add('activations', bytes);
    return used;
  }

  /** A machine that runs out of memory says so itself. */
  requireRoom(): void {}

  #stateOf(state: State): Numbers {
    let numbers = this.#states.get(state);
    if (!numbers) {
      const initial = state.initial();
      numbers = state.fixed ? initial : allocate(state.spec);
      if (!state.fixed) numbers.set(initial);
      this.#states.set(state, numbers);
    }
    return numbers;
  }

  async compile(graph: Graph): Promise<CpuProgram> {
    for (const state of statesOf(graph)) this.#stateOf(state);
    const program = new CpuProgram(graph, this.#states, this.#programs);
    this.#programs.add(program);
    return program;
  }

  async hold(_: string, states: readonly State[]): Promise<void> {
    for (const state of states) this.#stateOf(state);
  }

  release(states: readonly State[]): void {
    for (const state of states) this.#states.delete(state);
  }

  run(programs: readonly Executable[]): void {
    for (const program of programs) {
      const { interpreter, batch } = program as CpuProgram;
      interpreter.run(batch);
    }
  }

  runAndKeep(): never {
    throw new Error('[cpu] it has no buffers to keep outputs in');
  }

  async runAndRead(programs: readonly Executable[], state: State, ranges: readonly Range[]): Promise<Numbers> {
    this.run(programs);
    const { dtype } = state.spec;
    const numbers = allocate({ shape: [lengthOf(ranges)], dtype });
    const bytes = new Uint8Array(numbers.buffer);
    ranges.reduce((at, [start, end, of = state]) => {
      const { buffer, byteOffset, byteLength: size } = this.#stateOf(of).subarray(start, end);
      bytes.set(new Uint8Array(buffer, byteOffset, size), at);
      return at + size;
    }, 0);
    await this.#yieldToEvents();
    return numbers;
  }

  /** A page must have a turn now and then: nothing else here ever waits. */
  async #yieldToEvents(): Promise<void> {
    if (performance.now() - this.#breathed < BREATH_MS) return;
    await yieldToEvents();
    this.#breathed = performance.now();
  }

  async readOutput(program: Executable, name: string): Promise<Numbers> {
    const numbers = (program as CpuProgram).interpreter.value(program.graph.outputs[name]).slice();
    await this.#yieldToEvents();
    return numbers;
  }

  async readOutputs(program: Executable): Promise<Readonly<Record<string, Numbers>>> {
    const { interpreter } = program as CpuProgram;
    const outputs = Object.entries(program.graph.outputs).map(([name, value]) => {
      return [name, interpreter.value(value).slice()] as const;
    });
    await this.#yieldToEvents();
    return Object.fromEntries(outputs);
  }

  async readState(state: State): Promise<Numbers> {
    return this.#stateOf(state).slice();
  }

  regionOf(state: State): never {
    throw new DeviceError(
      `[buffers] "${state.name}" is on the CPU, where there are no GPU buffers: read it by readParameters, or train on WebGPU`,
    );
  }

  encode(where: string): never {
    throw new DeviceError(
      `[${where}] the trainer is on the CPU, which records nothing: call fit, step or predict, or train on WebGPU`,
    );
  }

  async readStates(states: readonly State[]): Promise<Numbers[]> {
    return states.map((state) => this.#stateOf(state).slice());
  }

  writeState(state: State, numbers: Numbers, offset = 0): void {
    this.#stateOf(state).set(numbers, offset);
  }

  copyStates(pairs: readonly (readonly [from: State, to: State])[]): void {
    for (const [from, to] of pairs) this.#stateOf(to).set(this.#stateOf(from));
  }

  async observe(executable: Executable, batch: Batch): Promise<readonly Observation[]> {
    const { interpreter, order } = executable as CpuProgram;
    uploadBatch(executable, batch);
    this.run([executable]);
    const computed = order.filter((node) => !isLeaf(node) && !node.op.view);
    return computed.map((node) => ({
      node,
      inputs: node.inputs.map((value) => interpreter.value(value).slice()),
      outputs: node.outputs.map((value) => interpreter.value(value).slice()),
      overwritten: null,
    }));
  }

  async time(executables: readonly Executable[], runs: number): Promise<Timing> {
    const programs = executables as readonly CpuProgram[];
    const times: Times[] = [];
    for (let run = 0; run < runs; run++) {
      const launches: number[] = [];
      const begun = performance.now();
      for (const { interpreter, batch } of programs) {
        let last = performance.now();
        interpreter.run(batch, (node) => {
          const now = performance.now();
          if (!isLeaf(node)) launches.push(now - last);
          last = now;
        });
      }
      times.push({ whole: performance.now() - begun, launches });
      await this.#yieldToEvents();
    }
    const nodes = programs.flatMap(({ order }) => order.filter((node) => !isLeaf(node) && !node.op.view));
    return { clock: 'wall', quantised: false, nodes, runs: times };
  }

  destroy(): void {
    this.#states.clear();
    this.#programs.clear();
  }
}
