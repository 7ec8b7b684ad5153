import { digestOf } from '../../core/digest.ts';
import { DataError } from '../../core/errors.ts';
import { joined, sizeOf, type Numbers } from '../../core/shape.ts';
import { thousands } from '../../core/textFormat.ts';
import type { Dataset } from '../../data/dataset.ts';
import { formatGraph, type Graph } from '../../graph/graph.ts';
import type { Backend, Executable } from '../../scheduler/backend.ts';
import type { Feed } from '../graphs/batchValues.ts';
import { requireSound } from '../samples/dataChecks.ts';
import { copyOfSet, type Given } from '../samples/givenData.ts';
import { evaluationGraph, predictionGraph } from '../graphs/evaluationGraphs.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import { residentSource, statesIn, tableSource, type Source } from '../samples/sampleSource.ts';
import { stepGraphs } from '../graphs/stepGraphs.ts';
import type { StepGraph } from '../graphs/stepUpdate.ts';

/** One program of a step. */
export interface StepProgram extends Pick<StepGraph, 'loss'> {
  readonly program: Executable;
}

/** The graphs of a step as text, each once. */
export const formatSteps = (programs: readonly StepProgram[]): string =>
  [...new Set(programs.map(({ program }) => program.graph))].map(formatGraph).join('\n\n');

/** A source with the programs that read it. */
class Reader {
  readonly source: Source;
  /** Runs and evaluations that use it now. */
  users = 0;
  readonly #programs = new Map<string, Promise<readonly StepProgram[]>>();
  readonly made: Executable[] = [];
  /** Lets go of what its states hold at first, once they do. */
  readonly settle: () => void;
  readonly #backend: Backend;

  constructor(backend: Backend, source: Source, settle = (): void => {}) {
    this.#backend = backend;
    this.source = source;
    this.settle = settle;
  }

  /**
   * The programs of some graphs, some of which may be the same. Two who ask at once share them; a failure is forgotten.
   * @param what they do, in words
   */
  programs(what: string, graphs: () => readonly StepGraph[], plainly = false): Promise<readonly StepProgram[]> {
    let programs = this.#programs.get(what);
    if (!programs) {
      programs = this.#compile(what, graphs(), plainly);
      this.#programs.set(what, programs);
      programs.catch(() => this.#programs.delete(what));
    }
    return programs;
  }

  async #compile(what: string, graphs: readonly StepGraph[], plainly: boolean): Promise<readonly StepProgram[]> {
    const compiled = new Map<Graph, Executable>();
    const all = new Set(graphs.map(({ graph }) => graph));
    // A step may have several programs: none is made unless there is room for all.
    this.#backend.requireRoom(what, { graphs: () => [...all], plainly });
    for (const graph of all) {
      const program = await this.#backend.compile(graph, plainly);
      compiled.set(graph, program);
      this.made.push(program);
    }
    return graphs.map(({ graph, loss }) => ({ program: compiled.get(graph)!, loss }));
  }

  destroy(): void {
    for (const program of this.made.splice(0)) program.destroy();
    this.#backend.release(statesIn(this.source));
  }
}

/** Data sets that stay on the GPU for the next call: the training set, two to judge it by, and one more. */
const MOST_RESIDENT = 4;

/** All programs of a trainer, each made when it is first needed, and the samples that they read. */
export class Programs {
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  /** The latest used last. */
  readonly #residents = new Map<Dataset, Reader>();
  readonly #tables = new Map<number, Reader>();
  readonly #unfed: Reader;
  #destroyed = false;

  constructor(backend: Backend, prepared: Prepared) {
    this.#backend = backend;
    this.#prepared = prepared;
    this.#unfed = new Reader(backend, { length: 0, fields: {} });
  }

  get #readers(): Reader[] {
    return [...this.#residents.values(), ...this.#tables.values(), this.#unfed];
  }

