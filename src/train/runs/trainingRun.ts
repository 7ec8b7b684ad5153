import { DataError } from '../../core/errors.ts';
import type { Signal } from '../../core/globalTypes.ts';
import type { Report } from '../options.ts';
import type { RunMoment } from '../checkpoints/progress.ts';

type Reports = AsyncGenerator<Report, void, undefined>;

/**
 * What `fit` gives: the reports, to be iterated over; or, awaited, a promise of the last step's, for which it trains to its
 * end. Nothing runs before one of the two. There is one run in it: who awaits it behind a loop, or again, is told how it
 * ended. Returned from an async function it is awaited there: to hand on its reports, put it into an object, or iterate.
 * It is an async generator: `return()`, which leaving a loop calls, ends training as `stop` does.
 */
export interface TrainingRun extends Reports, Pick<Promise<Report>, 'then' | 'catch' | 'finally'> {}

/** A run without whoever asks for its reports, who may go away and leave it. */
export class RunInHand {
  /** Of the last step that was taken. */
  last: Report | undefined;
  failure: { readonly error: unknown } | undefined;
  /** Where it is, once it has begun. */
  moment: (() => RunMoment) | undefined;
  /** Settles when it has ended, once it was told to. */
  ending: Promise<void> | undefined;
  readonly #stopper = new AbortController();
  #reports: Reports;

  constructor(begin: (run: RunInHand) => Reports) {
    this.#reports = begin(this);
  }

  /** Aborted once it was told to end. */
  get signal(): Signal {
    return this.#stopper.signal;
  }

  get reports(): Reports {
    return this.#reports;
  }

  /** Ends it after the last submitted whole step without waiting for who asks: what is left to report waits for them. */
  stop(): Promise<void> {
    if (!this.ending) {
      this.#stopper.abort();
      const left = allOf(this.#reports);
      this.#reports = again(left);
      this.ending = left.then(() => {});
    }
    return this.ending;
  }
}

/** Reports that nobody has asked for yet, and what failed behind them. */
interface Left {
  readonly reports: readonly Report[];
  readonly failure?: { readonly error: unknown };
}

async function allOf(all: Reports): Promise<Left> {
  const reports: Report[] = [];
  try {
    for await (const report of all) reports.push(report);
    return { reports };
  } catch (error) {
    return { reports, failure: { error } };
  }
}

async function* again(left: Promise<Left>): Reports {
  const { reports, failure } = await left;
  yield* reports;
  if (failure) throw failure.error;
}

// Of an engine's own async generators, for all that they inherit: `await using`, and what engines will add.
async function* noReports(): Reports {}

/** A run for who asks for its reports. */
export function trainingRun(hand: RunInHand): TrainingRun {
  let last: Promise<Report> | undefined;
  const toItsEnd = async (): Promise<Report> => {
    for await (const _ of run);
    if (hand.failure) throw hand.failure.error;
    if (hand.last) return hand.last;
    throw new DataError(
      '[fit] the run was ended before its first step, so there is no report: iterate over it, or train longer',
    );
  };
  const promise = (): Promise<Report> => (last ??= toItsEnd());
  const run: TrainingRun = Object.assign(noReports(), {
    next: () => hand.reports.next(),
    return: () => hand.reports.return(),
    throw: (error: unknown) => hand.reports.throw(error),
    // oxlint-disable-next-line unicorn/no-thenable, promise/no-callback-in-promise -- awaited, it trains to its end
    then: ((done, failed) => promise().then(done, failed)) as Promise<Report>['then'],
    catch: ((failed) => promise().catch(failed)) as Promise<Report>['catch'],
    finally: (ended?: (() => void) | null) => promise().finally(ended),
  });
  return run;
}
