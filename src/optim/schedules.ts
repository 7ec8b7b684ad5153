import { DataError } from '../core/errors.ts';

/*
 * Learning rates as functions of the step, counted from 0, in f64. Formulas and defaults are those of PyTorch's
 * schedulers, one step of theirs being one of ours.
 */

/** What the learning rate is at each step. */
export type Schedule = (step: number) => number;

/** One rate for all steps. */
export const constant =
  (rate: number): Schedule =>
  () =>
    rate;

/** The rate times `factor`, 0.1 by default, after each `every` steps. PyTorch: StepLR. */
export const step =
  (rate: number, { every, factor = 0.1 }: { readonly every: number; readonly factor?: number }): Schedule =>
  (at) =>
    rate * factor ** Math.floor(at / every);

/** The rate times `factor`, 0.1 by default, from each of the steps given on. PyTorch: MultiStepLR. */
export const multiStep =
  (rate: number, { at: steps, factor = 0.1 }: { readonly at: readonly number[]; readonly factor?: number }): Schedule =>
  (at) =>
    rate * factor ** steps.filter((from) => from <= at).length;

/** The rate times `factor` after each step. PyTorch: ExponentialLR. */
export const exponential =
  (rate: number, { factor }: { readonly factor: number }): Schedule =>
  (at) =>
    rate * factor ** at;

/** From the rate to 0 in so many steps, as the power of what is left of them, 1 by default. PyTorch: PolynomialLR. */
export const polynomial =
  (rate: number, { steps, power = 1 }: { readonly steps: number; readonly power?: number }): Schedule =>
  (at) =>
    rate * (1 - Math.min(at, steps) / steps) ** power;

/**
 * The first `steps` rise evenly from `from`, a third by default, of another schedule's first rate; then that schedule
 * begins. PyTorch: SequentialLR of LinearLR and the other.
 */
export const warmUp =
  (then: Schedule | number, { steps, from = 1 / 3 }: { readonly steps: number; readonly from?: number }): Schedule =>
  (at) => {
    const next = typeof then === 'number' ? constant(then) : then;
    return at < steps ? next(0) * (from + ((1 - from) * at) / steps) : next(at - steps);
  };

/** Half a cosine from `from` to `to`, of which a part is done. */
const anneal = (from: number, to: number, part: number): number =>
  to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));

/**
 * Half a cosine from the rate to `minimum`, 0 by default, in so many steps; beyond them it rises again, as it does in
 * PyTorch: CosineAnnealingLR. Source: Loshchilov and Hutter 2016.
 */
export const cosine =
  (rate: number, { steps, minimum = 0 }: { readonly steps: number; readonly minimum?: number }): Schedule =>
  (at) =>
    anneal(rate, minimum, at / steps);

/**
 * Half a cosine from the rate towards `minimum`, 0 by default, begun anew after `steps`; each lasts `growth` times, 1 by
 * default, as long as the one before. PyTorch: CosineAnnealingWarmRestarts. Source: Loshchilov and Hutter 2016.
 * @throws DataError if they were to become shorter
 */
export function cosineRestarts(
  rate: number,
  options: { readonly steps: number; readonly growth?: number; readonly minimum?: number },
): Schedule {
  const { steps, growth = 1, minimum = 0 } = options;
  if (!(growth >= 1 && steps > 0)) {
    throw new DataError(
      `[cosineRestarts] steps is ${steps} and growth is ${growth} but they must be above 0 and at least 1`,
    );
  }
  return (at) => {
    if (growth === 1) return anneal(rate, minimum, (at % steps) / steps);
    let [begin, length] = [0, steps];
    while (at >= begin + length) {
      begin += length;
      length *= growth;
    }
    return anneal(rate, minimum, (at - begin) / length);
  };
}

/** What `oneCycle` may be told. */
export interface CycleOptions {
  readonly steps: number;
  /** The part of the steps in which the rate rises: 0.3 */
  readonly rise?: number;
  /** The first rate is the peak by this: 25 */
  readonly divisor?: number;
  /** The last rate is the first by this: 1e4 */
  readonly finalDivisor?: number;
  /** Along half a cosine, or a line: 'cosine' */
  readonly shape?: 'cosine' | 'line';
  /** Falls back to the first rate in as many steps as it rose, and only then to the last. */
  readonly symmetric?: boolean;
}

/**
 * Up to the peak, and down to almost nothing at the last of so many steps, where it stays. PyTorch: OneCycleLR.
 * Source: Smith and Topin 2017.
 */
export function oneCycle(peak: number, options: CycleOptions): Schedule {
  const { steps, rise = 0.3, divisor = 25, finalDivisor = 1e4, shape = 'cosine', symmetric = false } = options;
  const first = peak / divisor;
  const top = { at: rise * steps - 1, rate: peak };
  const back = { at: 2 * rise * steps - 2, rate: first };
  const end = { at: steps - 1, rate: first / finalDivisor };
  const corners = [{ at: 0, rate: first }, top, ...(symmetric ? [back] : []), end];
  return (at) => {
    const next = corners.findIndex((corner, i) => i > 0 && at <= corner.at);
    if (next < 0) return end.rate;
    const [from, to] = [corners[next - 1], corners[next]];
    const part = (at - from.at) / (to.at - from.at);
    return shape === 'line' ? from.rate + (to.rate - from.rate) * part : anneal(from.rate, to.rate, part);
  };
}
