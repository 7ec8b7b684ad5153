import { DataError, ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import type { Numbers } from '../../core/shape.ts';
import { isDataset, requireFinite, requireSet, specOfGiven, type Dataset } from '../../data/dataset.ts';
import { copyOf, isNumbers, numbersIn, type GivenNumbers } from '../../data/numbers.ts';
import { apart, spanOf } from '../../data/sampleLayout.ts';
import { requirePresent, requireSound, rowsOf, type FieldChecks } from './dataChecks.ts';
import type { Batches, GivenSamples } from '../options.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import type { Fields, GivenFields } from './sampleSource.ts';

/*
 * How numbers come in. What a call is given is copied before it waits for anything: it is what it was at the call,
 * whatever becomes of its arrays.
 */

/** Fails unless something is a data set, or an iterable of batches. */
export function requireTrainable(data: Dataset | Batches): void {
  const isIterable =
    typeof data === 'object' && (Symbol.iterator in Object(data) || Symbol.asyncIterator in Object(data));
  // An array may be of batches, numbers are none.
  const areNumbers = isNumbers(data) && typeof data[0] === 'number';
  const wanted = 'a data set, as dataset({ … }) makes one, or an iterable of batches';
  requireKind('fit', 'what to train on', data, isDataset(data) || (isIterable && !areNumbers), wanted);
}

/** The fields of a data set, or fields alone. @throws DataError for anything else */
export function fieldsOf(where: string, data: Dataset | GivenFields): Fields {
  const fields: unknown = isDataset(data) ? data.fields : data;
  const specs: unknown[] = typeof fields === 'object' && fields !== null ? Object.values(fields) : [];
  const are = specs.length > 0 && specs.every((of) => 'shape' in Object(of) && 'dtype' in Object(of));
  requireKind(where, 'data', data, are, 'a data set, as dataset({ … }) makes one');
  if (isDataset(data)) return data.fields;
  return Object.fromEntries(Object.entries(data).map(([name, of]) => [name, specOfGiven(of)]));
}

/** A set, and its numbers as they were at the call that gave it; null where programs hold them. */
export interface Given {
  readonly set: Dataset;
  copy: Dataset | null;
}

/** A set as it is now. @param names only these fields @throws DataError if an array is no longer what the set was made of */
export function copyOfSet(where: string, data: Dataset, names?: readonly string[]): Dataset {
  requireSet(where, data);
  const fields = (names ?? Object.keys(data.fields)).flatMap((name) => {
    const field = data.fields[name];
    if (!field) return [];
    // What is with a host is what it is there.
    if (field.host) return [[name, field] as const];
    const size = spanOf(field, data.length);
    if (field.data.length !== size) {
      throw new DataError(
        `[${where}] the array of "${name}" has ${field.data.length} numbers, but had ${size} when its set was made: it was transferred or resized; make the set anew`,
      );
    }
    return [[name, { ...field, data: copyOf(field.data) }] as const];
  });
  return { length: data.length, fields: Object.fromEntries(fields) };
}

/** A set's numbers by field, sample by sample. */
export const numbersBy = ({ fields }: Dataset): GivenSamples =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, apart(field)]));

/** Samples as they are now, by field. */
export function copyOfSamples(where: string, given: GivenSamples | Dataset): GivenSamples {
  if (isDataset(given)) return numbersBy(copyOfSet(where, given));
  const is = typeof given === 'object' && given !== null && !isNumbers(given) && !('then' in given);
  requireKind(where, 'what was given', given, is, 'numbers by field, or a data set');
  return Object.fromEntries(Object.entries(given).map(([name, numbers]) => [name, copyOf(numbers)]));
}

/** The fields that a step takes; all, if it reads none, since their samples are counted. */
export const countedBy = ({ names, traced }: Prepared): readonly string[] =>
  names.length > 0 ? names : Object.keys(traced.fields);

/** What samples must be like. */
export interface SampleForm {
  readonly fields: Fields;
  readonly checks: FieldChecks;
}

/** As the model was traced with. */
export const formOf = ({ traced, checks }: Prepared): SampleForm => ({ fields: traced.fields, checks });

/** Numbers by field as a sound data set, each in the dtype that its field was traced with, where it holds them. */
export function samplesOf(
  where: string,
  given: GivenSamples,
  { fields: specs, checks }: SampleForm,
  names: readonly string[],
): Dataset {
  for (const name of names) requirePresent(where, name, given, names);
  for (const name of names) requireFinite(name, { data: given[name], shape: specs[name].shape });
  const numbers = names.map((name) => [name, numbersIn(where, name, given[name], specs[name].dtype)] as const);
  const byName: Readonly<Record<string, Numbers>> = Object.fromEntries(numbers);
  const length = rowsOf(where, specs, byName, names);
  const fields = names.map((name) => [name, { ...specs[name], data: byName[name] }] as const);
  const samples = { length, fields: Object.fromEntries(fields) };
  requireSound(samples, names, checks);
  return samples;
}

/** How many samples there are to be where no field of them is read: a number, or a set's length. */
export function countOf(where: string, given: unknown): number {
  const count = isDataset(given) ? given.length : (given as number);
  const wanted = `a number of samples above 0, as ${where}(16): the model reads no field`;
  requireKind(where, 'what is given', given, Number.isInteger(count) && count > 0, wanted);
  return count;
}

/** Numbers alone are those of the only field. */
export function byField(given: GivenSamples | GivenNumbers | number, names: readonly string[]): GivenSamples {
  if (!isNumbers(given) && typeof given !== 'number') return given;
  if (names.length === 1 && isNumbers(given)) return { [names[0]]: given };
  throw new ShapeError(`[predict] the model reads "${names.join('", "')}": give numbers by name`);
}

/** Says of an error in a batch's numbers in which batch they are, unless it says so. */
export function inBatch<T>(index: number, work: (where: string) => T): T {
  const where = `fit, batch ${index}`;
  try {
    return work(where);
  } catch (error) {
    if (error instanceof DataError && !error.message.includes(where)) error.message += ` (in batch ${index})`;
    throw error;
  }
}
