import { DeviceError } from '../core/errors.ts';
import type { BackendKind } from '../core/places.ts';
import { allocate, type Numbers } from '../core/shape.ts';
import { yieldToEvents } from '../core/yieldToEvents.ts';
import type { Batch } from '../cpu/interpret.ts';
import type { Graph, State, Value } from '../graph/graph.ts';
import {
  lengthOf,
  type Backend,
  type Executable,
  type Fed,
  type KeptOutput,
  type Observation,
  type Range,
  type Timing,
} from './backend.ts';
import type { Tally } from './memoryTally.ts';

/** Work between two breaths: half a frame. */
const BREATH_MS = 8;

/** What all backends of the CPU have in common: states lie where this language reads them, and nothing is submitted. */
export abstract class ProcessorBackend implements Backend {
  abstract readonly kind: BackendKind;
  abstract readonly adapter: string;
  abstract readonly largestBinding: number;
  abstract readonly used: Tally;
  readonly kernels = null;
  readonly submits = 0;
  #breathed = 0;

  abstract compile(graph: Graph): Promise<Executable>;
  abstract run(programs: readonly Executable[]): void;
  abstract runAndKeep(program: Executable, fed: Fed, kept: readonly KeptOutput[]): Promise<void>;
  abstract observe(program: Executable, batch: Batch): Promise<readonly Observation[]>;
  abstract time(programs: readonly Executable[], runs: number): Promise<Timing>;
  abstract release(states: readonly State[]): void;
  abstract destroy(): void;

  /** What a state holds, where it lies; with its first numbers where it was not asked for before. */
  protected abstract stateOf(state: State): Numbers;
  /** What a value was in the last run, where it lies. */
  protected abstract valueIn(program: Executable, value: Value): Numbers;

  /** A machine that runs out of memory says so itself. */
  requireRoom(): void {}

  async hold(_: string, states: readonly State[]): Promise<void> {
    for (const state of states) this.stateOf(state);
  }

  async runAndRead(programs: readonly Executable[], state: State, ranges: readonly Range[]): Promise<Numbers> {
    this.run(programs);
    const { dtype } = state.spec;
    const numbers = allocate({ shape: [lengthOf(ranges)], dtype });
    const bytes = new Uint8Array(numbers.buffer);
    ranges.reduce((at, [start, end, of = state]) => {
      const { buffer, byteOffset, byteLength: size } = this.stateOf(of).subarray(start, end);
      bytes.set(new Uint8Array(buffer, byteOffset, size), at);
      return at + size;
    }, 0);
    await this.yieldToEvents();
    return numbers;
  }

  /** A page must have a turn now and then: nothing else here ever waits. */
  protected async yieldToEvents(): Promise<void> {
    if (performance.now() - this.#breathed < BREATH_MS) return;
    await yieldToEvents();
    this.#breathed = performance.now();
  }

  async readOutput(program: Executable, name: string): Promise<Numbers> {
    const numbers = this.valueIn(program, program.graph.outputs[name]).slice();
    await this.yieldToEvents();
    return numbers;
  }

  async readOutputs(program: Executable): Promise<Readonly<Record<string, Numbers>>> {
    const outputs = Object.entries(program.graph.outputs).map(([name, value]) => {
      return [name, this.valueIn(program, value).slice()] as const;
    });
    await this.yieldToEvents();
    return Object.fromEntries(outputs);
  }

  async readState(state: State): Promise<Numbers> {
    return this.stateOf(state).slice();
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
    return states.map((state) => this.stateOf(state).slice());
  }

  writeState(state: State, numbers: Numbers, offset = 0): void {
    this.stateOf(state).set(numbers, offset);
  }

  copyStates(pairs: readonly (readonly [from: State, to: State])[]): void {
    for (const [from, to] of pairs) this.stateOf(to).set(this.stateOf(from));
  }
}
