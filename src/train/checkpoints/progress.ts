import type { Numbers } from '../../core/shape.ts';
import { isKernels, type KernelChoice } from '../../scheduler/kernelChoice.ts';
import type { Metrics, Moment } from '../runs/decisions.ts';

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
  /** The step from which on the optimizers count theirs; 0 if left out, as files of before have it. */
  readonly optimizersFrom?: number;
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

/** The same of a text that may be damaged, or another's; null if it does not say where a trainer is. */
export function fromJson(text: string): Progress | null {
  try {
    const given = JSON.parse(text, (_, own: unknown) => (ENDLESS.includes(own) ? Number(own) : own)) as unknown;
    return isProgress(given) ? given : null;
  } catch {
    return null;
  }
}

const isCount = (given: unknown): boolean => Number.isSafeInteger(given) && (given as number) >= 0;
const isNumber = (given: unknown): boolean => typeof given === 'number';
const areAll = (given: unknown, is: (one: unknown) => boolean): boolean => Array.isArray(given) && given.every(is);

/** What has members of kinds. */
const has = <T>(given: unknown, kinds: Readonly<Record<keyof T, (member: unknown) => boolean>>): boolean =>
  typeof given === 'object' &&
  given !== null &&
  Object.entries<(member: unknown) => boolean>(kinds).every(([name, is]) =>
    is((given as Record<string, unknown>)[name]),
  );

const orNull = (is: (given: unknown) => boolean) => (given: unknown) => given === null || is(given);
const isFlag = (given: unknown): boolean => typeof given === 'boolean';
const isText = (given: unknown): boolean => typeof given === 'string';

const isHeard = (given: unknown): boolean =>
  has<Heard>(given, {
    asked: (asked) =>
      areAll(asked, (one) =>
        has<Heard['asked'][number]>(one, {
          metrics: (metrics) => areAll(Object.values(Object(metrics) as object), isNumber),
          at: (at) => areAll(at, (moment) => has<Moment>(moment, { step: isCount, learningRate: isNumber })),
        }),
      ),
    since: (since) =>
      since === undefined ||
      areAll(since, (one) =>
        has<NonNullable<Heard['since']>[number]>(one, {
          samples: isCount,
          numbers: (numbers) => areAll(numbers, isNumber),
        }),
      ),
  });

const isRun = (given: unknown): boolean =>
  has<RunProgress>(given, {
    over: (over) => over === 'batches' || has<{ length: number }>(over, { length: isCount }),
    done: isCount,
    unreported: (samples) => areAll(samples, isCount),
    epochEnds: (steps) => areAll(steps, isCount),
    heard: isHeard,
    stopped: isFlag,
    keeps: isFlag,
  });

const isProgress = (given: unknown): given is Progress =>
  has<Progress>(given, {
    step: isCount,
    rateFactor: isNumber,
    optimizersFrom: (step) => step === undefined || isCount(step),
    stream: orNull((stream) =>
      has<Cursor & { length: number }>(stream, { epoch: isCount, position: isCount, length: isCount }),
    ),
    run: orNull(isRun),
    batchSize: isCount,
    seed: isNumber,
    kernels: orNull(isKernels),
    adapter: isText,
    graph: isText,
  });
