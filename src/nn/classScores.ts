import { requireKind } from '../core/argumentChecks.ts';
import { DataError } from '../core/errors.ts';

/**
 * F1 of each class, 2 TP / (2 TP + FP + FN): where a mean over classes, as `f1Score` gives it, hides which is hard. NaN of
 * one that neither occurs nor was answered.
 * @param predicted the class of each sample, as `likeliest` gives it   @param labels the right one
 * @param classes how many there are   @throws DataError for labels that are none
 */
export function f1Scores(predicted: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number[] {
  requireKind('f1Scores', 'classes', classes, Number.isInteger(classes) && classes > 0, 'a whole number of classes');
  const [right, both] = [new Float64Array(classes), new Float64Array(classes)];
  for (const [name, given] of Object.entries({ predicted, labels })) {
    const all = Array.from(Object(given) as ArrayLike<number>);
    const are = all.length > 0 && all.every((label) => Number.isInteger(label) && label >= 0 && label < classes);
    requireKind('f1Scores', name, given, are, `whole numbers from 0 to ${classes - 1}`);
    for (const label of all) both[label]++;
  }
  if (predicted.length !== labels.length) {
    throw new DataError(
      `[f1Scores] there are ${predicted.length} predicted for ${labels.length} expected: give one for each sample`,
    );
  }
  for (let at = 0; at < labels.length; at++) if (predicted[at] === labels[at]) right[labels[at]]++;
  return Array.from(right, (count, at) => (2 * count) / both[at]);
}
