import { DataError, ShapeError } from '../core/errors.ts';
import { sizeOf, type Numbers } from '../core/shape.ts';
import { isDataset, requireFinite, type Dataset } from '../data/dataset.ts';
import { copyOf, isNumbers, numbersIn, type GivenNumbers } from '../data/numbers.ts';
import { requireSound, rowsOf } from './checks.ts';
import type { GivenSamples } from './options.ts';
import type { Prepared } from './prepared.ts';

/*
 * How numbers come in. What a call is given is copied before it waits for anything: it is what it was at the call,
 * whatever becomes of its arrays.
 */

/** A set, and its numbers as they were at the call that gave it; null where programs hold them. */
export interface Given {
  readonly set: Dataset;
  copy: Dataset | null;
}

/** A set as it is now. @param names only these fields @throws DataError if an array is no longer what the set was made of */
export function copyOfSet(where: string, data: Dataset, names: readonly string[] = Object.keys(data.fields)): Dataset {
  const fields = names.flatMap((name) => {
    const field = data.fields[name];
    if (!field) return [];
    const size = data.length * sizeOf(field.shape);
    if (field.data.length !== size) {
      throw new DataError(
        `[${where}] the array of "${name}" has ${field.data.length} numbers, but had ${size} when its set was made: it was transferred or resized; make the set anew`,
      );
    }
    return [[name, { ...field, data: copyOf(field.data) }] as const];
  });
  return { length: data.length, fields: Object.fromEntries(fields) };
}

/** A set's numbers by field. */
export const numbersBy = ({ fields }: Dataset): GivenSamples =>
  Object.fromEntries(Object.entries(fields).map(([name, { data }]) => [name, data]));

/** Samples as they are now, by field. */
export function copyOfSamples(where: string, given: GivenSamples | Dataset): GivenSamples {
  if (isDataset(given)) return numbersBy(copyOfSet(where, given));
  return Object.fromEntries(Object.entries(given).map(([name, numbers]) => [name, copyOf(numbers)]));
}

/** Numbers by field as a sound data set, each in the dtype that its field was traced with, where it holds them. */
export function samplesOf(
  where: string,
  given: GivenSamples,
  { traced, ranges, ...prepared }: Prepared,
  names: readonly string[] = prepared.names,
): Dataset {
  const present = names.filter((name) => given[name] !== undefined);
  for (const name of present) requireFinite(name, { data: given[name], shape: traced.fields[name].shape });
  const numbers = present.map(
    (name) => [name, numbersIn(where, name, given[name], traced.fields[name].dtype)] as const,
  );
  const byName: Readonly<Record<string, Numbers>> = Object.fromEntries(numbers);
  const length = rowsOf(where, traced.fields, byName, names);
  const fields = names.map((name) => [name, { ...traced.fields[name], data: byName[name] }] as const);
  const samples = { length, fields: Object.fromEntries(fields) };
  requireSound(samples, names, ranges);
  return samples;
}

/** Numbers alone are those of the only field. */
export function byField(given: GivenSamples | GivenNumbers, names: readonly string[]): GivenSamples {
  if (!isNumbers(given)) return given;
  if (names.length === 1) return { [names[0]]: given };
  throw new ShapeError(`[predict] the model reads "${names.join('", "')}": give numbers by name`);
}

/** Says of an error in a batch's numbers in which batch they are. */
export function inBatch<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DataError) error.message += ` (in batch ${index})`;
    throw error;
  }
}
