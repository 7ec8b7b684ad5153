import { DataError } from '../core/errors.ts';
import { described, optionsOf, requireKind } from '../core/argumentChecks.ts';
import { requireOption, requirePositive } from './optimizer.ts';

/*
 * Learning rates as functions of the step, counted from 0, in f64. Formulas and defaults are those of PyTorch's
 * schedulers, one step of theirs being one of ours. Where so many steps are none, they are over from the start: PyTorch
 * divides by zero there. All throw a DataError for an option out of its range.
 */

/** What the learning rate is at each step. */
export type Schedule = (step: number) => number;

/** How much of so many steps is done; all of none. */
const partOf = (done: number, steps: number): number => (steps === 0 ? 1 : done / steps);

function requireOptions(schedule: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) requireOption(schedule, name, value);
}

/** One rate for all steps. */
export function constant(rate: number): Schedule {
  requireOptions('constant', { rate });
  return () => rate;
}

/** The rate times `factor`, 0.1 by default, after each `every` steps. PyTorch: StepLR. */
export function step(rate: number, options: { readonly every: number; readonly factor?: number }): Schedule {
  const { every, factor } = optionsOf('step', options, { every: undefined, factor: 0.1 });
  requireOptions('step', { rate, factor });
  requirePositive('step', 'every', every);
  return (at) => rate * factor ** Math.floor(at / every);
}

/** The rate times `factor`, 0.1 by default, from each of the steps given on. PyTorch: MultiStepLR. */
export function multiStep(
  rate: number,
  options: { readonly at: readonly number[]; readonly factor?: number },
): Schedule {
  const { at: steps, factor } = optionsOf('multiStep', options, { at: undefined, factor: 0.1 });
  requireOptions('multiStep', { rate, factor });
  requireKind('multiStep', 'at', steps, Array.isArray(steps), 'an array');
  steps.forEach((at, i) => requireOptions('multiStep', { [`at[${i}]`]: at }));
  return (at) => rate * factor ** steps.filter((from) => from <= at).length;
}

/** The rate times `factor` after each step. PyTorch: ExponentialLR. */
export function exponential(rate: number, options: { readonly factor: number }): Schedule {
  const { factor } = optionsOf('exponential', options, { factor: undefined });
  requireOptions('exponential', { rate, factor });
  return (at) => rate * factor ** at;
}

/** From the rate to 0 in so many steps, as the power of what is left of them, 1 by default. PyTorch: PolynomialLR. */
export function polynomial(rate: number, options: { readonly steps: number; readonly power?: number }): Schedule {
  const { steps, power } = optionsOf('polynomial', options, { steps: undefined, power: 1 });
  requireOptions('polynomial', { rate, steps, power });
  return (at) => rate * (1 - partOf(Math.min(at, steps), steps)) ** power;
}

/**
 * The first `steps` rise evenly from `from`, a third by default, of another schedule's first rate; then that schedule
 * begins. PyTorch: SequentialLR of LinearLR and the other.
 */
export function warmUp(then: Schedule | number, options: { readonly steps: number; readonly from?: number }): Schedule {
  const { steps, from } = optionsOf('warmUp', options, { steps: undefined, from: 1 / 3 });
  requireOptions('warmUp', { steps, from });
  if (typeof then !== 'number') {
    requireKind('warmUp', 'the first argument', then, typeof then === 'function', 'a schedule, or a number');
  }
  const next = typeof then === 'number' ? constant(then) : then;
  return (at) => (at < steps ? next(0) * (from + ((1 - from) * at) / steps) : next(at - steps));
}

/** Half a cosine from `from` to `to`, of which a part is done. */
const anneal = (from: number, to: number, part: number): number =>
  to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));

/**
 * Half a cosine from the rate to `minimum`, 0 by default, in so many steps; beyond them it rises again, as it does in
 * PyTorch: CosineAnnealingLR. Source: Loshchilov and Hutter 2016.
 */
