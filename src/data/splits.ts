import { DataError } from '../core/errors.ts';
import { namesOf, optionsOf, requireKind } from '../core/argumentChecks.ts';
import type { NameIn } from '../core/nameTypes.ts';
import { Random, requireSeed } from '../core/random.ts';
import { sizeOf, type Numbers } from '../core/shape.ts';
import { requireSet, type Dataset } from './dataset.ts';
import { apart } from './sampleLayout.ts';
import { concat, rows, take } from './samples.ts';

/* A set in parts, each of which is seen as the whole is. */

/** What `split` and `folds` may be told. */
export interface SplitOptions<F extends string = string> {
  /** Fixes which samples go where, in every engine: 0. */
  readonly seed?: number;
  /** Whether samples are put in an order by chance first: true. False cuts the set as it lies, without copying. */
  readonly shuffle?: boolean;
  /** A field of one number a sample, as the label: each of its values is as frequent in every part as in the whole. */
  readonly stratify?: NameIn<F>;
}

/** A share of the samples to be judged by, and all others to learn from. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export interface Fold<F extends string = any> {
  readonly train: Dataset<F>;
  readonly validation: Dataset<F>;
}

/** How far shares that are meant to add up may be off. */
const ROUNDING = 1e-6;

/** The set in the order in which it is cut. */
function ordered(where: string, set: Dataset, options: SplitOptions | undefined): Dataset {
  const { seed, shuffle, stratify } = optionsOf(where, options, { seed: 0, shuffle: true, stratify: undefined });
  requireSeed(where, seed);
  const places = Array.from({ length: set.length }, (_, at) => at);
  const order = shuffle ? new Random(seed, 'parts').shuffled(places) : places;
  if (stratify === undefined) return shuffle ? rows(set, order) : set;
  namesOf(where, 'stratify', stratify, Object.keys(set.fields));
  const { shape } = set.fields[stratify];
  requireKind(where, 'stratify', stratify, sizeOf(shape) === 1, 'a field of one number a sample');
  return rows(set, interleaved(order, apart(set.fields[stratify])));
}

/** Samples in an order of which any stretch has its share of each class: the i-th of n stands at (i + ½) / n of the way. */
function interleaved(order: readonly number[], classes: Numbers): number[] {
  const counts = new Map<number, number>();
  const ranks = order.map((at) => {
    const rank = counts.get(classes[at]) ?? 0;
    counts.set(classes[at], rank + 1);
    return rank;
  });
  const ways = order.map((at, i) => ({ at, way: (ranks[i] + 0.5) / counts.get(classes[at])! }));
  return ways.toSorted((a, b) => a.way - b.way).map(({ at }) => at);
}

/** Where each part ends. */
function endsOf(length: number, sizes: number | readonly number[]): number[] {
  const given: number[] = [sizes].flat();
  requireKind('split', 'the list of sizes', sizes, given.length > 0, 'at least one size');
  const areShares = given[0] < 1;
  let total = 0;
  const ends = given.map((size, at) => {
    const is = areShares ? size > 0 && size < 1 && typeof size === 'number' : Number.isInteger(size) && size > 0;
    const wanted = areShares
      ? 'a share between 0 and 1'
      : 'a whole number of samples above 0, or a share as all others';
    requireKind('split', `size ${at + 1}`, size, is, wanted);
    total += size;
    return Math.round(areShares ? total * length : total);
  });
  const whole = areShares ? 1 : length;
  if (typeof sizes === 'number') ends.push(length);
  else if (Math.abs(total - whole) > ROUNDING) {
    throw new DataError(
      `[split] the sizes are ${total} together, but the set is ${whole}: let them add up, or give the first alone, and the second part is what is left`,
    );
  }
  const empty = ends.findIndex((end, at) => end <= (ends[at - 1] ?? 0));
  if (empty < 0) return ends;
  throw new DataError(
    `[split] part ${empty + 1} has none of the ${length} samples: give sizes that leave each part at least one`,
  );
}

/**
 * A set in parts: `const [train, validation] = split(set, 0.8)`. They are of one copy, or, unshuffled, of none.
 * @param sizes the first part's, the second being what is left, or those of all parts: shares below 1, as PyTorch's
 * `random_split`, or counts
 * @throws DataError for sizes that do not add up, or leave a part empty
 */
export function split<F extends string, const S extends readonly number[]>(
  set: Dataset<F>,
  sizes: S,
  options?: SplitOptions<NoInfer<F>>,
): { -readonly [K in keyof S]: Dataset<F> };
export function split<F extends string>(
  set: Dataset<F>,
  size: number,
  options?: SplitOptions<NoInfer<F>>,
): [Dataset<F>, Dataset<F>];
export function split(set: Dataset, sizes: number | readonly number[], options?: SplitOptions): Dataset[] {
  requireSet('split', set);
  const ends = endsOf(set.length, sizes);
  const whole = ordered('split', set, options);
  return ends.map((end, at) => take(whole, ends[at - 1] ?? 0, end));
}

/**
 * The k folds of a cross-validation: each sample is in the validation part of one, and in the training part of all others.
 * All are of one array with each sample twice, so that k folds need no more memory than two.
 * @param k from 2 to the number of samples   @throws DataError for another   Source: Stone 1974
 */
export function folds<F extends string>(set: Dataset<F>, k: number, options?: SplitOptions<NoInfer<F>>): Fold<F>[];
export function folds(set: Dataset, k: number, options?: SplitOptions): Fold[] {
  requireSet('folds', set);
  const { length } = set;
  requireKind('folds', 'k', k, Number.isInteger(k) && k > 1 && k <= length, `a whole number from 2 to ${length}`);
  const whole = ordered('folds', set, options);
  const twice = concat(whole, whole);
  return Array.from({ length: k }, (_, at) => {
    const [from, to] = [at, at + 1].map((fold) => Math.round((fold * length) / k));
    return { train: take(twice, to, from + length), validation: take(twice, from, to) };
  });
}
