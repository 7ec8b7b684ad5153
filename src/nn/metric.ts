import { DataError, ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import { formatSpec, sizeOf } from '../core/shape.ts';
import { specOf, type Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { sum } from '../ops/reductions/sum.ts';

/** A metric that says itself how the numbers of several batches come together; made by `metric`. */
export interface Metric {
  /** What is read of each batch, one number behind the other. */
  readonly values: readonly Value[];
  merge(a: Float64Array, b: Float64Array): Float64Array;
  finish(numbers: Float64Array): number;
}

/** The sums of a metric, and what they come to. */
export interface MetricOptions<K extends string> {
  /** Of a batch: f32 of any shape, of which the sum is taken, or a number that is known while tracing. */
  readonly sums: Readonly<Record<K, Value | number>>;
  /** What two batches' numbers make together; each is added to its like if it is left out. */
  readonly merge?: (a: Readonly<Record<K, number>>, b: Readonly<Record<K, number>>) => Readonly<Record<K, number>>;
  /** The metric, from the numbers of all samples. */
  readonly finish: (sums: Readonly<Record<K, number>>) => number;
}

/**
 * A metric by sums over samples, which are added up over batches, parts and steps in f64, and a function of what they
 * come to: `metric({ sums: { hits, tries }, finish: ({ hits, tries }) => hits / tries })`.
 * @throws ShapeError if a sum is not f32; when it is reported, DataError if `merge` or `finish` give no numbers
 */
export function metric<K extends string>(options: MetricOptions<K>): Metric {
  const defaults = { sums: undefined, merge: undefined, finish: undefined };
  const { sums, merge, finish } = optionsOf<MetricOptions<K>, typeof defaults>('metric', options, defaults);
  const areNamed = sums instanceof Object && !Array.isArray(sums) && Object.keys(sums).length > 0;
  requireKind('metric', 'sums', sums, areNamed, 'values by name');
  for (const [name, given] of Object.entries({ finish, merge: merge ?? finish })) {
    requireKind('metric', name, given, typeof given === 'function', 'a function of the sums');
  }
  const names = Object.keys(sums) as K[];
  const named = (numbers: Float64Array): Record<K, number> =>
    Object.fromEntries(names.map((name, at) => [name, numbers[at]])) as Record<K, number>;
  return {
    values: names.map((name) => sumOf(name, sums[name])),
    merge(a, b) {
      if (!merge) return a.map((x, at) => x + b[at]);
      const merged = merge(named(a), named(b));
      return Float64Array.from(names, (name) => number('merge', merged?.[name]));
    },
    finish: (numbers) => number('finish', finish(named(numbers))),
  };
}

/** @throws DataError for what is no number, NaN being one */
function number(from: string, given: unknown): number {
  if (typeof given === 'number') return given;
  throw new DataError(
    `[metric] ${from} gave ${String(given)} but must give ${from === 'merge' ? 'numbers, by the names of the sums' : 'a number'}`,
  );
}

function sumOf(name: string, given: Value | number): Value {
  if (typeof given === 'number') return scalar(given);
  const { shape, dtype } = specOf('metric', `sum "${name}"`, given);
  if (dtype !== 'f32') {
    throw new ShapeError(`[metric] sum "${name}" is ${formatSpec({ shape, dtype })} but must be f32: cast it`);
  }
  return sizeOf(shape) === 1 ? given : sum(given);
}

/** A number that is known while tracing, as a value `[]`. */
export const scalar = (x: number): Value<'f32'> => constant(Float32Array.of(x), { shape: [], dtype: 'f32' });