export function cosine(rate: number, options: { readonly steps: number; readonly minimum?: number }): Schedule {
  const { steps, minimum } = optionsOf('cosine', options, { steps: undefined, minimum: 0 });
  requireOptions('cosine', { rate, steps, minimum });
  return (at) => anneal(rate, minimum, partOf(at, steps));
}

/**
 * Half a cosine from the rate towards `minimum`, 0 by default, begun anew after `steps`; each lasts `growth` times, 1 by
 * default, as long as the one before. PyTorch: CosineAnnealingWarmRestarts. Source: Loshchilov and Hutter 2016.
 * @throws DataError if they were to become shorter
 */
export function cosineRestarts(
  rate: number,
  options: { readonly steps: number; readonly growth?: number; readonly minimum?: number },
): Schedule {
  const defaults = { steps: undefined, growth: 1, minimum: 0 };
  const { steps, growth, minimum } = optionsOf('cosineRestarts', options, defaults);
  requireOptions('cosineRestarts', { rate, minimum });
  const are = typeof growth === 'number' && typeof steps === 'number';
  if (!(are && growth >= 1 && growth < Infinity && steps > 0 && steps < Infinity)) {
    throw new DataError(
      `[cosineRestarts] steps is ${described(steps)} and growth is ${described(growth)} but they must be finite, above 0 and at least 1`,
    );
  }
  // Those before it last 1 + growth + growth² + … times the first.
  const beginOf = (period: number): number => steps * (growth === 1 ? period : (growth ** period - 1) / (growth - 1));
  return (at) => {
    const done = at / steps;
    let period = Math.floor(growth === 1 ? done : Math.log1p(done * (growth - 1)) / Math.log(growth));
    // Where a period begins, the quotient may round to either side.
    if (beginOf(period + 1) <= at) period++;
    else if (beginOf(period) > at) period--;
    return anneal(rate, minimum, (at - beginOf(period)) / (steps * growth ** period));
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

const cycleDefaults = {
  steps: undefined,
  rise: 0.3,
  divisor: 25,
  finalDivisor: 1e4,
  shape: 'cosine',
  symmetric: false,
} as const;

/**
 * Up to the peak, and down to almost nothing at the last of so many steps, where it stays. PyTorch: OneCycleLR.
 * @throws DataError for a rise that is no part of the steps, too
 * Source: Smith and Topin 2017.
 */
export function oneCycle(peak: number, options: CycleOptions): Schedule {
  const { steps, rise, divisor, finalDivisor, shape, symmetric } = optionsOf('oneCycle', options, cycleDefaults);
  requireOptions('oneCycle', { peak, steps });
  requirePositive('oneCycle', 'divisor', divisor);
  requirePositive('oneCycle', 'finalDivisor', finalDivisor);
  if (!(typeof rise === 'number' && rise >= 0 && rise <= 1)) {
    throw new DataError(`[oneCycle] rise is ${described(rise)} but must be 0 … 1: it is a part of the steps`);
  }
  requireKind('oneCycle', 'shape', shape, shape === 'cosine' || shape === 'line', '"cosine" or "line"');
  const first = peak / divisor;
  const top = { at: rise * steps - 1, rate: peak };
  const back = { at: 2 * rise * steps - 2, rate: first };
  const end = { at: steps - 1, rate: first / finalDivisor };
  const corners = [{ at: 0, rate: first }, top, ...(symmetric ? [back] : []), end];
  return (at) => {
    const next = corners.findIndex((corner, i) => i > 0 && at <= corner.at);
    // A symmetric fall may reach beyond the steps.
    if (next < 0 || at > end.at) return end.rate;
    const [from, to] = [corners[next - 1], corners[next]];
    // A rise of one step is at its end with the first, where PyTorch divides by zero.
    const part = to.at > from.at ? (at - from.at) / (to.at - from.at) : 1;
    return shape === 'line' ? from.rate + (to.rate - from.rate) * part : anneal(from.rate, to.rate, part);
  };
}
