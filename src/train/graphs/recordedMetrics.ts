import { sizeOf, type Numbers } from '../../core/shape.ts';
import { quotedList } from '../../core/textFormat.ts';
import { interpret } from '../../cpu/interpret.ts';
import type { Graph, Value } from '../../graph/graph.ts';
import { input } from '../../graph/leaf.ts';
import type { Measures } from '../../nn/losses.ts';
import type { Metric } from '../../nn/metric.ts';
import { asMean, separate, type Separated } from '../../transform/separateSums.ts';

/*
 * A figure is recorded for each batch, part of a step or step, and reported for all of them together: what is recorded
 * is chosen such that the whole is known from it, whatever the batches were.
 */

/** Numbers of some samples that can be brought together with those of others, in f64. */
export interface Amount {
  readonly samples: number;
  readonly numbers: Float64Array;
}

/** What is recorded of a figure, and what becomes of it. */
export interface Tally {
  /** Numbers that are recorded. */
  readonly width: number;
  /** What was recorded, as it can be merged. */
  amount(recorded: Numbers, samples: number): Amount;
  merge(a: Amount, b: Amount): Amount;
  finish(amount: Amount): number;
}

const added = (a: Amount, b: Amount): Amount => ({
  samples: a.samples + b.samples,
  numbers: a.numbers.map((x, at) => x + b.numbers[at]),
});

/** Of a mean over the samples. @param elements what has been added up, in place of a mean: so many numbers */
export const meanTally = (elements = 1): Tally => ({
  width: 1,
  amount: ([x], samples) => ({ samples, numbers: Float64Array.of((x / elements) * samples) }),
  merge: added,
  finish: ({ samples, numbers: [total] }) => total / samples,
});

/** How two numbers of each kind come together, those of means as often as they have samples. */
const mergers = {
  sum: (a: number, b: number) => a + b,
  mean: (a: number, b: number) => a + b,
  fixed: (a: number, b: number) => a + b,
  max: Math.max,
  min: Math.min,
} as const;

/**
 * Of a function of sums, means and extremes, which is computed anew from what they come to.
 * @param wholeOf the same figure of another number of samples
 */
function termsTally({ terms, counts, ...own }: Separated, wholeOf: (n: number) => Separated): Tally {
  const inputs = terms.map(({ value: { spec } }, at) => input(String(at), spec));
  const graphs = new Map<number, Graph>();
  // One for all numbers of samples, unless they are counted in it.
  const graphOf = (n: number): Graph => {
    const key = counts ? n : 0;
    const graph = graphs.get(key) ?? { outputs: { figure: (counts ? wholeOf(n) : own).finish(inputs) }, writes: [] };
    graphs.set(key, graph);
    return graph;
  };
  const sizes = terms.map(({ value: { spec } }) => sizeOf(spec.shape));
  const kinds = terms.flatMap(({ kind }, at) => Array.from({ length: sizes[at] }, () => kind));
  const times = (at: number, samples: number): number => (kinds[at] === 'mean' || kinds[at] === 'fixed' ? samples : 1);
  return {
    width: kinds.length,
    amount: (recorded, samples) => ({
      samples,
      numbers: Float64Array.from(recorded, (x, at) => x * times(at, samples)),
    }),
    merge: (a, b) => ({
      samples: a.samples + b.samples,
      numbers: a.numbers.map((x, at) => mergers[kinds[at]](x, b.numbers[at])),
    }),
    finish({ samples, numbers }) {
      const whole = numbers.map((x, at) => x / times(at, samples));
      let end = 0;
      const batch = Object.fromEntries(sizes.map((size, at) => [at, whole.subarray(end, (end += size))]));
      return interpret(graphOf(samples), { batch, precision: 'f64' }).outputs['figure'][0];
    },
  };
}

const metricTally = ({ values, merge, finish }: Metric): Tally => ({
  width: values.reduce((total, { spec }) => total + sizeOf(spec.shape), 0),
  amount: (recorded, samples) => ({ samples, numbers: Float64Array.from(recorded) }),
  merge: (a, b) => ({ samples: a.samples + b.samples, numbers: merge(a.numbers, b.numbers) }),
  finish: ({ numbers }) => finish(numbers),
});

