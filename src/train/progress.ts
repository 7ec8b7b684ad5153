import type { Numbers } from '../core/shape.ts';
import type { KernelChoice } from '../scheduler/choice.ts';
import type { Metrics, Moment } from './decisions.ts';

/* What a trainer knows beside the numbers on its backend, as plain data: with them it goes on where it was. */

/** Where in the endless stream of epochs the next sample is. */
export interface Cursor {
  epoch: number;
  position: number;
}

/** What the decisions of a run have seen. */
export interface Heard {
  /** What they were asked with, each time. */
  readonly asked: readonly {
    readonly metrics: Metrics;
    /** Of each decision, since one may change the rate that the next one sees. */
    readonly at: readonly Moment[];
  }[];
  /** The training figures since. */
  readonly since: readonly { readonly samples: number; readonly numbers: readonly number[] }[] | undefined;
}

/** Where a run is. */
export interface RunProgress {
  /** What it trains on; of a set, its samples. */
  readonly over: { readonly length: number } | 'batches';
  /** Steps that are reported, or have been silent. */
  readonly done: number;
  /** Samples of each further step that was submitted. */
  readonly unreported: readonly number[];
  /** Steps with which epochs ended; of batches, since a set's can be reckoned. */
  readonly epochEnds: readonly number[];
  readonly heard: Heard;
  /** A decision has ended it. */
  readonly stopped: boolean;
  /** The weights that a decision keeps are there. */
  readonly keeps: boolean;
}

/** Where a trainer is. */
export interface Progress {
  readonly step: number;
  /** By which all learning rates are multiplied. */
  readonly rateFactor: number;
  /** Where the stream of the set that it trained on last goes on, and how many samples the set has. */
  readonly stream: (Cursor & { readonly length: number }) | null;
  readonly run: RunProgress | null;
  readonly batchSize: number;
  readonly seed: number;
  readonly kernels: KernelChoice | null;
  readonly adapter: string;
  /** Of the step's graphs, printed. */
  readonly graph: string;
}

/** A run at some moment: what is plain then, and what its unreported steps will have recorded. */
export interface RunMoment {
  readonly progress: RunProgress;
  readonly rows: Promise<Numbers>;
}

const ENDLESS: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];

/** As JSON, with the numbers that JSON does not have as their names. */
export const toJson = (progress: Progress): string =>
  JSON.stringify(progress, (_, given: unknown) =>
    typeof given === 'number' && !Number.isFinite(given) ? String(given) : given,
  );

export const fromJson = (text: string): unknown =>
  JSON.parse(text, (_, given: unknown) => (ENDLESS.includes(given) ? Number(given) : given));
