import { DataError } from '../../core/errors.ts';
import type { CommandEncoder } from '../../core/globalTypes.ts';
import type { Dataset } from '../../data/dataset.ts';
import { badStepsIn, badStepsOf } from '../../ops/training/badStepLedger.ts';
import { EPOCH, POSITION, STEP } from '../../ops/training/control.ts';
import type { Backend, Range } from '../../scheduler/backend.ts';
import type { Cursor } from '../checkpoints/progress.ts';
import type { Feed } from '../graphs/batchValues.ts';
import { RING_ROWS } from '../graphs/metricsRing.ts';
import { amountsOf, markBad, reportOf, rowsOf, wasBad, type Prepared } from '../graphs/preparedModel.ts';
import type { Amount } from '../graphs/recordedMetrics.ts';
import type { Report } from '../options.ts';
import type { Programs } from '../programs/programs.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';
import type { StepSubmitter } from '../runs/stepSubmitter.ts';
import type { Given } from '../samples/givenData.ts';

/** Steps that may be encoded before the trainer is asked what became of them: the ring has a row for each. */
const MOST_UNREAD = RING_ROWS;
/** Rates lie there for twice as many: what is submitted behind a reading finds its own too. */
const RATES_AHEAD = 2 * MOST_UNREAD;

/** What a trainer's steps take. */
interface EncodedStepsOptions {
  readonly backend: Backend;
  readonly programs: Programs;
  readonly prepared: Prepared;
  readonly submitter: StepSubmitter;
  readonly batchSize: number;
  /** Where the set's stream of samples is; it is moved on. */
  cursor(): Cursor;
  /** Told of each step that was read. */
  told(amounts: readonly Amount[], step: number): void;
}

/** What they read. */
interface Fed {
  readonly data: Dataset;
  readonly feed: Feed;
  readonly step: readonly StepProgram[];
  release(): void;
}

/** What the GPU counted and recorded. */
interface Recorded {
  /** Steps; below 0 where a device was lost with some. */
  readonly taken: number;
  /** Of the ring, from the first of them on. */
  readonly rows: Float32Array;
  readonly cursor: Readonly<Cursor>;
  isBad(step: number): boolean;
}

/**
 * Steps that a host records into command encoders of its own, and submits, or drops. Only the GPU counts them: what it
 * counted is read, behind all that was submitted, before the trainer does anything that depends on it.
 */
export class EncodedSteps {
  readonly #options: EncodedStepsOptions;
  readonly #fed: Fed;
  /** Since it was last read what became of them. */
  #unread = 0;
  /** Steps from the next one on that have a learning rate. */
  #rated = 0;
  #isArmed = false;
  #reports: Report[] = [];
  #readAt = performance.now();
  #reading: Promise<void> = Promise.resolve();

  private constructor(options: EncodedStepsOptions, fed: Fed) {
    this.#options = options;
    this.#fed = fed;
  }

  /** Steps on a set, which lies on the GPU until they are released. @throws DeviceError if there is no room for it */
  static async of(given: Given, shuffle: boolean, options: EncodedStepsOptions): Promise<EncodedSteps> {
    const { programs, batchSize } = options;
    const { source, release } = await programs.sets.reside(given, (from) =>
      programs.stepGraphs(batchSize, { source: from, shuffle }).map(({ graph }) => graph),
    );
    try {
      const feed = { source, shuffle };
      const step = await programs.step(batchSize, feed);
      return new EncodedSteps(options, { data: given.set, feed, step, release });
    } catch (error) {
      release();
      throw error;
    }
  }

  /** They are encoded no more. */
  release(): void {
    this.#fed.release();
  }

