import { requireKind } from '../core/argumentChecks.ts';
import type { Forward } from '../train/emission/forward.ts';

/** A trainer, a predictor, or whatever else tells what a model computes. */
export interface Computing {
  forward(): Promise<Forward>;
}

/** What somebody gave computes. @throws DataError for what tells of no model */
export async function forwardOf(where: string, given: Computing): Promise<Forward> {
  const is = typeof (Object(given) as Partial<Computing>).forward === 'function';
  requireKind(where, 'the model', given, is, 'a trainer or a predictor of it');
  return given.forward();
}