/** A loss or metric in a graph, as it is to be recorded. */
export interface Measured {
  readonly name: string;
  readonly tally: Tally;
  /** Of a mean over the samples: the value whose elements are averaged. */
  readonly mean: Value | null;
  /** Else what is recorded number by number. */
  readonly values: readonly Value[];
  /** What it is a function of. Null if it says itself how it comes together. */
  readonly separated: Separated | null;
}

const isMetric = (measure: Value | Metric): measure is Metric => 'finish' in measure;

/** Loss and metrics of so many samples, only traced; null if the model does not take as many. */
type Trace = (n: number) => Measures | null;

/** More samples than n, as many as a model takes: it may be made for pairs. */
const twinOf = (trace: Trace, n: number): Measures | null => trace(n + 1) ?? trace(2 * n) ?? trace(3 * n);

/** @param measures of n samples */
export function measured(measures: Measures, trace: Trace, n: number): Measured[] {
  const twin = twinOf(trace, n);
  return Object.entries(measures).map(([name, measure]) => {
    if (isMetric(measure)) {
      return { name, tally: metricTally(measure), mean: null, values: measure.values, separated: null };
    }
    const separated = separatedBy(measure, twin?.[name]);
    const { terms, isMean } = separated;
    if (isMean) return { name, tally: meanTally(), mean: measure, values: [], separated };
    const tally = termsTally(separated, (other) => figureOf(name, trace, other) ?? separated);
    return { name, tally, mean: null, values: terms.map(({ value }) => value), separated };
  });
}

const separatedBy = (measure: Value, twin: Value | Metric | undefined): Separated =>
  twin && !isMetric(twin) ? separate(measure, twin) : asMean(measure);

/** A figure by its name, traced with so many samples; null if the model does not take as many. */
export function figureOf(name: string, trace: Trace, n: number): Separated | null {
  const measure = trace(n)?.[name];
  return measure && !isMetric(measure) ? separatedBy(measure, twinOf(trace, n)?.[name]) : null;
}

/** Where a figure stands in a row of the ring. */
export interface Figure {
  readonly name: string;
  readonly tally: Tally;
  readonly column: number;
  /** From the columns of one part of a step to those of the next; null where the parts add up in one column. */
  readonly stride: number | null;
}

/** What a row of the ring holds of a figure. @param parts samples of each part of the step */
export function amountIn({ tally, column, stride }: Figure, row: Numbers, parts: readonly number[]): Amount {
  const at = (part: number): Numbers => row.subarray(column + part * (stride ?? 0)).subarray(0, tally.width);
  if (stride === null)
    return tally.amount(
      at(0),
      parts.reduce((total, samples) => total + samples, 0),
    );
  return parts.map((samples, part) => tally.amount(at(part), samples)).reduce(tally.merge);
}

/** Amounts by figure, with those of further samples. */
export const together = (
  figures: readonly Figure[],
  before: readonly Amount[] | undefined,
  more: readonly Amount[],
): readonly Amount[] => (before ? figures.map(({ tally }, at) => tally.merge(before[at], more[at])) : more);

/** The figures that are NaN though all that they are made of is sound, and some of it 0: there was nothing to divide by. */
export const namesOfNothing = (figures: readonly Figure[], amounts: readonly Amount[]): string[] =>
  figures.flatMap(({ name, tally }, at) => {
    const { numbers } = amounts[at];
    const isNothing = numbers.every((x) => !Number.isNaN(x)) && numbers.some((x) => x === 0);
    return isNothing && Number.isNaN(tally.finish(amounts[at])) ? name : [];
  });

/** Before `of the … counts`. */
export const nothingCounts = (names: readonly string[]): string =>
  `${quotedList(names)} ${names.length === 1 ? 'is' : 'are'} NaN, as where every label is ignored or every weight is 0: nothing`;
