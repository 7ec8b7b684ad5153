import { allocate, byteLength, type Numbers, type Spec } from '../core/shape.ts';
import { Interpreter, type Batch, type States } from '../cpu/interpret.ts';
import type { Graph, Node, Op, State, Value } from '../graph/graph.ts';
import { fieldsIn, isLeaf, stateOp } from '../graph/leaf.ts';
import { statesOf } from '../graph/states.ts';
import { Tally } from './memoryTally.ts';
import { ProcessorBackend } from './processorBackend.ts';
import { uploadBatch, type Executable, type Observation, type Times, type Timing } from './backend.ts';

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
    this.fields = new Map([...fieldsIn(this.order)].map(([label, { spec }]) => [label, spec]));
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

/** Runs programs by each op's reference, in f32. */
export class CpuBackend extends ProcessorBackend {
  readonly kind = 'cpu';
  readonly adapter = 'CPU reference';
  readonly largestBinding = Number.MAX_SAFE_INTEGER;
  readonly #states = new Map<State, Numbers>();
  readonly #programs = new Set<CpuProgram>();

  get used(): Tally {
    const used = new Tally();
    for (const { purpose = 'other', spec } of this.#states.keys()) used.add(purpose, byteLength(spec));
    for (const { bytes } of this.#programs) used.add('activations', bytes);
    return used;
  }

  protected stateOf(state: State): Numbers {
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
    for (const state of statesOf(graph)) this.stateOf(state);
    const program = new CpuProgram(graph, this.#states, this.#programs);
    this.#programs.add(program);
    return program;
  }

  protected valueIn(program: Executable, value: Value): Numbers {
    return (program as CpuProgram).interpreter.value(value);
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
      await this.yieldToEvents();
    }
    const nodes = programs.flatMap(({ order }) => order.filter((node) => !isLeaf(node) && !node.op.view));
    return { clock: 'wall', quantised: false, nodes, runs: times };
  }

  destroy(): void {
    this.#states.clear();
    this.#programs.clear();
  }
}
