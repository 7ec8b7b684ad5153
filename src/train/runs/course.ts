import type { StepProgram } from '../programs/sourcePrograms.ts';
import type { Supply } from './stepSupply.ts';

/** A supply of steps, and what of them depends on where they come from. */
export interface Course {
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
