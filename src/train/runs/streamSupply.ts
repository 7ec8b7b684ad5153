import { DataError } from '../../core/errors.ts';
import type { Signal } from '../../core/globalTypes.ts';
import { allocate, sizeOf, type Numbers } from '../../core/shape.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { State } from '../../graph/graph.ts';
import type { Batches, GivenSamples } from '../options.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';
import type { Fields, Source } from '../samples/sampleSource.ts';
import type { Launch, Submission, Supply } from './stepSupply.ts';

interface StreamOptions {
  readonly batches: Batches;
  /** Times that the iterable is run through; steps at which the run ends. Left out: as many as there are. */
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  readonly batchSize: number;
  readonly fields: Fields;
  /** Where its batches are brought for a submit. */
  readonly table: Source;
  /** Whether a batch counts only once it is known whether it is the last one of its epoch. */
  readonly looksAhead: boolean;
  readonly signal: Signal | undefined;
  /** Steps that were taken before it goes on, and those of them with which epochs ended. */
  readonly begun: number;
  readonly epochEnds: readonly number[];
  /** A copy of a batch as sound samples of the fields' dtypes. @throws DataError or ShapeError if it is not sound */
  accept(batch: GivenSamples | Dataset, index: number): Dataset;
  /** Of a step of n samples. */
  programsOf(n: number): Promise<readonly StepProgram[]>;
  write(state: State, numbers: Numbers): void;
  readonly launch: Launch;
}

type BatchIterator = AsyncIterator<GivenSamples | Dataset> | Iterator<GivenSamples | Dataset>;

/** A batch that was taken in, and waits to be submitted. */
interface Waiting {
  readonly samples: number;
  readonly programs: readonly StepProgram[];
}

/**
 * Steps over an iterable of batches, which are taken in ahead of the GPU, until a submit's table is full. They are
 * copied as they come, so that their maker may use its arrays again.
 */
