import { isDataset, type Dataset } from '../../data/dataset.ts';
import { copyOf, isNumbers, type GivenNumbers } from '../../data/numbers.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import type { GivenSamples } from '../options.ts';
import type { Programs } from '../programs/programs.ts';
import { byField, copyOfSamples, countedBy, countOf, formOf, numbersBy, samplesOf, type Given } from './givenData.ts';

/** What a call takes: a set, numbers by field, numbers of the only field, or how many samples there are to be. */
type GivenToCall = Dataset | GivenSamples | GivenNumbers | number;

/** Samples once the model was traced, whose fields it then knows. */
type LaterSamples = (
  traced: { readonly prepared: Prepared; readonly programs: Programs },
  names?: readonly string[],
) => Promise<Dataset>;

/**
 * Whatever samples a call is given, as they are at the call.
 * @param givenSet takes a set, as it is then, or was at the call that gave it first
 */
export function samplesAtCall(
  where: string,
  given: GivenToCall,
  givenSet: (where: string, set: Dataset) => Given,
): LaterSamples {
  const set = !isNumbers(given) && isDataset(given) ? givenSet(where, given) : undefined;
  const copy = isNumbers(given) || typeof given === 'number' ? copyOf(given) : set ? {} : copyOfSamples(where, given);
  return async ({ prepared, programs }, names = countedBy(prepared)) => {
    if (names.length === 0) return { length: countOf(where, given), fields: {} };
    const numbers = set ? numbersBy(await programs.sets.numbersOf(set, names)) : byField(copy, names);
    return samplesOf(where, numbers, formOf(prepared), names);
  };
}
