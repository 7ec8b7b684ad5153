import type { Numbers } from '../../core/shape.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';

/** Where the steps of a run come from. */
export interface Supply {
  /** Steps that can be submitted now. */
  readonly ready: number;
  /** Whether others may become ready after these. */
  readonly more: boolean;
  /** Settles when one of the two may have changed. */
  changed(): Promise<void>;
  /** Submits so many of the ready steps together. */
  submit(count: number): Submission;
  /** What ended it before its time. */
  readonly failure: { readonly error: unknown } | undefined;
  /** No more steps are wanted. */
  close(): void;
}

/** Steps that are submitted together. */
export interface Submission {
  /** Of each step. */
  readonly samples: readonly number[];
  /** What each of them recorded, row by row. */
  readonly rows: Promise<Numbers>;
}

/** The programs of some steps, and how many samples they take together. */
export interface Steps {
  readonly programs: readonly (readonly StepProgram[])[];
  readonly samples: number;
}

/** Submits steps, and brings what each of them recorded. */
export type Launch = (steps: Steps) => Promise<Numbers>;
