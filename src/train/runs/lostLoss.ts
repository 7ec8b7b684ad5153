import type { Prepared } from '../graphs/preparedModel.ts';
import { namesOfNothing, type Amount } from '../graphs/recordedMetrics.ts';
import type { Report } from '../options.ts';

/** The first of a step's losses that is no number, unless nothing counts in the step: such a step teaches nothing. */
export function lostLoss(
  { losses, figures }: Prepared,
  amounts: readonly Amount[],
  { loss, metrics }: Pick<Report, 'loss' | 'metrics'>,
): string | undefined {
  if (Number.isFinite(loss)) return undefined;
  const nothing = namesOfNothing(figures, amounts);
  return losses.find((name) => !Number.isFinite(metrics[name]) && !nothing.includes(name));
}
