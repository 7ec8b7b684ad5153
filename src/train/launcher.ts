import type { Numbers } from '../core/shape.ts';
import { EPOCH } from '../ops/control.ts';
import { isRate, rateAt, requireRate, SCHEDULE_ROWS, scheduleFrom } from '../optim/optimizer.ts';
import type { Backend } from '../scheduler/backend.ts';
import type { Prepared } from './prepared.ts';
import type { Steps } from './supply.ts';

/** Submits steps, and keeps what the GPU counts by in accord with what is counted here. */
export class Launcher {
  /** Steps that were submitted. */
  step = 0;
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  #rateFactor = 1;

  constructor(backend: Backend, prepared: Prepared) {
    this.#backend = backend;
    this.#prepared = prepared;
  }

  /** Of the next step, in the first phase. */
  get learningRate(): number {
    return this.#rateFactor * rateAt(this.#prepared.traced.phases[0].phase.optimizer, this.step);
  }

  /** Multiplies the learning rates from the next step on. */
  scaleRates(factor: number): void {
    this.#rateFactor *= factor;
    this.#writeSchedules(this.step - (this.step % SCHEDULE_ROWS));
  }

  #writeSchedules(first: number): void {
    for (const { phase, schedule } of this.#prepared.traced.phases) {
      this.#backend.writeState(schedule, scheduleFrom(phase.optimizer, first, this.#rateFactor));
    }
  }

  /** Lets the next step take its samples from this place of the stream on. */
  moveTo({ epoch, position }: { readonly epoch: number; readonly position: number }): void {
    this.#backend.writeState(this.#prepared.traced.control, Uint32Array.of(epoch, position), EPOCH);
  }

  /** Whether a submit must end before a step: the tables are full there, or it has no learning rate. */
  cutBefore(step: number): boolean {
    const { phases } = this.#prepared.traced;
    return step % SCHEDULE_ROWS === 0 || !phases.every(({ phase }) => isRate(phase.optimizer, step));
  }

  /** Sees to it that the tables hold the next step. @throws DataError if it has no learning rate */
  requireSchedules(): void {
    for (const { phase } of this.#prepared.traced.phases) requireRate(phase.optimizer, this.step);
    if (this.step > 0 && this.step % SCHEDULE_ROWS === 0) this.#writeSchedules(this.step);
  }

  /** Submits steps together; none of them but the first may be one that `cutBefore` names. @throws DataError if it has no learning rate */
  launch({ programs }: Pick<Steps, 'programs'>): Promise<Numbers> {
    this.requireSchedules();
    const all = programs.flatMap((step) => step.map(({ program }) => program));
    const rows = this.#backend.runAndRead(all, this.#prepared.ring);
    this.step += programs.length;
    return rows;
  }
}
