import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { DataError, FormatError } from '../../core/errors.ts';
import { counted } from '../../core/textFormat.ts';
import type { Dataset } from '../dataset.ts';
import { isNumbers } from '../numbers.ts';
import { columnAt } from '../table/columns.ts';
import { readNumberForm, type NumberForm } from '../table/form.ts';
import { requireTable, type Table } from '../table/table.ts';
import { columnsOf, seriesIn, stepsIn, type Series } from './series.ts';
import { isSteps, requireSteps, windows } from './windows.ts';

/** What `prepareSeries` may be told. */
export interface PrepareSeriesOptions {
  /** Steps that a model sees: 24. */
  readonly length?: number | undefined;
  /** Steps behind them that it is to tell: 12. */
  readonly horizon?: number | undefined;
  /** The column to be told, by name or number (1 is the first, −1 the last): the last one. */
  readonly target?: string | number | undefined;
  /** Columns to leave out, by name or number. */
  readonly drop?: readonly (string | number)[] | undefined;
  /** The share of the steps that is kept from training, the last ones, in whole horizons: 0.2. */
  readonly heldOut?: number | undefined;
}

/** All that is needed to see further steps as a model saw those that it learned from. Plain data, as JSON. */
export interface SeriesForm {
  readonly length: number;
  readonly horizon: number;
  /** What a step has, standardised by the training part. */
  readonly columns: readonly NumberForm[];
  /** The one that is told. */
  readonly target: string;
}

/** A table as a series to forecast. */
export interface PreparedSeries {
  /** All windows of the training part: fields `x` `[length, C]` and `target` `[horizon, 1]`, standardised. */
  readonly train: Dataset<'x' | 'target'>;
  /** Windows that tell each step that is held out once, of what went before. */
  readonly test: Dataset<'x' | 'target'>;
  readonly form: SeriesForm;
  /** The number of steps, 1 … length, that tell the training part best if they repeat themselves: 12 of a year by months. */
  readonly season: number;
  /** What was left out, in plain sentences. */
  readonly notes: readonly string[];
}

/**
 * Makes a series to forecast of a table whose rows follow each other evenly in time, the first one first. The last part is
 * held out, and whatever is learned of the rows, as means, is learned of those before.
 * @throws DataError for a series too short for its windows, FormatError for gaps and texts
 */
export function prepareSeries(table: Table, said?: PrepareSeriesOptions): PreparedSeries {
  requireTable('prepareSeries', table);
  const usual = { length: 24, horizon: 12, target: -1, drop: [], heldOut: 0.2 };
  const options = optionsOf<PrepareSeriesOptions, typeof usual>('prepareSeries', said, usual);
  const { length, horizon, heldOut } = options;
  requireSteps('prepareSeries', { length, horizon });
  const isShare = typeof heldOut === 'number' && heldOut > 0 && heldOut < 1;
  requireKind('prepareSeries', 'heldOut', heldOut, isShare, 'a share between 0 and 1');
  const steps = table.rows.length;
  const told = Math.max(1, Math.round((heldOut * steps) / horizon)) * horizon;
  if (steps - told < length + horizon) {
    throw new DataError(
      `[series] ${table.name} has ${counted(steps, 'step')}, but ${told} are to be held out, and of those before a window takes ${length} to see and ${horizon} to tell: give a longer series, or a smaller length or horizon`,
    );
  }
  const training = table.rows.slice(0, steps - told);
  const { forms, places, notes } = columnsOf(table, training, options.drop);
  const target = table.columns[columnAt(table, options.target)];
  if (!forms.some(({ name }) => name === target)) {
    throw new DataError(
      `[series] ${table.name}: "${target}" is to be told, but it is no column of numbers that vary: name another target`,
    );
  }
  const series = seriesIn(table, { forms, places });
  const cut = (part: Series, stride: number) => windows(part, { length, horizon, stride, targets: [target] });
  const train = cut(stepsIn(series, 0, steps - told), 1);
  return {
    train,
    test: cut(stepsIn(series, steps - told - length, steps), horizon),
    form: { length, horizon, columns: forms, target },
    season: seasonOf(train, series.columns.indexOf(target)),
    notes: [...(table.notes ?? []), ...notes],
  };
}

/** The number of steps, up to those of a window, that tell what follows best if they repeat themselves. */
function seasonOf({ fields, length: count }: Dataset<'x' | 'target'>, place: number): number {
  const [x, target] = [fields.x, fields.target];
  const [[length, width], [horizon]] = [x.shape, target.shape];
  const errorOf = (season: number): number => {
    let squares = 0;
    for (let at = 0; at < count * horizon; at++) {
      const [window, step] = [Math.floor(at / horizon), at % horizon];
      const seen = window * length + length - season + (step % season);
      squares += (target.data[at] - x.data[seen * width + place]) ** 2;
    }
    return squares;
  };
  const errors = Array.from({ length }, (_, at) => errorOf(at + 1));
  return 1 + errors.indexOf(Math.min(...errors));
}

/** The last window of a table, to forecast what follows it: field `x` `[length, C]`. @throws DataError if it is too short */
export function lastWindow(form: SeriesForm, table: Table): Dataset<'x'> {
  requireSeriesForm('lastWindow', form);
  requireTable('lastWindow', table);
  const places = form.columns.map(({ name }) => columnAt(table, name));
  const rows = table.rows.slice(-form.length);
  if (rows.length < form.length) {
    throw new DataError(
      `[series] ${table.name} has ${rows.length} steps but the model sees ${form.length}: give as many as that at least`,
    );
  }
  const { data } = seriesIn({ ...table, rows }, { forms: form.columns, places });
  return { length: 1, fields: { x: { data, shape: [form.length, places.length], dtype: 'f32', scale: null } } };
}

/**
 * Forecasts in the target's own unit.
 * @param outputs standardised, as a model gives them
 */
export function forecastsOf(form: SeriesForm, outputs: ArrayLike<number>): number[] {
  requireSeriesForm('forecastsOf', form);
  requireKind('forecastsOf', 'what is given', outputs, isNumbers(outputs), 'numbers, as those of prediction.data');
  const { mean, deviation } = form.columns.find(({ name }) => name === form.target)!;
  return Array.from(outputs, (number) => mean + deviation * number);
}

/** @throws DataError for what is no form */
function requireSeriesForm(where: string, given: unknown): void {
  const { columns, target, length, horizon } = Object(given) as Partial<SeriesForm>;
  const has = Array.isArray(columns) && columns.some(({ name }: NumberForm) => name === target);
  const isForm = has && [length, horizon].every(isSteps);
  requireKind(where, 'the form', given, isForm, 'that of prepareSeries(…).form, or of readSeriesForm');
}

/** Checks what was read back from JSON. @throws FormatError naming what is missing */
export function readSeriesForm(given: unknown): SeriesForm {
  const { length, horizon, columns, target } = Object(given) as Partial<SeriesForm>;
  if (![length, horizon].every(isSteps)) throw lacks('length and horizon, whole numbers of steps');
  if (!Array.isArray(columns) || columns.length === 0) throw lacks('columns, a list of those that a model sees');
  const forms = columns.map(readNumberForm);
  if (!forms.some(({ name }) => name === target)) throw lacks('the target, the name of one of its columns');
  return { length: length!, horizon: horizon!, columns: forms, target: target! };
}

const lacks = (what: string): FormatError =>
  new FormatError(`[series] the description of a series lacks ${what}: prepare the series and train again`);
