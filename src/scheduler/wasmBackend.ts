import type { Numbers } from '../core/shape.ts';
import { counted } from '../core/textFormat.ts';
import type { Batch } from '../cpu/interpret.ts';
import type { Graph, State, Value } from '../graph/graph.ts';
import { isLeaf } from '../graph/leaf.ts';
import { statesOf } from '../graph/states.ts';
import { Machine } from '../wasm/machine.ts';
import {
  sameBits,
  uploadBatch,
  type Executable,
  type Fed,
  type KeptOutput,
  type Observation,
  type Times,
  type Timing,
} from './backend.ts';
import type { Tally } from './memoryTally.ts';
import { ProcessorBackend } from './processorBackend.ts';
import { WasmProgram } from './wasmProgram.ts';
import { WasmStorage } from './wasmStorage.ts';

/** What a WebAssembly backend may be told. */
export interface WasmOptions {
  /** Threads that share the work; as many as there are if left out. The bits do not depend on them. */
  readonly threads?: number | undefined;
  /** Whether products may be taken and added in one rounding where the engine can: the bits differ by machine then. */
  readonly relaxed?: boolean | undefined;
}

/** Runs programs by WebAssembly's vectors, on the CPU. */
export class WasmBackend extends ProcessorBackend {
  readonly kind = 'wasm';
  readonly adapter: string;
  /** A quarter of all addresses. */
  readonly largestBinding = 2 ** 30;
  readonly #machine: Machine;
  readonly #storage: WasmStorage;
  readonly #owns: boolean;

  /** @param owns whether the machine ends with it */
  constructor(machine: Machine, owns = false) {
    super();
    this.#machine = machine;
    this.#owns = owns;
    this.#storage = new WasmStorage(machine);
    this.adapter = `WebAssembly (${counted(machine.threads, 'thread')}${machine.isRelaxed ? ', relaxed' : ''})`;
  }

  /** @throws DeviceError where there is no WebAssembly with SIMD */
  static async open({ threads, relaxed }: WasmOptions = {}): Promise<WasmBackend> {
    return new WasmBackend(await Machine.open(threads, relaxed), true);
  }

  get used(): Tally {
    return this.#storage.used;
  }

  async compile(graph: Graph): Promise<WasmProgram> {
    for (const state of statesOf(graph)) this.#storage.stateOf(state);
    return new WasmProgram(graph, this.#machine, this.#storage);
  }

  protected stateOf(state: State): Numbers {
    return this.#storage.stateOf(state);
  }

  protected valueIn(program: Executable, value: Value): Numbers {
    return (program as WasmProgram).numbersOf(value);
  }

  release(states: readonly State[]): void {
    this.#storage.release(states);
  }

  run(programs: readonly Executable[]): void {
    for (const program of programs as readonly WasmProgram[]) program.run();
  }

  async runAndKeep(program: Executable, { states, batch }: Fed, kept: readonly KeptOutput[]): Promise<void> {
    for (const [state, numbers] of states) this.writeState(state, numbers);
    uploadBatch(program, batch);
    this.run([program]);
    for (const { output, count, state, at } of kept) {
      const numbers = this.valueIn(program, program.graph.outputs[output]);
      this.writeState(state, numbers.subarray(0, count), at);
    }
    await this.yieldToEvents();
  }

  async observe(executable: Executable, batch: Batch): Promise<readonly Observation[]> {
    const program = executable as WasmProgram;
    const observations: Observation[] = [];
    program.poison();
    uploadBatch(program, batch);
    const replays = new Map(program.replays.map(({ node, run }) => [node, run]));
    const computed = new Map<Value, Numbers>();
    const read = (values: readonly Value[]): Numbers[] => values.map((value) => program.numbersOf(value).slice());
    for (const node of program.order) {
      const inputs = read(node.inputs);
      replays.get(node)?.();
      const outputs = read(node.outputs);
      node.outputs.forEach((value, at) => computed.set(value, outputs[at]));
      if (isLeaf(node) || node.op.view) continue;
      const overwritten = node.inputs.find((value, at) => !sameBits(computed.get(value)!, inputs[at])) ?? null;
      observations.push({ node, inputs, outputs, overwritten });
    }
    return observations;
  }

  async time(executables: readonly Executable[], runs: number): Promise<Timing> {
    const programs = executables as readonly WasmProgram[];
    const replays = programs.flatMap((program) => program.replays);
    const times: Times[] = [];
    for (let run = 0; run < runs; run++) {
      const begun = performance.now();
      this.run(programs);
      const whole = performance.now() - begun;
      const launches = replays.map((replay) => {
        const from = performance.now();
        replay.run();
        return performance.now() - from;
      });
      times.push({ whole, launches });
      await this.yieldToEvents();
    }
    return { clock: 'wall', quantised: false, nodes: replays.map(({ node }) => node), runs: times };
  }

  destroy(): void {
    this.#storage.destroy();
    if (this.#owns) this.#machine.destroy();
  }
}
