import type { Bytes } from '../../core/globalTypes.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { Cursor, RunProgress } from '../checkpoints/progress.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import type { Feed } from '../graphs/batchValues.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import type { Amount } from '../graphs/recordedMetrics.ts';
import type { Warn } from '../options.ts';
import type { Programs } from '../programs/programs.ts';
import type { Given } from '../samples/givenData.ts';
import type { StateCopy } from './stateCopy.ts';
import type { Submission } from './stepSupply.ts';
import type { StepSubmitter } from './stepSubmitter.ts';
import type { RunInHand } from './trainingRun.ts';

/** What a run works with: a trainer's own parts. */
export interface RunParts {
  readonly backend: Backend;
  readonly prepared: Prepared;
  readonly programs: Programs;
  readonly evaluator: () => Promise<Evaluator>;
  readonly submitter: StepSubmitter;
  readonly stateCopy: StateCopy;
  readonly batchSize: number;
  /** Where each data set's stream goes on. */
  cursorOf(data: Dataset): Cursor;
  /** The set to train on, if it is one, and the one to judge by, as they were at the call. */
  readonly training: Given | undefined;
  readonly validation: Given | undefined;
  readonly run: RunInHand;
  /** The run that goes on, if one does. */
  readonly before: RunBefore | undefined;
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

/** A run that goes on: where it was, and what of it was submitted and not reported. */
export interface RunBefore {
  readonly progress: RunProgress;
  readonly left: Submission;
}

/** Steps that it had submitted. */
export const begunBy = (before: RunBefore | undefined): number =>
  before ? before.progress.done + before.left.samples.length : 0;
