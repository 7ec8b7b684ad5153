import { digestOf } from '../../core/digest.ts';
import { DataError } from '../../core/errors.ts';
import { joined, type Numbers } from '../../core/shape.ts';
import { thousands } from '../../core/textFormat.ts';
import type { Dataset } from '../../data/dataset.ts';
import { samplesFrom, strideOf } from '../../data/sampleLayout.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import { requireSound } from '../samples/dataChecks.ts';
import { copyOfSet, type Given } from '../samples/givenData.ts';
import { residentSource, statesIn, type Source } from '../samples/sampleSource.ts';
import { SourcePrograms } from './sourcePrograms.ts';

/** Data sets that stay on the GPU for the next call: the training set, two to judge it by, and one more. */
const MOST_RESIDENT = 4;

/** The data sets that lie on the GPU as a whole, each taken once, as it was when it was given. */
export class ResidentSets {
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  /** The latest used last. */
  readonly #residents = new Map<Dataset, SourcePrograms>();

  constructor(backend: Backend, prepared: Prepared) {
    this.#backend = backend;
    this.#prepared = prepared;
  }

  /** Each with its programs. */
  get readers(): readonly SourcePrograms[] {
    return [...this.#residents.values()];
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
  #take({ set, copy }: Given): SourcePrograms {
    const { checks } = this.#prepared;
    // What is only predicted may lack what a loss reads.
    const names = this.#prepared.names.filter((name) => Object.hasOwn(set.fields, name));
    // One that was dropped since the call is taken as it is now.
    let taken: Dataset | null = copy ?? copyOfSet('data', set, names);
    requireSound(taken, names, checks);
    // The CPU never loses what it holds.
    const lasting = this.#backend.kind !== 'webgpu' ? [] : names.filter((name) => !set.fields[name].host);
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
    return new SourcePrograms(this.#backend, source, () => (taken = null));
  }

  /** Some of a set's fields as it was when it was given: at this call, or, if it lies there, at the one before. */
  async numbersOf(given: Given, names: readonly string[]): Promise<Dataset> {
    if (given.copy) return given.copy;
    return this.withResident(given, async (source) => {
      const fields = await Promise.all(
        names.map(async (name) => {
          const parts = await this.#backend.readStates(source.fields[name].states);
          const field = given.set.fields[name];
          // What overlaps stands in two parts.
          const own = parts.map((part, at) =>
            at < parts.length - 1 ? part.subarray(0, source.fields[name].held * strideOf(field)) : part,
          );
          return [name, { ...field, data: joined(own) }] as const;
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
      const field = copy.fields[name];
      if (field.host) continue;
      states.forEach((state, at) => {
        const numbers = samplesFrom(field, at * held, Math.min(copy.length, (at + 1) * held));
        this.#backend.writeState(state, numbers);
      });
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

  #drop(data: Dataset, reader: SourcePrograms): void {
    this.#residents.delete(data);
    reader.destroy();
  }

  clear(): void {
    this.#residents.clear();
  }
}
