import { DeviceError } from '../core/errors.ts';
import { allocate, type Numbers } from '../core/shape.ts';
import { yieldToEvents } from '../core/yieldToEvents.ts';
import { counted } from '../core/textFormat.ts';
import type { Batch } from '../cpu/interpret.ts';
import type { Graph, State, Value } from '../graph/graph.ts';
import { isLeaf } from '../graph/leaf.ts';
import { statesOf } from '../graph/states.ts';
import { Machine } from '../wasm/machine.ts';
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
} from './backend.ts';
import type { Tally } from './memoryTally.ts';
import { WasmProgram } from './wasmProgram.ts';
import { WasmStorage } from './wasmStorage.ts';

/** What a WebAssembly backend may be told. */
export interface WasmOptions {
  /** Threads that share the work; as many as there are if left out. The bits do not depend on them. */
  readonly threads?: number | undefined;
}

/** Work between two breaths: half a frame. */
const BREATH_MS = 8;

/** Runs programs by WebAssembly's vectors, on the CPU. */
export class WasmBackend implements Backend {
  readonly kind = 'wasm';
  readonly adapter: string;
  readonly kernels = null;
  readonly submits = 0;
  /** A quarter of all addresses. */
  readonly largestBinding = 2 ** 30;
  readonly #machine: Machine;
  readonly #storage: WasmStorage;
  readonly #owns: boolean;
  #breathed = 0;

  /** @param owns whether the machine ends with it */
  constructor(machine: Machine, owns = false) {
    this.#machine = machine;
    this.#owns = owns;
    this.#storage = new WasmStorage(machine);
    this.adapter = `WebAssembly (${counted(machine.threads, 'thread')})`;
  }

  /** @throws DeviceError where there is no WebAssembly with SIMD */
  static async open({ threads }: WasmOptions = {}): Promise<WasmBackend> {
    return new WasmBackend(await Machine.open(threads), true);
  }

  get used(): Tally {
    return this.#storage.used;
  }

  /** Its memory grows as programs are compiled; what does not fit is refused there. */
  requireRoom(): void {}

  async compile(graph: Graph): Promise<WasmProgram> {
    for (const state of statesOf(graph)) this.#storage.stateOf(state);
    return new WasmProgram(graph, this.#machine, this.#storage);
  }

  async hold(_: string, states: readonly State[]): Promise<void> {
    for (const state of states) this.#storage.stateOf(state);
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
      const numbers = (program as WasmProgram).numbersOf(program.graph.outputs[output]);
      this.writeState(state, numbers.subarray(0, count), at);
    }
    await this.#yieldToEvents();
  }

  async runAndRead(programs: readonly Executable[], state: State, ranges: readonly Range[]): Promise<Numbers> {
    this.run(programs);
    const { dtype } = state.spec;
    const numbers = allocate({ shape: [lengthOf(ranges)], dtype });
    const bytes = new Uint8Array(numbers.buffer);
    ranges.reduce((at, [start, end, of = state]) => {
      const { buffer, byteOffset, byteLength: size } = this.#storage.stateOf(of).subarray(start, end);
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
    return (program as WasmProgram).numbersOf(program.graph.outputs[name]).slice();
  }

  async readOutputs(program: Executable): Promise<Readonly<Record<string, Numbers>>> {
    const outputs = Object.entries(program.graph.outputs).map(([name, value]) => {
      return [name, (program as WasmProgram).numbersOf(value).slice()] as const;
    });
    await this.#yieldToEvents();
    return Object.fromEntries(outputs);
  }

  async readState(state: State): Promise<Numbers> {
    return this.#storage.stateOf(state).slice();
  }

  async readStates(states: readonly State[]): Promise<Numbers[]> {
    return states.map((state) => this.#storage.stateOf(state).slice());
  }

  regionOf(state: State): never {
    throw new DeviceError(
      `[buffers] "${state.name}" is in WebAssembly's memory, where there are no GPU buffers: read it by readParameters, or train on WebGPU`,
    );
  }

  encode(where: string): never {
    throw new DeviceError(
      `[${where}] the trainer is in WebAssembly, which records nothing: call fit, step or predict, or train on WebGPU`,
    );
  }

  writeState(state: State, numbers: Numbers, offset = 0): void {
    this.#storage.stateOf(state).set(numbers, offset);
  }

  copyStates(pairs: readonly (readonly [from: State, to: State])[]): void {
    for (const [from, to] of pairs) this.#storage.stateOf(to).set(this.#storage.stateOf(from));
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
      await this.#yieldToEvents();
    }
    return { clock: 'wall', quantised: false, nodes: replays.map(({ node }) => node), runs: times };
  }

  destroy(): void {
    this.#storage.destroy();
    if (this.#owns) this.#machine.destroy();
  }
}
