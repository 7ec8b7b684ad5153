import type { BackendKind } from '../core/places.ts';
import type { Numbers, Spec } from '../core/shape.ts';
import type { Batch } from '../cpu/interpret.ts';
import type { CommandEncoder, DeviceBuffer } from '../core/globalTypes.ts';
import type { Graph, Node, State, Value } from '../graph/graph.ts';
import type { KernelChoice } from './kernelChoice.ts';
import type { Tally } from './memoryTally.ts';

/** What one node read and what it made of it, in a run that was watched. */
export interface Observation {
  readonly node: Node;
  readonly inputs: readonly Numbers[];
  readonly outputs: readonly Numbers[];
  /** An input that was no longer what its node had computed: something else wrote into its storage. */
  readonly overwritten: Value | null;
}

/** What the clock said of some runs. */
export interface Timing {
  /** The GPU's own, or the caller's. */
  readonly clock: 'timestamps' | 'wall';
  /** Whether all that the clock said were multiples of Dawn's quantum, 65,536 ns. */
  readonly quantised: boolean;
  /** For each launch, the node that it is of; on the CPU, which launches none, the nodes that it computes. */
  readonly nodes: readonly Node[];
  readonly runs: readonly Times[];
}

/** Milliseconds of one run: undivided, and launch by launch. */
export interface Times {
  readonly whole: number;
  readonly launches: readonly number[];
}

/** Where something lies on a device, in bytes. */
export interface BufferPlace {
  readonly buffer: DeviceBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Elements of a state: the first, and the one behind the last; of another state than is said, their bits. */
export type Range = readonly [start: number, end: number, of?: State];

/** Elements of ranges together. */
export const lengthOf = (ranges: readonly Range[]): number =>
  ranges.reduce((total, [start, end]) => total + end - start, 0);

/** A graph, ready to run again and again. */
export interface Executable {
  readonly graph: Graph;
  readonly order: readonly Node[];
  /** Kernels in the order of their launches; none on the CPU. */
  readonly launches: readonly string[];
  /** The fields of the batch that it reads. */
  readonly fields: ReadonlyMap<string, Spec>;
  upload(field: string, numbers: Numbers): void;
  destroy(): void;
}

/** The first elements of a program's output, and where in a state they are to be. */
export interface KeptOutput {
  readonly output: string;
  readonly count: number;
  readonly state: State;
  readonly at: number;
}

/** What a program is to read. */
export interface Fed {
  readonly states: readonly (readonly [State, Numbers])[];
  readonly batch: Batch;
}

/** Programs for which there is to be room. */
export interface Wanted {
  /** Asked for only where there is a limit. */
  graphs(): readonly Graph[];
  /** As in `compile`. */
  readonly plainly?: boolean;
  /** States beside those that they use. */
  readonly states?: readonly State[];
}

/** Where graphs run: states that outlive the runs, and the programs that share them. */
export interface Backend {
  readonly kind: BackendKind;
  /** The adapter's or the processor's name. */
  readonly adapter: string;
  /** The forms of kernels that its programs take; null where there are no kernels. */
  readonly kernels: KernelChoice | null;
  /** Command buffers handed to the GPU so far, to count; none on the CPU. */
  readonly submits: number;
  /** Bytes of all states and programs. */
  readonly used: Tally;
  /** Bytes of the largest state; larger data come in parts. */
  readonly largestBinding: number;
  /**
   * @param plainly each op by itself, in its simplest kernel: quick to compile, slower to run, for what runs now and then.
   * It leaves no mark on the forms of other programs' kernels.
   */
  compile(graph: Graph, plainly?: boolean): Promise<Executable>;
  /**
   * Reckons what some programs would take together, and makes nothing.
   * @throws DeviceError if it is more than `memoryLimit` leaves
   */
  requireRoom(what: string, wanted: Wanted): void;
  /** Makes room for states, before a program needs them. @throws DeviceError, holding none, if there is not enough */
  hold(what: string, states: readonly State[]): Promise<void>;
  /** Frees states that no program uses any more. */
  release(states: readonly State[]): void;
  /** Runs programs one behind the other: one submit. */
  run(programs: readonly Executable[]): void;
  /**
   * Records programs, one behind the other, into an encoder of the device's owner, who submits it, or drops it. Nothing is
   * submitted, uploaded or made.
   * @param where it is called, for messages   @throws DeviceError on the CPU, and while there is no device
   */
  encode(where: string, programs: readonly Executable[], encoder: CommandEncoder): void;
  /** Runs programs, and reads ranges of a state as they leave it, one behind the other: still one submit. */
  runAndRead(programs: readonly Executable[], state: State, ranges: readonly Range[]): Promise<Numbers>;
  /**
   * Writes states, uploads a batch, runs a program, and keeps outputs in states: one submit, of which nothing comes back.
   * Where the device is lost, what was kept is too: it is not done again.
   */
  runAndKeep(program: Executable, fed: Fed, kept: readonly KeptOutput[]): Promise<void>;
  /** An output of the last run. */
  readOutput(program: Executable, name: string): Promise<Numbers>;
  /** All outputs of the last run, by name: one copy. */
  readOutputs(program: Executable): Promise<Readonly<Record<string, Numbers>>>;
  readState(state: State): Promise<Numbers>;
  /** Where a state lies; the CPU has no such place. @throws DeviceError there */
  regionOf(state: State): BufferPlace;
  /** Several at once, as they are at the call. */
  readStates(states: readonly State[]): Promise<Numbers[]>;
  /** @param offset the first element that is replaced; 0 if left out */
  writeState(state: State, numbers: Numbers, offset?: number): void;
  /** Copies states into others of the same spec, behind all that was submitted. */
  copyStates(pairs: readonly (readonly [from: State, to: State])[]): void;
  /** Runs a program node by node, keeping what each read and wrote. The states end changed. */
  observe(program: Executable, batch: Batch): Promise<readonly Observation[]>;
  /** Runs programs one behind the other, so many times, timing every launch. The states end changed. */
  time(programs: readonly Executable[], runs: number): Promise<Timing>;
  destroy(): void;
}

/** Uploads each field of a batch that a program reads. */
export function uploadBatch(program: Executable, batch: Batch): void {
  for (const name of program.fields.keys()) program.upload(name, batch[name]);
}

/** Whether two arrays of a kind hold the same. */
export function sameBits(a: Numbers, b: Numbers): boolean {
  const [x, y] = [a, b].map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  return x.length === y.length && x.every((byte, at) => byte === y[at]);
}
