import { DataError, DeviceError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { described } from '../../core/argumentChecks.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { Feed } from '../graphs/batchValues.ts';
import { RunDecisions } from './runDecisions.ts';
import { endDiverged, endSpoilt, findBad, lostLoss } from './divergence.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import type { Amount } from '../graphs/recordedMetrics.ts';
import type { FitSettings } from './fitOptions.ts';
import type { Given } from '../samples/givenData.ts';
import type { StateCopy } from './stateCopy.ts';
import type { StepSubmitter } from './stepSubmitter.ts';
import { RING_ROWS } from '../graphs/metricsRing.ts';
import type { Batches, Report, GivenSamples, Warn } from '../options.ts';
import { SubmitLength } from './submitLength.ts';
import { amountsOf, reportOf, wasBad, type Prepared } from '../graphs/preparedModel.ts';
import type { Programs, StepProgram } from '../programs/programs.ts';
import type { Cursor, RunProgress } from '../checkpoints/progress.ts';
import { Run, type Submission, type Supply } from './submitQueue.ts';
import { bytesOf, tableSource, type Source } from '../samples/sampleSource.ts';
import { REWIND_STEPS, Rewinder } from './rewinder.ts';
import { Saving } from '../checkpoints/checkpointStore.ts';
import { ResidentSupply, StreamSupply, type Steps } from './stepSupply.ts';
import type { RunInHand } from './trainingRun.ts';

/** What a run works with: a trainer's own parts. */
export interface Shop {
  readonly backend: Backend;
  readonly prepared: Prepared;
  readonly programs: Programs;
  readonly evaluator: Evaluator;
  readonly submitter: StepSubmitter;
  readonly stateCopy: StateCopy;
  readonly batchSize: number;
  /** Where each data set's stream goes on. */
  readonly cursors: WeakMap<Dataset, Cursor>;
  /** The set to train on, if it is one, and the one to judge by, as they were at the call. */
  readonly training: Given | undefined;
  readonly validation: Given | undefined;
  readonly run: RunInHand;
  /** The run that goes on, if one does. */
  readonly before: RunBefore | undefined;
  /** A batch of somebody's own as sound samples. */
  accept(batch: GivenSamples | Dataset, index: number): Dataset;
  /** Told of where a run over an iterable has brought its batches. */
  feed(feed: Feed): void;
  /** Says, once, that nothing counts in a step. */
  tellOfNothing(amounts: readonly Amount[], step: number): void;
  /** The bytes of a checkpoint of the last submitted step. */
  save(): Promise<Bytes>;
  readonly warn: Warn;
  /** How training went on where the device was lost, told once. */
  takeRecovered(): string | undefined;
  isAlive(): boolean;
  /** @throws DeviceError once the trainer was destroyed */
  requireAlive(): void;
}

/** A supply of steps, and what of them depends on where they come from. */
interface Course {
  readonly supply: Supply;
  /** Epochs that so many steps come to. */
  epochs(done: number): number;
  /** Whether an epoch ends with this step. */
  endsEpoch(done: number): boolean;
  /** Steps in all, if that is known. */
  readonly total: number | undefined;
  /** Steps that can be ready at once. */
  readonly most: number;
  /** Steps with which epochs ended, where that is not to be reckoned. */
  readonly epochEnds: readonly number[];
  /**
   * Lets a step be the next one again.
   * @param before samples of each step in front of it in its submit   @param own of the step, if nothing came behind that submit
   * @returns its programs; undefined if its batch is gone
   */
  goBack(done: number, before: readonly number[], own: number | undefined): Promise<readonly StepProgram[] | undefined>;
  /** Lets the step behind one be the next, where others have been submitted; of batches, none have. */
  goOnBehind(done: number): void;
  /** Whether nothing may be submitted behind a step before it is known to be sound, since its batch is gone then. */
  readonly isPassing: boolean;
  release(): void;
}

/** A run that goes on: where it was, and what of it was submitted and not reported. */
export interface RunBefore {
  readonly progress: RunProgress;
  readonly left: Submission;
}

/** Steps that it had submitted. */
const begunBy = (before: RunBefore | undefined): number =>
  before ? before.progress.done + before.left.samples.length : 0;

const wholeNumber = (x: number | undefined): boolean => x === undefined || (Number.isInteger(x) && x >= 1);

/** Trains, and yields the reports in order; see `Trainer.fit`. */
export async function* fit(
  shop: Shop,
  data: Dataset | Batches,
  options: FitSettings,
): AsyncGenerator<Report, void, undefined> {
  const { every, decisions, validateEvery, stepsPerSubmit, onNaN, checkpoints } = options;
  const { backend, submitter, prepared, evaluator, validation } = shop;
  const { signal } = shop.run;
  const begun = performance.now();
  const runDecisions = new RunDecisions(shop, decisions);
  await runDecisions.prepare(shop.before?.progress);
  await checkpoints?.begin?.(shop.before !== undefined);
  const course = await ('fields' in data ? residentCourse(shop, data, options) : streamCourse(shop, data, options));
  let judged: { release(): void } | undefined;
  const before = shop.before?.progress;
  let reported = before?.done ?? 0;
  let stopped = before?.stopped ?? false;
  const firstStep = submitter.step - begunBy(shop.before);
  submitter.begin(onNaN === 'rewind' ? 'stop' : onNaN, before !== undefined);
  const rewinder = onNaN === 'rewind' ? new Rewinder(backend, prepared.traced) : undefined;
  await rewinder?.prepare();
  rewinder?.keep(submitter.step);
  const settles = (done: number): boolean => rewinder !== undefined && (course.isPassing || done % REWIND_STEPS === 0);
  const isLast = (done: number): boolean => done === course.total;
  const pauses = (done: number): boolean =>
    (validation !== undefined || decisions.length > 0 || checkpoints?.isBest !== undefined) &&
    (isLast(done) || (validateEvery ? done % validateEvery === 0 : course.endsEpoch(done)));
  const { save, warn } = shop;
  const saving = checkpoints && new Saving({ store: checkpoints, save, warn, step: () => submitter.step });
  const run = new Run({
    supply: course.supply,
    done: reported,
    left: shop.before?.left,
    // The CPU works as it is called, and lets others have a turn only between submits.
    submitLength: new SubmitLength(backend.kind === 'cpu' ? 1 : stepsPerSubmit, course.most),
    cutAfter: (done) =>
      pauses(done) ||
      settles(done) ||
      submitter.cutBefore(firstStep + done) ||
      saving?.cutAfter(firstStep + done) === true,
    // Validation, decisions and copies must see the parameters as their step leaves them.
    settleAfter: (done) => pauses(done) || settles(done),
    submitted: (done) => saving?.submitted(firstStep + done),
    signal,
  });
  if (stopped) run.stop();
  shop.run.moment = () => {
    const { samples, rows } = run.behind(reported);
    const over = 'fields' in data ? { length: data.length } : 'batches';
    const epochEnds = course.epochEnds.filter((end) => end <= reported + samples.length);
    const keeps = runDecisions.keeps && shop.stateCopy.holds;
    return {
      progress: { over, done: reported, unreported: samples, epochEnds, heard: runDecisions.heard, stopped, keeps },
      rows,
    };
  };
  let left: Report | undefined;
  let ended: (() => Promise<never>) | undefined;
  let failed = false;
  try {
    // It stays for the run, as it was at the call.
    judged = validation && (await evaluator.reside(validation));
    for await (const { first, samples, rows } of run.chunks()) {
      // While steps go on; if it fails, validation says why.
      if (first === (before?.done ?? 0) && validation) void evaluator.prepare(validation).catch(() => {});
      for (let done = first + 1; done <= first + samples.length; done++) {
        const amounts = amountsOf(prepared, rows, done - first - 1, samples[done - first - 1]);
        shop.tellOfNothing(amounts, firstStep + done);
        const taken = reportOf(prepared, amounts, firstStep + done);
        const lost = onNaN === 'stop' ? lostLoss(prepared, amounts, taken) : undefined;
        const bad = onNaN !== 'take' && wasBad(prepared, rows, done - first - 1);
        const validated = validation && pauses(done) ? await evaluator.evaluate(validation) : undefined;
        // From here to where the step counts as reported nothing waits, so that a snapshot has all of it or nothing.
        if (!bad) runDecisions.hear(amounts);
        const verdict = pauses(done) ? runDecisions.decide(validated, firstStep + done) : null;
        if (verdict?.stop) run.stop();
        stopped ||= verdict?.stop ?? false;
        run.isDone((reported = done));
        if (!bad && done % REWIND_STEPS === 0) rewinder?.keep(firstStep + done);
        const rewoundTo = bad && !isLast(done) ? rewinder?.target : undefined;
        const recovered = shop.takeRecovered();
        const report: Report = {
          ...taken,
          epoch: course.epochs(done),
          seconds: (performance.now() - begun) / 1000,
          waited: run.waited,
          ...(validated && { validation: validated }),
          ...(bad && { skipped: bad }),
          ...(rewoundTo !== undefined && { rewoundTo }),
          ...(recovered !== undefined && { recovered }),
          ...(verdict && verdict.messages.length > 0 && { decided: verdict.messages }),
        };
        shop.run.last = left = report;
        if (pauses(done)) saving?.reported(report);
        const isSilent = done % every !== 0 && !isLast(done) && !pauses(done);
        if (isSilent && !bad && lost === undefined && recovered === undefined) continue;
        left = undefined;
        yield report;
        if (rewoundTo !== undefined) {
          await run.goBack(done);
          submitter.goBack(firstStep + done);
          rewinder!.goBack();
          course.goOnBehind(done);
          break;
        }
        if (bad && (onNaN === 'stop' || (rewinder && !isLast(done)))) {
          const own = run.submitted === first + samples.length ? samples[done - first - 1] : undefined;
          ended = async () => {
            submitter.goBack(firstStep + done - 1);
            const step = await course.goBack(done, samples.slice(0, done - first - 1), own);
            const found = step && (await findBad(backend, step));
            return endSpoilt(lost, report, found);
          };
          break;
        }
        if (lost !== undefined) endDiverged(lost, report);
      }
      if (ended) break;
    }
    if (ended) await ended();
    if (left && !signal.aborted) yield left;
  } catch (error) {
    failed = true;
    // The reports of all steps that were taken come first.
    if (left && shop.isAlive()) yield left;
    throw error;
  } finally {
    // Before the weights that a decision keeps come back.
    const saved = saving?.finish(!failed && shop.isAlive());
    course.release();
    judged?.release();
    runDecisions.close();
    await saved;
  }
}

/** GivenSamples of a run over a whole set. */
function samplesOf({ epochs, steps }: FitSettings, { length }: Dataset, batchSize: number): number {
  const samples = steps === undefined ? Math.round((epochs ?? 1) * length) : steps * batchSize;
  const isNumber = steps === undefined ? epochs === undefined || typeof epochs === 'number' : Number.isInteger(steps);
  if (isNumber && samples >= 1 && samples < Infinity && (steps === undefined || epochs === undefined)) return samples;
  throw new DataError(
    `[fit] epochs is ${described(epochs)}, steps is ${described(steps)}: give one of them, above 0: whole steps, or epochs that end`,
  );
}

async function residentCourse(shop: Shop, data: Dataset, options: FitSettings): Promise<Course> {
  const { programs, submitter, batchSize, cursors, requireAlive } = shop;
  const { shuffle } = options;
  const samples = samplesOf(options, data, batchSize);
  const rest = samples % batchSize;
  const { source, release } = await programs.reside(shop.training!, (from) =>
    [batchSize, rest].flatMap((n) =>
      n > 0 ? programs.stepGraphs(n, { source: from, shuffle }).map(({ graph }) => graph) : [],
    ),
  );
  try {
    const feed = { source, shuffle };
    const whole = await programs.step(batchSize, feed);
    const last = rest > 0 ? await programs.step(rest, feed) : whole;
    let cursor = cursors.get(data);
    if (!cursor) cursors.set(data, (cursor = { epoch: 0, position: 0 }));
    submitter.moveTo(cursor, feed);
    const start = { ...cursor };
    const moveBy = (from: Cursor, by: number): void => {
      const position = from.position + by;
      const epochsOn = Math.floor(position / data.length);
      cursor.epoch = from.epoch + epochsOn;
      cursor.position = position - epochsOn * data.length;
    };
    /** Lets the step behind so many be the next one. */
    const goTo = (done: number): void => {
      moveBy(start, (done - begunBy(shop.before)) * batchSize);
      submitter.moveTo(cursor, feed);
    };
    const launch = (steps: Steps) => {
      requireAlive();
      const rows = submitter.launch(steps);
      moveBy(cursor, steps.samples);
      return rows;
    };
    const epochs = (done: number): number => Math.min(samples, done * batchSize) / data.length;
    const supply = new ResidentSupply({ samples, batchSize, whole, last, launch, begun: begunBy(shop.before) });
    return {
      supply,
      epochEnds: [],
      total: Math.ceil(samples / batchSize),
      most: RING_ROWS,
      epochs,
      endsEpoch: (done) => Math.floor(epochs(done)) > Math.floor(epochs(done - 1)),
      async goBack(done) {
        goTo(done - 1);
        return done * batchSize > samples ? last : whole;
      },
      goOnBehind(done) {
        goTo(done);
        supply.goBack(done);
      },
      isPassing: false,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Of a table of batches: enough of them for a submit, as long as they are small. */
const TABLE_BYTES = 2 ** 26;
const TABLE_STEPS = 64;

async function streamCourse(shop: Shop, batches: Batches, options: FitSettings): Promise<Course> {
  const { backend, programs, prepared, submitter, batchSize, accept, feed, requireAlive } = shop;
  const { epochs, steps, stepsPerSubmit, validation, validateEvery, decisions } = options;
  const { fields } = prepared.traced;
  if (!wholeNumber(epochs) || !wholeNumber(steps) || (epochs !== undefined && steps !== undefined)) {
    throw new DataError(
      `[fit] epochs is ${described(epochs)}, steps is ${described(steps)}: for an iterable give at most one, a whole number above 0`,
    );
  }
  const bytes = bytesOf(tableSource(fields, prepared.names, batchSize));
  const most = Math.min(TABLE_BYTES, backend.largestBinding);
  const wanted = stepsPerSubmit === 'auto' ? TABLE_STEPS : Math.min(stepsPerSubmit, RING_ROWS);
  const slots = backend.kind === 'cpu' ? 1 : Math.max(1, Math.min(wanted, Math.floor(most / bytes)));
  const prepareTable = async (rows: number): Promise<Source> => {
    const source = programs.table(rows);
    await programs.step(batchSize, { source, shuffle: false });
    return source;
  };
  // Where there is no room for several batches, there is for one, as for `step`.
  const table = await prepareTable(slots * batchSize).catch((error: unknown) => {
    if (error instanceof DeviceError) return prepareTable(batchSize);
    throw error;
  });
  feed({ source: table, shuffle: false });
  const programsOf = (n: number) => programs.step(n, { source: table, shuffle: false });
  const supply = new StreamSupply({
    batches,
    epochs,
    steps,
    batchSize,
    fields,
    table,
    // Whether the run pauses after a step must be known before another one is submitted.
    looksAhead:
      (validation !== undefined || decisions.length > 0) && (validateEvery === undefined || steps === undefined),
    signal: shop.run.signal,
    begun: begunBy(shop.before),
    epochEnds: shop.before?.progress.epochEnds ?? [],
    accept,
    programsOf,
    write: (state, numbers) => backend.writeState(state, numbers),
    launch: (taken) => {
      requireAlive();
      submitter.moveTo({ epoch: 0, position: 0 }, { source: table, shuffle: false });
      return submitter.launch(taken);
    },
  });
  return {
    supply,
    get total() {
      return supply.total;
    },
    most: table.length / batchSize,
    epochEnds: supply.epochEnds,
    epochs: (done) => supply.epochEnds.filter((end) => end <= done).length,
    endsEpoch: (done) => supply.epochEnds.includes(done),
    async goBack(_, before, own) {
      if (own === undefined) return undefined;
      const position = before.reduce((total, samples) => total + samples, 0);
      submitter.moveTo({ epoch: 0, position }, { source: table, shuffle: false });
      return programsOf(own);
    },
    goOnBehind: () => {},
    isPassing: true,
    release: () => {},
  };
}
