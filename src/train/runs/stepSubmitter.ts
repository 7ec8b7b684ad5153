import { DataError } from '../../core/errors.ts';
import type { Numbers } from '../../core/shape.ts';
import { EPOCH, STEP } from '../../ops/training/control.ts';
import { badStepsOf, badStepsIn, ledgerWords, policyIn, type Policy } from '../../ops/training/badStepLedger.ts';
import { drawOrder } from '../../ops/data/samples.ts';
import { hasRate, rateAt, requireOption, SCHEDULE_ROWS, scheduleRows, scheduleSize } from '../../optim/optimizer.ts';
import type { Backend } from '../../scheduler/backend.ts';
import { streamOf, type Feed } from '../graphs/batchValues.ts';
import { markBad, rowsOf, type Prepared } from '../graphs/preparedModel.ts';
import type { Cursor } from '../checkpoints/progress.ts';
import type { Steps } from './stepSupply.ts';

/** Submits steps, and keeps what the GPU counts by in accord with what is counted here. */
export class StepSubmitter {
  /** Steps that were submitted. */
  step = 0;
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  /** What the phases' schedules hold. */
  readonly #schedules: readonly Float32Array[];
  /** By which all learning rates are multiplied. */
  rateFactor = 1;
  /** The step from which on the optimizers count theirs. */
  optimizersFrom = 0;
  #policy: Policy = 'stop';
  /** Whether there may have been a bad step since the ledger was empty. */
  #isSpoilt = false;

  constructor(backend: Backend, prepared: Prepared) {
    this.#backend = backend;
    this.#prepared = prepared;
    this.#schedules = prepared.traced.phases.map(({ phase }) => new Float32Array(scheduleSize(phase.optimizer)));
  }

  /** Of the next step, in the first phase; NaN where it has none. */
  get learningRate(): number {
    return this.rateFactor * rateAt(this.#prepared.traced.phases[0].phase.optimizer, this.step - this.optimizersFrom);
  }

  /** Multiplies the learning rates from the next step on. @throws DataError for a factor that leaves no rates */
  scaleRates(factor: number): void {
    requireOption('fit', 'rateFactor', factor);
    this.rateFactor *= factor;
  }

  /** Lets the next step take its samples from this place of a stream on. */
  moveTo({ epoch, position }: Readonly<Cursor>, feed: Feed): void {
    const { control, order } = this.#prepared.traced;
    const words = Uint32Array.of(epoch, position);
    this.#backend.writeState(control, words, EPOCH);
    const drawn = new Uint32Array(order.spec.shape[0]);
    const there = control.initial();
    there.set(words, EPOCH);
    drawOrder(drawn, there, streamOf(feed));
    this.#backend.writeState(order, drawn);
  }

  /** What becomes of bad steps from the next one on. @param goesOn as it would have, had nothing come between */
  begin(policy: Policy, goesOn = false): void {
    if (policy === this.#policy && (goesOn || !this.#isSpoilt)) return;
    this.#policy = policy;
    this.#isSpoilt = false;
    this.#backend.writeState(this.#prepared.traced.ledger, ledgerWords(policy));
  }

  /** Goes on behind so many steps of another one. @param ledger as they left it */
  goOn(step: number, ledger: Numbers): void {
    this.#policy = policyIn(ledger);
    this.#isSpoilt = true;
    this.step = step;
  }

  /** Goes on behind so many steps, whatever those that came after them have left. */
  goBack(step: number): void {
    const { control, ledger } = this.#prepared.traced;
    this.#isSpoilt = false;
    this.#backend.writeState(ledger, ledgerWords(this.#policy));
    this.#backend.writeState(control, Uint32Array.of(step), STEP);
    this.step = step;
  }

  /**
   * Lets the optimizers begin anew with the next step, at full rates, or at such as give the first one this rate; averages of
   * the parameters begin at what these are. @throws DataError where no factor leads to the rate
   */
  beginOptimizers(learningRate?: number): void {
    const { parameters, averages, phases } = this.#prepared.traced;
    const own = rateAt(phases[0].phase.optimizer, 0);
    if (learningRate !== undefined && !(own > 0)) {
      throw new DataError(
        `[resetOptimizer] the optimizer's first learning rate is ${own}, which nothing multiplies to ${learningRate}: let its schedule begin above 0`,
      );
    }
    for (const state of phases.flatMap(({ pages }) => pages.flatMap(({ moments }) => moments))) {
      this.#backend.writeState(state, state.initial());
    }
    if (averages) this.#backend.copyStates(averages.map((average, at) => [parameters[at], average]));
    this.optimizersFrom = this.step;
    this.rateFactor = learningRate === undefined ? 1 : learningRate / own;
  }

  /** Whether a submit must end before a step: the tables are full there, or it has no learning rate. */
  cutBefore(step: number): boolean {
    return step % SCHEDULE_ROWS === 0 || !this.#hasRates(step);
  }

  /**
   * Sees to it that the schedules say of the next steps what the optimizers say now, who may have changed their minds.
   * @param count steps, all within one filling of the tables   @throws DataError if one of them has no learning rate
   */
  requireSchedules(count = 1, first = this.step): void {
    this.#prepared.traced.phases.forEach(({ phase, schedule }, at) => {
      const held = this.#schedules[at];
      scheduleRows(phase.optimizer, first - this.optimizersFrom, count, this.rateFactor).forEach((rows, table) => {
        const start = 4 * (table * SCHEDULE_ROWS + (first % SCHEDULE_ROWS));
        if (rows.every((number, i) => Object.is(number, held[start + i]))) return;
        held.set(rows, start);
        // Behind the submits that are still in flight.
        this.#backend.writeState(schedule, rows, start);
      });
    });
  }

  /**
   * The same of steps that are not counted here as they are taken.
   * @returns how many of so many have a learning rate, one behind the other
   */
  fillSchedules(count: number): number {
    for (let filled = 0; filled < count;) {
      const first = this.step + filled;
      let end = first;
      do end++;
      while (end < this.step + count && !this.cutBefore(end));
      if (!this.#hasRates(first)) return filled;
      this.requireSchedules(end - first, first);
      filled = end - this.step;
    }
    return count;
  }

  #hasRates(step: number): boolean {
    return this.#prepared.traced.phases.every(({ phase }) => hasRate(phase.optimizer, step - this.optimizersFrom));
  }

  /** Submits steps together, and brings the row that each records, marked if it was bad; none of them but the first may be one that `cutBefore` names. @throws DataError if it has no learning rate */
  launch({ programs }: Pick<Steps, 'programs'>): Promise<Numbers> {
    this.requireSchedules(programs.length);
    const all = programs.flatMap((step) => step.map(({ program }) => program));
    const { ring, traced } = this.#prepared;
    const ranges = [...rowsOf(ring, this.step, programs.length), badStepsOf(traced.ledger)];
    const rows = this.#launched(this.step, this.#backend.runAndRead(all, ring, ranges));
    this.step += programs.length;
    return rows;
  }

  /** The rows without what came along behind them. @param first of the steps that they are of */
  async #launched(first: number, read: Promise<Numbers>): Promise<Numbers> {
    const { rows, isBad } = badStepsIn(await read);
    const count = rows.length / this.#prepared.traced.columns;
    for (let at = 0; at < count; at++) {
      if (!isBad(first + at)) continue;
      markBad(this.#prepared, rows, at);
      this.#isSpoilt = true;
    }
    return rows;
  }
}
