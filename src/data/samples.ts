import { DataError, ShapeError } from '../core/errors.ts';
import { requireKind } from '../core/argumentChecks.ts';
import { allocate, formatSpec, sizeOf } from '../core/shape.ts';
import { apart, samplesFrom } from './sampleLayout.ts';
import { defaultScale, requireSet, type Dataset, type Field, type Scale } from './dataset.ts';

/* Other samples with the same fields. A field is seen as it was in the whole, however dark a part may be. */

const eachField = ({ fields }: Dataset, f: (field: Field, name: string) => Field): Dataset['fields'] =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, f(field, name)]));

const isPlace = (at: number): boolean => Number.isInteger(at) || at === Infinity;

/** The samples from `start` up to `end`, as `slice` of an array, without copying. @throws DataError if there are none */
export function take<F extends string>(set: Dataset<F>, start: number, end?: number): Dataset<F>;
export function take(set: Dataset, start: number, end = Infinity): Dataset {
  requireSet('take', set);
  const { length } = set;
  requireKind('take', 'start', start, isPlace(start) && start >= 0, 'a whole number from 0 on');
  requireKind('take', 'end', end, isPlace(end), 'a whole number');
  const to = Math.min(end, length);
  if (start >= to) {
    throw new DataError(
      `[take] ${start} … ${to} selects none of ${length} samples: give a start below ${length} and an end above it`,
    );
  }
  const cut = (field: Field): Field => ({ ...field, data: samplesFrom(field, start, to) });
  return { length: to - start, fields: eachField(set, cut) };
}

/**
 * Samples by their numbers, in that order, copied; one that is named twice is there twice.
 * @throws DataError for a number that is none of the set's
 */
export function rows<F extends string>(set: Dataset<F>, indices: ArrayLike<number>): Dataset<F>;
export function rows(set: Dataset, indices: ArrayLike<number>): Dataset {
  requireSet('rows', set);
  const isList = typeof indices === 'object' && indices?.length > 0;
  requireKind('rows', 'the list', indices, isList, 'an array of at least one sample number');
  const { length } = set;
  const wrong = Array.from(indices).findIndex((index) => !(Number.isInteger(index) && index >= 0 && index < length));
  requireKind('rows', `indices[${wrong}]`, indices[wrong], wrong < 0, `a whole number from 0 to ${length - 1}`);
  const gathered = (field: Field): Field => {
    const { stride: _, ...own } = field;
    const size = sizeOf(field.shape);
    const data = allocate({ shape: [indices.length * size], dtype: field.dtype });
    for (let row = 0; row < indices.length; row++) {
      data.set(samplesFrom(field, indices[row], indices[row] + 1), row * size);
    }
    return { ...own, data };
  };
  return { length: indices.length, fields: eachField(set, gathered) };
}

/** How a field is kept and seen, for comparing and for messages. */
const formOf = (field: Field | undefined, scale: Scale | null | undefined): string =>
  field ? `${formatSpec(field)}${scale ? `, scaled by ${scale.scale} + ${scale.offset}` : ''}` : 'missing';

/** One field of several sets. */
function joined(name: string, parts: readonly Field[]): Field {
  const asked = parts.find((part) => part && !part.byDefault);
  const forms = parts.map((part) => formOf(part, part?.byDefault ? asked?.scale : part?.scale));
  const other = forms.findIndex((form) => form !== forms[0]);
  if (other > 0) {
    throw new ShapeError(
      `[concat] field "${name}" is ${forms[0]} in the first set but ${forms[other]} in set ${other + 1}: give sets of the same fields, each of one shape, dtype and scale`,
    );
  }
  const [{ shape, dtype, scale }] = parts;
  const numbers = parts.map(apart);
  const data = allocate({ shape: [numbers.reduce((total, { length }) => total + length, 0)], dtype });
  numbers.reduce((at, part) => (data.set(part, at), at + part.length), 0);
  if (asked) return { data, shape, dtype, scale: asked.scale };
  const isOne = parts.every((part) => part.scale?.scale === scale?.scale);
  return { data, shape, dtype, scale: isOne ? scale : defaultScale(data), byDefault: true };
}

/**
 * The samples of several sets one behind the other, copied. A scale that nobody asked for gives way to one that somebody
 * did, and is else what it is of all the samples.
 * @throws ShapeError naming a field that is not everywhere of one shape, dtype and scale
 */
export function concat<F extends string>(...sets: readonly [Dataset<F>, ...Dataset<NoInfer<F>>[]]): Dataset<F>;
export function concat(...sets: readonly [Dataset, ...Dataset[]]): Dataset {
  for (const set of sets.length > 0 ? sets : [undefined]) requireSet('concat', set);
  const names = new Set(sets.flatMap(({ fields }) => Object.keys(fields)));
  const ofEach = (name: string): Field[] => sets.map(({ fields }) => fields[name]);
  return {
    length: sets.reduce((total, { length }) => total + length, 0),
    fields: Object.fromEntries(Array.from(names, (name) => [name, joined(name, ofEach(name))])),
  };
}
