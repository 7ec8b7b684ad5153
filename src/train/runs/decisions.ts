import { DataError } from '../../core/errors.ts';
import { described, optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { quotedList } from '../../core/textFormat.ts';
import { requireOption } from '../../optim/optimizer.ts';

/*
 * Decisions of a run: asked at fixed steps, with the metrics of validation if the run validates, or else those of
 * training since they were last asked. They see numbers only, so a rerun decides alike.
 */

export type Metrics = Readonly<Record<string, number>>;

/** When a decision is asked. */
export interface Moment {
  /** Steps so far. */
  readonly step: number;
  /** Of the next step: what the schedule says, with all that was decided so far. */
  readonly learningRate: number;
}

/** What a decision asks for after it has seen the metrics. */
export interface Verdict {
  /** The run ends here. */
  readonly stop?: boolean;
  /** Multiplies all learning rates from now on. */
  readonly rateFactor?: number;
  /** The weights are the best so far: a copy of them takes the place of the one before. */
  readonly keep?: boolean;
  /** Why, in a sentence without a full stop. */
  readonly message?: string;
}

/** What is asked now and then whether a run is to end, to learn at smaller rates, or to keep its weights. */
export interface Decision {
  readonly name: string;
  /** Its verdicts may say `keep`: however the run ends, the weights kept last come back; none were, and nothing changes. */
  readonly keeps?: boolean;
  /** Called as a run begins; what it gives is asked at each decision, in order. */
  start(): (metrics: Metrics, at: Moment) => Verdict | null;
}

/** The metric that a decision looks at. */
export interface Watched {
  /** `loss` if left out. */
  readonly metric?: string;
  /** Which is better, less or more; `max` by default where the name ends in accuracy, r2 or f1, else `min`. */
  readonly mode?: 'min' | 'max';
}

const watchedDefaults = { metric: 'loss', mode: undefined } as const;

interface WatchedOptions {
  readonly metric: string;
  readonly mode: Watched['mode'];
}

const GROWING = /[aA]ccuracy$|(?<![A-Za-z])(r2|f1)$|(?<![A-Z])(R2|F1)$|rSquared$|f1Score$/;

/** Whether more of a metric is better, by its name. */
export const isGrowing = (metric: string): boolean => GROWING.test(metric);

/** How a decision reads its metric. NaN is never better than anything. */
class Watch {
  readonly #decision: string;
  readonly #metric: string;
  readonly sign: 1 | -1;
  /** What any number is better than. */
  readonly worst: number;

  constructor(decision: string, { metric, mode: given }: WatchedOptions) {
    requireKind(decision, 'metric', metric, typeof metric === 'string', "a metric's name");
    const mode = given ?? (isGrowing(metric) ? 'max' : 'min');
    requireKind(decision, 'mode', mode, mode === 'max' || mode === 'min', '"min" or "max"');
    this.#decision = decision;
    this.#metric = metric;
    this.sign = mode === 'max' ? 1 : -1;
    this.worst = -this.sign * Infinity;
  }

  of(metrics: Metrics): number {
    if (Object.hasOwn(metrics, this.#metric)) return metrics[this.#metric];
    throw new DataError(
      `[${this.#decision}] there is no metric "${this.#metric}": name one of ${quotedList(Object.keys(metrics))}`,
    );
  }

  isBetter(value: number, than: number): boolean {
    return this.sign > 0 ? value > than : value < than;
  }

  /** The reason of what is done after so many decisions. */
  stuck(best: number, count: number): string {
    const of = best === this.worst ? 'a number' : `better than ${brief(best)}`;
    return `"${this.#metric}" was not ${of} in the last ${count === 1 ? 'decision' : `${count} decisions`}`;
  }
}

const brief = (value: number): string => String(Number(value.toPrecision(4)));

function requireCount(decision: string, option: string, count: number): void {
  if (Number.isInteger(count) && count >= 0) return;
  throw new DataError(`[${decision}] ${option} is ${described(count)} but must be a whole number, 0 or more`);
}

/** What `earlyStop` may be told. */
export interface EarlyStopOptions extends Watched {
  /** So many decisions in a row that are not better end the run, but never the run's first: 10 */
  readonly patience?: number;
  /** Only what differs from the best by more is better: 0 */
  readonly minDelta?: number;
  /** The run ends with the weights of the best decision: false */
  readonly restoreBest?: boolean;
}

/**
 * Ends a run whose metric no longer becomes better. As in Keras, where 0 and 1 are one patience too, but for two things:
 * NaN is never kept as the best, not even at first; and patience is 10, not 0, for one decision that is not better may
 * be noise. Beside `reduceOnPlateau` it needs more patience than that, or it stops before a smaller rate can help.
 * @throws DataError if an option is out of range; when asked, if there is no such metric   Source: Keras, EarlyStopping
 */
export function earlyStop(given: EarlyStopOptions = {}): Decision {
  const own = { patience: 10, minDelta: 0, restoreBest: false };
  const options = optionsOf('earlyStop', given, { ...watchedDefaults, ...own });
  const { patience, minDelta, restoreBest } = options;
  requireCount('earlyStop', 'patience', patience);
  requireOption('earlyStop', 'minDelta', minDelta);
  const watch = new Watch('earlyStop', options);
  return {
    name: 'earlyStop',
    keeps: restoreBest,
    start() {
      let best = watch.worst;
      let waited = 0;
      let first = true;
      return (metrics) => {
        const value = watch.of(metrics);
        const mayStop = !first;
        first = false;
        if (watch.isBetter(value - watch.sign * minDelta, best)) {
          best = value;
          waited = 0;
          return restoreBest ? { keep: true } : null;
        }
        waited++;
        return mayStop && waited >= patience ? { stop: true, message: watch.stuck(best, waited) } : null;
      };
    },
  };
}

/** What `reduceOnPlateau` may be told. */
export interface PlateauOptions extends Watched {
  /** Multiplies the learning rates: 0.1 */
  readonly factor?: number;
  /** So many decisions in a row may be not better; the next one reduces: 10 */
  readonly patience?: number;
  /** Only what differs from the best by more than this share of it is better: 1e-4 */
  readonly threshold?: number;
  /** Decisions after a reduction in which none is counted as not better: 0 */
  readonly cooldown?: number;
  /** Where the learning rate ends to fall, before the factors of groups: 0 */
  readonly minRate?: number;
}

/** PyTorch's eps: a smaller fall of the learning rate is none. */
const LEAST_FALL = 1e-8;

/**
 * Reduces the learning rates where the metric no longer becomes better. As in PyTorch by its relative threshold, but
 * that of a negative best the share is taken of its size: there, PyTorch calls better what is slightly worse.
 * @throws DataError if an option is out of range; when asked, if there is no such metric
 * Source: PyTorch, ReduceLROnPlateau
 */
export function reduceOnPlateau(given: PlateauOptions = {}): Decision {
  const name = 'reduceOnPlateau';
  const own = { factor: 0.1, patience: 10, threshold: 1e-4, cooldown: 0, minRate: 0 };
  const options = optionsOf(name, given, { ...watchedDefaults, ...own });
  const { factor, patience, threshold, cooldown, minRate } = options;
  requireOption(name, 'factor', factor, 1);
  requireCount(name, 'patience', patience);
  requireOption(name, 'threshold', threshold, 1);
  requireCount(name, 'cooldown', cooldown);
  requireOption(name, 'minRate', minRate);
  const watch = new Watch(name, options);
  return {
    name,
    start() {
      let best = watch.worst;
      let stuck = 0;
      let cooling = 0;
      return (metrics, { learningRate }) => {
        const value = watch.of(metrics);
        if (watch.isBetter(value, best * (1 + Math.sign(best) * watch.sign * threshold))) {
          best = value;
          stuck = 0;
        } else stuck++;
        if (cooling > 0) {
          cooling--;
          stuck = 0;
        }
        if (stuck <= patience) return null;
        const message = watch.stuck(best, stuck);
        cooling = cooldown;
        stuck = 0;
        const next = Math.max(learningRate * factor, minRate);
        if (!(learningRate - next > LEAST_FALL)) return null;
        return {
          rateFactor: Math.max(factor, minRate / learningRate),
          message: `${message}: the learning rate falls from ${brief(learningRate)} to ${brief(next)}`,
        };
      };
    },
  };
}

/**
 * The run ends with the weights of its best decision.
 * @throws DataError when asked, if there is no such metric
 */
export function keepBest(options: Watched = {}): Decision {
  const watch = new Watch('keepBest', optionsOf('keepBest', options, watchedDefaults));
  return {
    name: 'keepBest',
    keeps: true,
    start() {
      let best = watch.worst;
      return (metrics) => {
        const value = watch.of(metrics);
        if (!watch.isBetter(value, best)) return null;
        best = value;
        return { keep: true };
      };
    },
  };
}