export class StreamSupply implements Supply {
  more = true;
  failure: { readonly error: unknown } | undefined;
  /** Steps with which an epoch ended. */
  readonly epochEnds: number[];
  /** Steps in all, once that is known. */
  total: number | undefined;
  readonly #options: StreamOptions;
  readonly #staging: ReadonlyMap<string, Numbers>;
  readonly #waiting: Waiting[] = [];
  /** Batches taken in so far. */
  #taken: number;
  #isLastOpen = false;
  #closed = false;
  #wake = (): void => {};
  #changed = Promise.resolve();
  #iterator: BatchIterator | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    const { fields, table, steps, signal } = options;
    this.total = steps;
    this.#taken = options.begun;
    this.epochEnds = [...options.epochEnds];
    const names = Object.keys(table.fields);
    this.#staging = new Map(
      names.map((name) => [
        name,
        allocate({ shape: [table.length, ...fields[name].shape], dtype: fields[name].dtype }),
      ]),
    );
    this.#renew();
    signal?.addEventListener('abort', this.#notify);
    void this.#takeIn();
  }

  get ready(): number {
    return Math.max(0, this.#waiting.length - (this.#isLastOpen && this.#options.looksAhead ? 1 : 0));
  }

  changed(): Promise<void> {
    return this.#changed;
  }

  #renew(): void {
    this.#changed = new Promise((resolve) => (this.#wake = resolve));
  }

  readonly #notify = (): void => {
    const wake = this.#wake;
    this.#renew();
    wake();
  };

  async #takeIn(): Promise<void> {
    const { epochs, steps } = this.#options;
    try {
      const most = epochs ?? (steps === undefined ? 1 : Infinity);
      for (let epoch = this.epochEnds.length; epoch < most && !this.#isEnough; epoch++) {
        const before = this.epochEnds.at(-1) ?? 0;
        await this.#takeEpoch(epoch + 1 === most);
        if (this.#closed) return;
        if (this.#taken === before) throw this.#endedEarly(epoch);
      }
    } catch (error) {
      this.failure = { error };
    } finally {
      this.#isLastOpen = false;
      this.more = false;
      this.#notify();
    }
  }

  get #isEnough(): boolean {
    return this.#closed || this.#taken === this.#options.steps;
  }

  async #takeEpoch(isFinal: boolean): Promise<void> {
    const before = this.epochEnds.at(-1) ?? 0;
    const iterator = await this.#begin(this.#taken - before);
    if (!iterator || this.#closed) return;
    while (!this.#isEnough) {
      // Before there is room for it, since the batch before may wait to be known as the last one or not.
      const { done, value } = await this.#next(iterator);
      if (this.#closed) return;
      this.#isLastOpen = false;
      if (done) {
        this.#iterator = undefined;
        if (this.#taken > before) this.epochEnds.push(this.#taken);
        if (isFinal) this.total = this.#taken;
        this.#notify();
        return;
      }
      // Copied before anything is waited for: others than its maker may use its arrays too.
      const batch = this.#options.accept(value, this.#taken);
      this.#notify();
      await this.#room();
      if (this.#closed) return;
      await this.#take(batch);
    }
    this.#isLastOpen = false;
    this.#leave();
  }

  /** The batches of an epoch behind the first so many. An iterable that can `drop` them itself is asked to. */
  async #begin(taken: number): Promise<BatchIterator | undefined> {
    const given: Batches & { drop?(count: number): Batches } = this.#options.batches;
    const isAsked = taken > 0 && typeof given.drop === 'function';
    const batches = isAsked ? given.drop!(taken) : given;
    const iterator = Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
    this.#iterator = iterator;
    for (let gone = isAsked ? taken : 0; gone < taken && !this.#closed; gone++) {
      const { done } = await this.#next(iterator);
      if (!done) continue;
      this.#iterator = undefined;
      throw new DataError(
        `[fit] the iterable has ${gone} batches, but the run that goes on has taken ${taken} of its epoch: give the one that it was begun with`,
      );
    }
    return iterator;
  }

  /** One that failed is over, and not to be left any more. */
  async #next(iterator: BatchIterator): Promise<IteratorResult<GivenSamples | Dataset>> {
    try {
      return await iterator.next();
    } catch (error) {
      this.#iterator = undefined;
      throw error;
    }
  }

  /** Waits until another whole batch fits the table; a short one is its last. */
  async #room(): Promise<void> {
    const { table, batchSize } = this.#options;
    const most = Math.floor(table.length / batchSize);
    while (
      !this.#closed &&
      (this.#waiting.length >= most || (this.#waiting.at(-1)?.samples ?? batchSize) < batchSize)
    ) {
      await this.#changed;
    }
  }

  async #take({ length, fields: given }: Dataset): Promise<void> {
    const { fields, programsOf } = this.#options;
    const programs = await programsOf(length);
    // Nothing is awaited from here on: a submit moves the batches that wait.
    const start = this.#waiting.reduce((total, { samples }) => total + samples, 0);
    for (const [name, staging] of this.#staging) staging.set(given[name].data, start * sizeOf(fields[name].shape));
    this.#waiting.push({ samples: length, programs });
    this.#taken++;
    this.#isLastOpen = true;
    this.#notify();
  }

  #endedEarly(epoch: number): DataError {
    const { steps, epochs } = this.#options;
    const wanted = steps === undefined ? `epoch ${epoch + 1} of ${epochs} was to begin` : `${steps} were asked for`;
    return new DataError(
      this.#taken === 0
        ? '[fit] the iterable gave no batch: there must be at least one'
        : `[fit] the iterable ended at step ${this.#taken}, but ${wanted}: give one that can be run through again, or ask for fewer`,
    );
  }

  submit(count: number): Submission {
    const { fields, table, write, launch } = this.#options;
    const some = this.#waiting.splice(0, count);
    const samples = some.reduce((total, batch) => total + batch.samples, 0);
    const left = this.#waiting.reduce((total, batch) => total + batch.samples, 0);
    for (const [name, staging] of this.#staging) {
      const size = sizeOf(fields[name].shape);
      write(table.fields[name].states[0], staging.subarray(0, samples * size));
      staging.copyWithin(0, samples * size, (samples + left) * size);
    }
    const rows = launch({ programs: some.map(({ programs }) => programs), samples });
    this.#notify();
    return { samples: some.map(({ samples: own }) => own), rows };
  }

  close(): void {
    this.#closed = true;
    this.#options.signal?.removeEventListener('abort', this.#notify);
    this.#leave();
    this.#notify();
  }

  /** Tells the iterable that no more of it is wanted. */
  #leave(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    // Not awaited: an iterable that is still busy would keep the caller.
    void (async () => iterator?.return?.())().catch(() => {});
  }
}
