import { DataError } from '../core/errors.ts';
import { namesOfNothing, type Amount } from './figures.ts';
import type { Report } from './options.ts';
import type { Prepared } from './prepared.ts';

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

/** Ends a run. @param name of the loss that is lost */
export function endDiverged(name: string, { metrics, step }: Report): never {
  throw new DataError(
    `[fit] ${name} is ${metrics[name]} at step ${step}, from which no further step recovers: take a smaller learning rate, clip the gradients, look at the data, or give stopOnNaN: false`,
  );
}