  /** A set at the call that gives it: as it is now, unless it lies there already as it was. */
  given(where: string, set: Dataset): Given {
    return { set, copy: this.#residents.has(set) ? null : copyOfSet(where, set, this.#prepared.names) };
  }

  /**
   * Does work with a data set that lies on the GPU as a whole, and stays there for the next time if few others do.
   * @param graphs what is to run on it, for which there must be room too
   * @throws DeviceError if there is no room for it; DataError if it would spoil training
   */
  async withResident<T>(
    given: Given,
    work: (source: Source) => Promise<T>,
    graphs?: (source: Source) => readonly Graph[],
  ): Promise<T> {
    const { source, release } = await this.reside(given, graphs);
    try {
      return await work(source);
    } finally {
      release();
    }
  }

  /** The same for as long as the caller wants, who ends it by `release`. */
  async reside(
    given: Given,
    graphs: (source: Source) => readonly Graph[] = () => [],
  ): Promise<{ readonly source: Source; release(): void }> {
    const data = given.set;
    const isNew = !this.#residents.has(data);
    const reader = this.#residents.get(data) ?? this.#take(given);
    given.copy = null;
    this.#residents.delete(data);
    this.#residents.set(data, reader);
    reader.users++;
    try {
      this.#makeRoom(MOST_RESIDENT);
      const what = `a data set of ${thousands(data.length)} samples`;
      const states = statesIn(reader.source);
      const wanted = { states, graphs: () => graphs(reader.source) };
      const hold = async (): Promise<void> => {
        if (isNew) this.#backend.requireRoom(`work on ${what}`, wanted);
        await this.#backend.hold(what, states);
      };
      // Sets that stay only for the next time give way.
      await hold().catch((error: unknown) => {
        if (!this.#makeRoom(1)) throw error;
        return hold();
      });
      reader.settle();
    } catch (error) {
      reader.users--;
      if (reader.users === 0) this.#drop(data, reader);
      throw error;
    }
    const release = (): void => {
      reader.users--;
      this.#makeRoom(MOST_RESIDENT);
    };
    return { source: reader.source, release };
  }

  /** What is checked here is what is kept: nobody else changes the copy. */
  #take({ set, copy }: Given): Reader {
    const { names, checks } = this.#prepared;
    // One that was dropped since the call is taken as it is now.
    let taken: Dataset | null = copy ?? copyOfSet('data', set, names);
    requireSound(taken, names, checks);
    // The CPU never loses what it holds.
    const lasting = this.#backend.kind === 'cpu' ? [] : names;
    const digests = new Map(lasting.map((name) => [name, digestOf(taken!.fields[name].data)]));
    // Where the device that holds it is lost, it is taken from its owner once more.
    const again = (name: string): Numbers => {
      const { data } = set.fields[name];
      if (digestOf(data) === digests.get(name)) return data;
      throw new DataError(
        `[data] the array of "${name}" is no longer what it was when its set was given, and the device that held the set was lost: leave arrays as they are, and call refresh where they change`,
      );
    };
    const source = residentSource(
      set,
      names,
      this.#backend.largestBinding,
      (name) => taken?.fields[name].data ?? again(name),
    );
    return new Reader(this.#backend, source, () => (taken = null));
  }

  /** Some of a set's fields as it was when it was given: at this call, or, if it lies there, at the one before. */
  async numbersOf(given: Given, names: readonly string[]): Promise<Dataset> {
    if (given.copy) return given.copy;
    return this.withResident(given, async (source) => {
      const fields = await Promise.all(
        names.map(async (name) => {
          const parts = await this.#backend.readStates(source.fields[name].states);
          return [name, { ...given.set.fields[name], data: joined(parts) }] as const;
        }),
      );
      return { length: given.set.length, fields: Object.fromEntries(fields) };
    });
  }

  /**
   * Puts a set's numbers in the place of those that lie there, if any do.
   * @throws DataError, replacing nothing, if they would spoil training, or if the set is in use
   */
  refresh(set: Dataset, copy: Dataset): void {
    const { names, checks } = this.#prepared;
    const reader = this.#residents.get(set);
    if (reader && reader.users > 0) {
      throw new DataError('[refresh] the data set is in use: await what runs on it, or leave the loop of fit, first');
    }
    requireSound(copy, names, checks);
    if (!reader) return;
    for (const name of names) {
      const { states, held } = reader.source.fields[name];
      const { data, shape } = copy.fields[name];
      const size = held * sizeOf(shape);
      states.forEach((state, at) => this.#backend.writeState(state, data.subarray(at * size, (at + 1) * size)));
    }
  }

  /** Drops what nobody uses until no more than so many sets are left. @returns whether there was any */
  #makeRoom(most: number): boolean {
    const before = this.#residents.size;
    for (const [data, reader] of this.#residents) {
      if (this.#residents.size <= most) break;
      if (reader.users === 0) this.#drop(data, reader);
    }
    return this.#residents.size < before;
  }

  #drop(data: Dataset, reader: Reader): void {
    this.#residents.delete(data);
    reader.destroy();
  }

  /** Room for samples that are brought there step by step. */
  table(rows: number): Source {
    let reader = this.#tables.get(rows);
    if (!reader) {
      const { traced, names } = this.#prepared;
      // The first is for single batches. The others are for runs, and only one runs at a time.
      for (const [size, other] of [...this.#tables].slice(1)) {
        this.#tables.delete(size);
        other.destroy();
      }
      reader = new Reader(this.#backend, tableSource(traced.fields, names, rows));
      this.#tables.set(rows, reader);
    }
    return reader.source;
  }

  #readerOf(source: Source): Reader {
    const reader = this.#readers.find((other) => other.source === source);
    if (!reader) throw new Error('[programs] the source was released while it was in use');
    return reader;
  }

  async #programs(
    reader: Reader,
    what: string,
    graphs: () => readonly StepGraph[],
    plainly = false,
  ): Promise<readonly StepProgram[]> {
    const programs = await reader.programs(what, graphs, plainly);
    if (!this.#destroyed) return programs;
    reader.destroy();
    throw new Error('[programs] they were destroyed while they were made');
  }

  /** The graphs of a training step of n samples. */
  stepGraphs(n: number, feed: Feed): readonly StepGraph[] {
    return stepGraphs(this.#prepared.traced, n, this.#prepared.ring, feed);
  }

  /** Its programs. */
  step(n: number, feed: Feed): Promise<readonly StepProgram[]> {
    const graphs = () => this.stepGraphs(n, feed);
    const what = `a step of ${n} samples${feed.shuffle ? ', shuffled' : ''}`;
    return this.#programs(this.#readerOf(feed.source), what, graphs);
  }

  /** Loss and metrics of n samples from where the evaluation's control stands. */
  evaluationGraph(n: number, source: Source): Graph {
    return evaluationGraph(this.#prepared.traced, n, this.#prepared.evaluationRing, source);
  }

  /** Its program. */
  async evaluation(n: number, source: Source): Promise<Executable> {
    const graphs = () => [{ graph: this.evaluationGraph(n, source), loss: null }];
    return (await this.#programs(this.#readerOf(source), `an evaluation of ${n} samples`, graphs))[0].program;
  }

  /** The model's outputs for n uploaded samples. */
  async prediction(n: number): Promise<Executable> {
    const graphs = () => [{ graph: predictionGraph(this.#prepared.traced, n), loss: null }];
    return (await this.#programs(this.#unfed, `a prediction of ${n} samples`, graphs))[0].program;
  }

  /** Of n uploaded samples: a step that is read, or one that is rehearsed. */
  async inspection(n: number, kind: 'reading' | 'rehearsal', graph: () => Graph): Promise<Executable> {
    const graphs = () => [{ graph: graph(), loss: null }];
    return (await this.#programs(this.#unfed, `the ${kind} of an inspection of ${n} samples`, graphs, true))[0].program;
  }

  destroy(): void {
    this.#destroyed = true;
    for (const reader of this.#readers) reader.destroy();
    this.#residents.clear();
    this.#tables.clear();
  }
}
