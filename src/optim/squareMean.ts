import { epsilonInF32, keptInF32, requireOption } from './optimizer.ts';

/**
 * How a mean of squares forgets, and what is added to it, as f32 has them.
 * @param decay what of the mean stays at a step, by the name of its option   @throws DataError for what is out of its range
 */
export function squareMean(
  where: string,
  [name, decay]: readonly [name: string, decay: number],
  epsilon: number,
): { readonly decay: number; readonly rest: number; readonly epsilon: number } {
  requireOption(where, name, decay, 1);
  requireOption(where, 'epsilon', epsilon);
  const kept = keptInF32(decay);
  return { decay: kept, rest: 1 - kept, epsilon: epsilonInF32(epsilon) };
}
