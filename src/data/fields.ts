import { ShapeError } from '../core/errors.ts';
import { namesOf, requireKind } from '../core/argumentChecks.ts';
import type { NameIn, NamesIn } from '../core/nameTypes.ts';
import { allocate, sizeOf, type Numbers, type Shape } from '../core/shape.ts';
import { dataset, requireSet, type Dataset, type Field, type FieldInput } from './dataset.ts';
import { isNumbers, numbersIn, type GivenNumbers } from './numbers.ts';
import { samplesFrom } from './sampleLayout.ts';

/* The same samples with other fields. */

/** Some of a set's fields, without copying. @throws DataError for a name that is none of its, with the nearest */
export function pick<F extends string, const N extends NameIn<F>>(
  set: Dataset<F>,
  names: N | readonly N[],
): Dataset<NamesIn<N>>;
export function pick(set: Dataset, names: string | readonly string[]): Dataset {
  requireSet('pick', set);
  const chosen = namesOf('pick', 'the fields', names, Object.keys(set.fields));
  requireKind('pick', 'the fields', names, chosen.length > 0, 'at least one name');
  return { length: set.length, fields: Object.fromEntries(chosen.map((name) => [name, set.fields[name]])) };
}

/** What a function makes of a field of one sample: a number, several, or several with their shape. */
export type MappedField = number | GivenNumbers | FieldInput;

/** A field of one sample. */
interface Made {
  readonly data: Numbers;
  readonly shape: Shape;
}

/** A field of one sample in the dtype and shape that it had, where nothing says otherwise. */
function inputOf(name: string, given: MappedField, before: Field | undefined): Made {
  const isAlone = typeof given === 'number';
  const raw = isAlone ? [given] : isNumbers(given) ? given : given?.data;
  const data = numbersIn('map', name, raw, Array.isArray(raw) ? before?.dtype : undefined);
  const kept = before && sizeOf(before.shape) === data.length ? before.shape : isAlone ? [] : [data.length];
  return { data, shape: (given as Partial<FieldInput>)?.shape ?? kept };
}

/**
 * A set of what a function makes of each sample: `map(set, ({ x, label }) => ({ x: x.map(Math.log), label }))`. A field
 * keeps its shape where it has as many numbers as before, and its scale where it is of the same dtype; plain numbers are
 * put into its dtype. `{ data, shape }` says another shape.
 * @param f of a sample's numbers by field, in arrays of its own, and the sample's number
 * @throws ShapeError if samples differ in their fields; DataError for numbers that the dtype does not hold
 */
export function map<F extends string, const T extends Readonly<Record<string, MappedField>>>(
  set: Dataset<F>,
  f: (sample: { readonly [name in F]: Numbers }, index: number) => T,
): Dataset<NamesIn<keyof T & string>>;
export function map(
  set: Dataset,
  f: (sample: Readonly<Record<string, Numbers>>, index: number) => Readonly<Record<string, MappedField>>,
): Dataset {
  requireSet('map', set);
  requireKind('map', 'what is to be done', f, typeof f === 'function', 'a function of a sample that gives a sample');
  const { length, fields } = set;
  const made = (index: number): Readonly<Record<string, Made>> => {
    const sample = Object.entries(fields).map(
      ([name, field]) => [name, samplesFrom(field, index, index + 1).slice()] as const,
    );
    const given = f(Object.fromEntries(sample), index);
    requireKind('map', `sample ${index}`, given, given?.constructor === Object, 'an object of numbers by field');
    return Object.fromEntries(Object.entries(given).map(([name, field]) => [name, inputOf(name, field, fields[name])]));
  };
  const first = made(0);
  const { fields: form } = dataset(first);
  const columns = Object.fromEntries(
    Object.entries(form).map(([name, { data, shape, dtype }]) => {
      return [name, { data: allocate({ shape: [length * data.length], dtype }), shape }] as const;
    }),
  );
  for (let index = 0; index < length; index++) {
    const sample = index > 0 ? made(index) : first;
    for (const name in { ...first, ...sample }) {
      const [all, own] = [first[name]?.data.length, sample[name]?.data.length];
      if (all !== own) {
        throw new ShapeError(
          `[map] field "${name}" has ${own ?? 'no'} numbers in sample ${index} but ${all ?? 'no'} in the first: give all samples the same fields, each of one size`,
        );
      }
      columns[name].data.set(numbersIn('map', name, sample[name].data, form[name].dtype), index * own);
    }
  }
  return seenAs(fields, dataset(columns));
}

/** Fields as they were seen before, where they have the dtype that they had. */
const seenAs = (before: Dataset['fields'], { length, fields }: Dataset): Dataset => ({
  length,
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const { data, shape, dtype } = field;
      const { stride: _, ...seen } = before[name] ?? field;
      return [name, seen.dtype === dtype ? { ...seen, data, shape } : field];
    }),
  ),
});
