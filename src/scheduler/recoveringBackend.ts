import type { BackendKind } from '../core/places.ts';
import type { CommandEncoder } from '../core/globalTypes.ts';
import type { Numbers } from '../core/shape.ts';
import type { Batch } from '../cpu/interpret.ts';
import type { Graph, State } from '../graph/graph.ts';
import {
  uploadBatch,
  type Backend,
  type BufferPlace,
  type Executable,
  type Fed,
  type KeptOutput,
  type Observation,
  type Range,
  type Timing,
  type Wanted,
} from './backend.ts';
import type { DeviceLife } from './deviceLife.ts';
import type { KernelChoice } from './kernelChoice.ts';
import { innerOf, LastingProgram } from './lastingProgram.ts';
import type { Tally } from './memoryTally.ts';
import { Recovery, type Lifeline } from './recovery.ts';

/**
 * A backend that outlives its device. It keeps what states held at some moment, read back while the GPU goes on, and a
 * journal of what it was asked since; where the device is lost, it does all of that again on another one. Whoever waits for
 * numbers gets them, once, with the same bits.
 */
export class RecoveringBackend implements Backend {
  readonly #recovery: Recovery;

  constructor(life: DeviceLife, lifeline: Lifeline) {
    this.#recovery = new Recovery(life, lifeline);
  }

  get kind(): BackendKind {
    return this.#recovery.backend.kind;
  }

  get adapter(): string {
    return this.#recovery.backend.adapter;
  }

  get kernels(): KernelChoice | null {
    return this.#recovery.backend.kernels;
  }

  get submits(): number {
    return this.#recovery.submits;
  }

  get used(): Tally {
    return this.#recovery.backend.used;
  }

  get largestBinding(): number {
    return this.#recovery.backend.largestBinding;
  }

  async compile(graph: Graph, plainly = false): Promise<Executable> {
    const program = new LastingProgram(this, graph, plainly);
    program.inner = await this.#recovery.lasting((backend) => backend.compile(graph, plainly));
    this.#recovery.programs.add(program);
    return program;
  }

  requireRoom(what: string, wanted: Wanted): void {
    this.#recovery.backend.requireRoom(what, wanted);
  }

  async hold(what: string, states: readonly State[]): Promise<void> {
    await this.#recovery.lasting((backend) => backend.hold(what, states));
    for (const state of states) this.#recovery.held.add(state);
  }

  release(states: readonly State[]): void {
    for (const state of states) {
      this.#recovery.held.delete(state);
      this.#recovery.changed.delete(state);
    }
    if (!this.#recovery.isOver) this.#recovery.do({ released: states, do: ({ backend }) => backend.release(states) });
  }

  /** It is there for as long as something that it did may be done again. */
  drop(program: LastingProgram): void {
    if (this.#recovery.isOver) program.inner.destroy();
    else this.#recovery.do({ do: () => program.inner.destroy(), over: () => this.#recovery.programs.delete(program) });
  }

  upload(program: LastingProgram, field: string, numbers: Numbers): void {
    const kept = numbers.slice();
    program.uploads.set(field, kept);
    this.#recovery.do({ bytes: kept.byteLength, do: () => program.inner.upload(field, kept) });
  }

  #changes(programs: readonly Executable[]): void {
    for (const { graph } of new Set(programs)) for (const [state] of graph.writes) this.#recovery.changed.add(state);
  }

  run(programs: readonly Executable[]): void {
    this.#changes(programs);
    this.#recovery.do({ do: ({ backend }) => backend.run(innerOf(programs)) });
  }

  encode(where: string, programs: readonly Executable[], encoder: CommandEncoder): void {
    const backend = this.#recovery.backendNow(where);
    this.#changes(programs);
    backend.encode(where, innerOf(programs), encoder);
  }

  runAndRead(programs: readonly Executable[], state: State, ranges: readonly Range[]): Promise<Numbers> {
    this.#changes(programs);
    return this.#recovery.ask(
      (backend) => backend.runAndRead(innerOf(programs), state, ranges),
      (backend) => backend.run(innerOf(programs)),
    );
  }

  async runAndKeep(program: Executable, fed: Fed, kept: readonly KeptOutput[]): Promise<void> {
    await this.#recovery.lasting((backend) => backend.runAndKeep((program as LastingProgram).inner, fed, kept));
  }

  readOutput(program: Executable, name: string): Promise<Numbers> {
    return this.#recovery.ask(
      (backend) => backend.readOutput((program as LastingProgram).inner, name),
      () => {},
    );
  }

  readOutputs(program: Executable): Promise<Readonly<Record<string, Numbers>>> {
    return this.#recovery.ask(
      (backend) => backend.readOutputs((program as LastingProgram).inner),
      () => {},
    );
  }

  async readState(state: State): Promise<Numbers> {
    return (await this.readStates([state]))[0];
  }

  regionOf(state: State): BufferPlace {
    return this.#recovery.backend.regionOf(state);
  }

  readStates(states: readonly State[]): Promise<Numbers[]> {
    return this.#recovery.ask(
      (backend) => backend.readStates(states),
      () => {},
    );
  }

  writeState(state: State, numbers: Numbers, offset = 0): void {
    const kept = numbers.slice();
    this.#recovery.do({
      bytes: kept.byteLength,
      wrote: { state, numbers: kept, offset },
      do: ({ backend }) => backend.writeState(state, kept, offset),
    });
  }

  copyStates(pairs: readonly (readonly [from: State, to: State])[]): void {
    for (const [, to] of pairs) this.#recovery.changed.add(to);
    this.#recovery.do({ do: ({ backend }) => backend.copyStates(pairs) });
  }

  observe(program: Executable, batch: Batch): Promise<readonly Observation[]> {
    this.#changes([program]);
    return this.#recovery.ask(
      (backend) => backend.observe((program as LastingProgram).inner, batch),
      (backend) => {
        const [inner] = innerOf([program]);
        uploadBatch(inner, batch);
        backend.run([inner]);
      },
    );
  }

  time(programs: readonly Executable[], runs: number): Promise<Timing> {
    this.#changes(programs);
    return this.#recovery.ask(
      (backend) => backend.time(innerOf(programs), runs),
      (backend) => {
        // Each is timed as a whole, and launch by launch.
        for (let run = 0; run < 2 * runs; run++) backend.run(innerOf(programs));
      },
    );
  }

  destroy(): void {
    this.#recovery.destroy();
  }
}
