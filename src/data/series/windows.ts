import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import { counted, quotedList } from '../../core/textFormat.ts';
import { dataset, type Dataset } from '../dataset.ts';
import { isNumbers } from '../numbers.ts';
import type { Series } from './series.ts';

/** What `windows` may be told. */
export interface WindowsOptions {
  /** Steps that a model sees. */
  readonly length: number;
  /** Steps behind them that it is to tell. */
  readonly horizon: number;
  /** Steps from one window to the next: 1. */
  readonly stride?: number;
  /** The columns that are to be told: all. */
  readonly targets?: readonly string[];
}

/**
 * Windows over a series, in its order: fields `x` `[length, C]`, and `target` `[horizon, K]`, the target columns of the
 * steps behind it. They overlap, so a series is parted in time before its windows are cut, as `prepareSeries` does.
 * @throws DataError for a series shorter than a window, and for options that are none
 */
export function windows(series: Series, options: WindowsOptions): Dataset<'x' | 'target'> {
  requireSeries(series);
  const { columns, data } = series;
  const usual = { length: undefined, horizon: undefined, stride: 1, targets: columns };
  const { length, horizon, stride, targets } = optionsOf<WindowsOptions, typeof usual>('windows', options, usual);
  requireSteps('windows', { length, horizon, stride });
  const places = targets.map((name) => columns.indexOf(name));
  const areColumns = places.length > 0 && !places.includes(-1);
  requireKind('windows', 'targets', targets, areColumns, `names of columns, of ${quotedList(columns)}`);
  const width = columns.length;
  const steps = data.length / width;
  requireWhole(steps, length, horizon);
  const count = Math.floor((steps - length - horizon) / stride) + 1;
  const x = new Float32Array(count * length * width);
  const target = new Float32Array(count * horizon * places.length);
  for (let at = 0; at < count; at++) {
    const [start, end] = [at * stride, at * stride + length];
    x.set(data.subarray(start * width, end * width), at * length * width);
    for (let step = 0; step < horizon; step++) {
      places.forEach((place, k) => {
        target[(at * horizon + step) * places.length + k] = data[(end + step) * width + place];
      });
    }
  }
  return dataset({ x: { data: x, shape: [length, width] }, target: { data: target, shape: [horizon, places.length] } });
}

/** @throws DataError for what is no series */
function requireSeries(given: Series): void {
  const { columns, data } = Object(given) as Partial<Series>;
  const are = Array.isArray(columns) && columns.length > 0 && isNumbers(data) && data.length % columns.length === 0;
  requireKind('windows', 'the series', given, are, 'names of columns and numbers, step by step: { columns, data }');
}

/** Whether something is a number of steps. */
export const isSteps = (given: unknown): given is number => Number.isSafeInteger(given) && (given as number) > 0;

/** @throws DataError for numbers of steps that are none */
export function requireSteps(where: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    requireKind(where, name, count, isSteps(count), 'a whole number of steps above 0');
  }
}

/** @throws DataError where not one window fits */
function requireWhole(steps: number, length: number, horizon: number): void {
  if (steps >= length + horizon) return;
  throw new DataError(
    `[windows] there are ${counted(steps, 'step')} but a window takes ${length} to see and ${horizon} to tell: give a longer series, or a smaller length or horizon`,
  );
}
