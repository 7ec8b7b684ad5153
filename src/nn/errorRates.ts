import { DataError } from '../core/errors.ts';
import { editDistance } from '../core/editDistance.ts';
import { requireKind } from '../core/argumentChecks.ts';

/*
 * How far what was transcribed is from what was said: of a whole set, so that a long text counts as its length, and not as
 * a short one does.
 */

/** Labels by sample: a list for each, or rows of numbers, as a model gives them. Negative numbers are no labels. */
export type LabelRows =
  readonly ArrayLike<number>[] | { readonly data: ArrayLike<number>; readonly shape: readonly number[] };

/** The lists of labels. @throws DataError for what is none */
function labelsOf(name: string, given: LabelRows): number[][] {
  const where = 'labelErrorRate';
  const wanted = 'a list of labels for each sample, or { data, shape: [N, S] }';
  const { data, shape } = Object(given) as { data?: ArrayLike<number>; shape?: readonly number[] };
  const areRows =
    data !== undefined && Array.isArray(shape) && shape.length === 2 && data.length === shape[0] * shape[1];
  requireKind(where, name, given, Array.isArray(given) || areRows, wanted);
  const all = areRows ? Array.from(data) : [];
  const lists = areRows
    ? Array.from({ length: shape[0] }, (_, n) => all.slice(n * shape[1], (n + 1) * shape[1]))
    : (given as readonly ArrayLike<number>[]).map((list) => Array.from(Object(list) as ArrayLike<number>));
  for (const list of lists) {
    requireKind(where, name, given, list.every(Number.isInteger), wanted);
  }
  return lists.map((list) => list.filter((label) => label >= 0));
}

/** The texts, each cut into what is counted. @throws DataError for what is none */
function cut(where: string, name: string, given: readonly string[], parts: (text: string) => string[]): string[][] {
  const areTexts = Array.isArray(given) && given.every((text) => typeof text === 'string');
  requireKind(where, name, given, areTexts, 'a list of texts, one for each sample');
  return given.map(parts);
}

/** Σ edit distances / Σ lengths of what was expected. */
function errorRate(where: string, predicted: readonly unknown[][], expected: readonly unknown[][]): number {
  if (predicted.length !== expected.length) {
    throw new DataError(
      `[${where}] there are ${predicted.length} predicted for ${expected.length} expected: give one for each sample`,
    );
  }
  let [errors, length] = [0, 0];
  for (const [n, right] of expected.entries()) {
    errors += editDistance(predicted[n], right);
    length += right.length;
  }
  if (length > 0) return errors / length;
  throw new DataError(`[${where}] what is expected of ${expected.length} samples is empty: a rate is by what was said`);
}

/**
 * Labels that would have to be put in, left out or changed, as a share of those that are expected, over a whole set; above
 * 1 if there are more. Negative labels, which fill rows, do not count.
 * @param predicted by sample, as `ctcGreedy` or `ctcBeamSearch` gives them   @param expected the same, of as many samples
 * @throws DataError if they are not as many, or if nothing is expected     Source: Graves et al. 2006, 2.1
 */
export const labelErrorRate = (predicted: LabelRows, expected: LabelRows): number =>
  errorRate('labelErrorRate', labelsOf('predicted', predicted), labelsOf('expected', expected));

const words = (text: string): string[] => text.split(/\s+/u).filter((word) => word !== '');

/** The same of words, between blanks. @param predicted a text for each sample   @param expected the same */
export const wordErrorRate = (predicted: readonly string[], expected: readonly string[]): number =>
  errorRate(
    'wordErrorRate',
    cut('wordErrorRate', 'predicted', predicted, words),
    cut('wordErrorRate', 'expected', expected, words),
  );

const characters = (text: string): string[] => Array.from(text.normalize('NFC'));

/** The same of characters, blanks among them. @param predicted a text for each sample   @param expected the same */
export const characterErrorRate = (predicted: readonly string[], expected: readonly string[]): number =>
  errorRate(
    'characterErrorRate',
    cut('characterErrorRate', 'predicted', predicted, characters),
    cut('characterErrorRate', 'expected', expected, characters),
  );