  /** Lets the next step of the trainer be one that is encoded. @throws DataError if it has no learning rate */
  arm(): void {
    const { submitter, cursor } = this.#options;
    this.#isArmed = false;
    submitter.begin('skip');
    submitter.moveTo(cursor(), this.#fed.feed);
    this.#rated = submitter.fillSchedules(RATES_AHEAD);
    this.#isArmed = true;
  }

  /** Records a step. Whatever could be wrong with it is found before anything is recorded. */
  encode(encoder: CommandEncoder): void {
    const { backend, submitter } = this.#options;
    if (this.#unread >= MOST_UNREAD) {
      throw new DataError(
        `[encodeStep] ${MOST_UNREAD} steps were encoded since readReports was last awaited, and there is room for the reports of no more: await readReports() every so many frames`,
      );
    }
    if (!this.#isArmed) this.arm();
    // Where rates run out, the optimizer says why.
    if (this.#unread >= this.#rated) submitter.requireSchedules(1, submitter.step + this.#unread);
    backend.encode(
      'encodeStep',
      this.#fed.step.map(({ program }) => program),
      encoder,
    );
    this.#unread++;
  }

  /** Finds out which of the encoded steps were taken, behind all that was submitted so far. */
  settle(): Promise<void> {
    this.#reading = this.#reading.catch(() => {}).then(() => this.#settle());
    return this.#reading;
  }

  /** The device was lost, and with it the steps since what is known of it: goes on where another one is. */
  goOnAnew(): void {
    const unread = this.#unread;
    const goOn = async (): Promise<void> => {
      const { taken, cursor } = await this.#read(1);
      this.#unread -= unread;
      this.#moveOn(taken, cursor);
    };
    this.#reading = this.#reading.catch(() => {}).then(goOn);
    // Whoever asks for reports is told.
    this.#reading.catch(() => {});
  }

  #moveOn(taken: number, cursor: Readonly<Cursor>): void {
    const { submitter } = this.#options;
    Object.assign(this.#options.cursor(), cursor);
    submitter.step += taken;
    this.#rated = submitter.fillSchedules(RATES_AHEAD);
  }

  async #settle(): Promise<void> {
    if (this.#unread === 0) return;
    const asked = this.#unread;
    let read = await this.#read(asked);
    // Some were submitted only after it was asked for them.
    if (read.taken > asked) read = await this.#read(MOST_UNREAD);
    this.#unread -= asked;
    this.#report(read);
    this.#moveOn(read.taken, read.cursor);
  }

  async #read(count: number): Promise<Recorded> {
    const { backend, prepared, submitter } = this.#options;
    const { traced, ring } = prepared;
    const own = rowsOf(ring, submitter.step, count).map(([start, end]): Range => [start, end, ring]);
    const words = traced.control.spec.shape[0];
    const ranges: readonly Range[] = [[0, words], ...own, badStepsOf(traced.ledger)];
    const { rows: read, isBad } = badStepsIn(await backend.runAndRead([], traced.control, ranges));
    const rows = new Float32Array(read.buffer, read.byteOffset + Float32Array.BYTES_PER_ELEMENT * words);
    const taken = read[STEP] - submitter.step;
    return { taken, rows, isBad, cursor: { epoch: read[EPOCH], position: read[POSITION] } };
  }

  #report({ taken, rows, isBad, cursor }: Recorded): void {
    const { prepared, submitter, batchSize, told } = this.#options;
    const { data } = this.#fed;
    const seconds = (performance.now() - this.#readAt) / 1000;
    const samples = data.length * cursor.epoch + cursor.position;
    const before = submitter.step;
    // Of more than there is room for, the last ones are there.
    for (let at = Math.max(0, taken - MOST_UNREAD); at < taken; at++) {
      const row = at % MOST_UNREAD;
      const step = before + at + 1;
      if (isBad(before + at)) markBad(prepared, rows, row);
      const amounts = amountsOf(prepared, rows, row, batchSize);
      told(amounts, step);
      const report = reportOf(prepared, amounts, step);
      const epoch = (samples - batchSize * (taken - at - 1)) / data.length;
      const skipped = wasBad(prepared, rows, row) ? ({ skipped: true } as const) : {};
      this.#reports.push({ ...report, epoch, seconds, waited: 0, ...skipped });
    }
    // Who never asks need not keep them.
    this.#reports = this.#reports.slice(-MOST_UNREAD);
  }

  /** Reports that nobody has had yet. */
  async takeReports(): Promise<Report[]> {
    await this.settle();
    this.#readAt = performance.now();
    return this.#reports.splice(0);
  }
}
