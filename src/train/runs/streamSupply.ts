import { DataError } from '../../core/errors.ts';
import type { Signal } from '../../core/globalTypes.ts';
import { allocate, sizeOf, type Numbers } from '../../core/shape.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { State } from '../../graph/graph.ts';
import type { Batches, Epochs, GivenSamples } from '../options.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';
import type { Source } from '../samples/sampleSource.ts';
import type { Launch, Submission, Supply } from './stepSupply.ts';

interface StreamOptions {
  readonly batches: Batches;
  /** Times that the iterable is run through; steps at which the run ends. Left out: as many as there are. */
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  readonly batchSize: number;
  /** Samples that a table has room for. */
  readonly rows: number;
  /** Whether a batch counts only once it is known whether it is the last one of its epoch. */
  readonly looksAhead: boolean;
  readonly signal: Signal | undefined;
  /** Steps that were taken before it goes on, and those of them with which epochs ended. */
  readonly begun: number;
  readonly epochEnds: readonly number[];
  /** A copy of a batch as sound samples of the fields' dtypes. @throws DataError or ShapeError if it is not sound */
  accept(batch: GivenSamples | Dataset, index: number): Dataset;
  /** Where batches of its shapes are brought for a submit, and the programs of a step that reads them there. */
  placeOf(batch: Dataset): Promise<Place>;
  write(state: State, numbers: Numbers): void;
  readonly launch: Launch;
}

type BatchIterator = AsyncIterator<GivenSamples | Dataset> | Iterator<GivenSamples | Dataset>;

interface Place {
  readonly table: Source;
  readonly programs: readonly StepProgram[];
}

/** A batch that was taken in, and waits to be submitted. */
interface Waiting extends Place {
  readonly batch: Dataset;
}

/**
 * Steps over an iterable of batches, which are taken in ahead of the GPU, until a submit's table is full. They are
 * copied as they come, so that their maker may use its arrays again. Batches of each shape have a table, all of one length:
 * a batch has its rows in its own, and the others leave them free.
 */
export class StreamSupply implements Supply {
  more = true;
  failure: { readonly error: unknown } | undefined;
  /** Steps with which an epoch ended. */
  readonly epochEnds: number[];
  /** Steps in all, once that is known. */
  total: number | undefined;
  readonly #options: StreamOptions;
  /** What tables are written with, by table and field. */
  readonly #staging = new Map<Source, ReadonlyMap<string, Numbers>>();
  readonly #waiting: Waiting[] = [];
  /** Those that were submitted last. */
  #submitted: readonly Waiting[] = [];
  /** Batches taken in so far. */
  #taken: number;
  #isLastOpen = false;
  #closed = false;
  #wake = (): void => {};
  #changed = Promise.resolve();
  #iterator: BatchIterator | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    const { steps, signal } = options;
    this.total = steps;
    this.#taken = options.begun;
    this.epochEnds = [...options.epochEnds];
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
    const iterator = await this.#begin(this.epochEnds.length, this.#taken - before);
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

  /**
   * The batches of an epoch behind the first so many. An iterable that tells epochs apart, or can `drop` batches itself, is
   * asked to.
   */
  async #begin(epoch: number, taken: number): Promise<BatchIterator | undefined> {
    const given: Batches & Partial<Epochs> & { drop?(count: number): Batches } = this.#options.batches;
    const hasEpochs = typeof given.epoch === 'function';
    const isAsked = hasEpochs || (taken > 0 && typeof given.drop === 'function');
    const batches = hasEpochs ? given.epoch!(epoch, taken) : isAsked ? given.drop!(taken) : given;
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
    const { rows, batchSize } = this.#options;
    const most = Math.floor(rows / batchSize);
    while (
      !this.#closed &&
      (this.#waiting.length >= most || (this.#waiting.at(-1)?.batch.length ?? batchSize) < batchSize)
    ) {
      await this.#changed;
    }
  }

  async #take(batch: Dataset): Promise<void> {
    this.#waiting.push({ batch, ...(await this.#options.placeOf(batch)) });
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
    const { write, launch } = this.#options;
    const some = this.#waiting.splice(0, count);
    this.#submitted = some;
    const ends = new Map<Source, number>();
    let samples = 0;
    for (const { batch, table } of some) {
      for (const [name, staging] of this.#stagingOf(table)) {
        const { data, shape } = batch.fields[name];
        staging.set(data, samples * sizeOf(shape));
      }
      samples += batch.length;
      ends.set(table, samples);
    }
    for (const [table, end] of ends) {
      for (const [name, staging] of this.#stagingOf(table)) {
        const [state] = table.fields[name].states;
        write(state, staging.subarray(0, end * (staging.length / table.length)));
      }
    }
    const rows = launch({ programs: some.map(({ programs }) => programs), samples });
    this.#notify();
    return { samples: some.map(({ batch }) => batch.length), rows };
  }

  #stagingOf(table: Source): ReadonlyMap<string, Numbers> {
    let staging = this.#staging.get(table);
    if (!staging) {
      const fields = Object.entries(table.fields);
      staging = new Map(fields.map(([name, { states }]) => [name, allocate(states[0].spec)]));
      this.#staging.set(table, staging);
    }
    return staging;
  }

  /** The programs of a step of those that were submitted last. */
  programsOf(at: number): readonly StepProgram[] {
    return this.#submitted[at].programs;
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
