import type { FoldWish } from './command/commands.ts';
import { percent } from './terminal.ts';
import type { Outcome } from './train.ts';

/**
 * Learns as often as there are parts of a set, each time all but one of them, by which it is judged, and tells the mean.
 * @param learn trains on all but one part
 */
export async function crossValidate(of: number, learn: (fold: FoldWish) => Promise<Outcome>): Promise<Outcome> {
  const runs: NonNullable<Outcome['report']>[] = [];
  for (let at = 0; at < of; at++) {
    const { code, report } = await learn({ at, of });
    if (code !== 0 || !report) return { code };
    runs.push(report);
  }
  const accuracies = runs.map(({ testAccuracy }) => testAccuracy ?? NaN);
  const testAccuracy = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / of;
  const [least, most] = [Math.min(...accuracies), Math.max(...accuracies)];
  process.stdout.write(
    `Of ${of} parts, each told by what was learned of the others: test accuracy ${percent(testAccuracy)} in the mean, ${percent(least)} to ${percent(most)}.\n`,
  );
  return { code: 0, report: { folds: of, testAccuracy, testAccuracies: accuracies, runs } };
}
