import { DataError, FormatError } from '../../core/errors.ts';
import { quotedList } from '../../core/textFormat.ts';
import { columnAt, numberAt } from '../table/columns.ts';
import { fitColumn } from '../table/features.ts';
import type { NumberForm } from '../table/form.ts';
import { writtenOf, type Table, type TableRow } from '../table/table.ts';

/** What is measured step after step, evenly in time: a number for each column. */
export interface Series {
  readonly columns: readonly string[];
  /** `[steps, columns]`, the first step first. */
  readonly data: Float32Array;
}

/** The columns of a table that are numbers, as a model is to see them. */
export interface SeriesColumns {
  readonly forms: readonly NumberForm[];
  /** Where they stand in the table. */
  readonly places: readonly number[];
  readonly notes: readonly string[];
}

/**
 * The columns of a series. Times, of which no two are alike, and counters are left out; mean and deviation are those of the
 * training rows.
 * @throws FormatError for texts that are no times, DataError where no numbers are left
 */
export function columnsOf(
  table: Table,
  training: readonly TableRow[],
  drop: readonly (string | number)[],
): SeriesColumns {
  const dropped = drop.map((which) => columnAt(table, which));
  const forms: NumberForm[] = [];
  const places: number[] = [];
  const notes: string[] = [];
  table.columns.forEach((name, at) => {
    if (dropped.includes(at)) return;
    const fitted = fitColumn(table, at, training, table.columns.length === 1);
    if (!fitted.form) notes.push(fitted.why);
    else if (fitted.form.kind === 'number') {
      forms.push(fitted.form);
      places.push(at);
    } else {
      const [{ line }] = table.rows;
      throw new FormatError(
        `[series] ${table.name}: column "${name}" holds texts, as "${writtenOf(table.rows[0])[at]}" on line ${line}: drop it, or write it as numbers`,
      );
    }
  });
  if (forms.length > 0) return { forms, places, notes };
  throw new DataError(
    `[series] ${table.name} has no column of numbers that vary among ${quotedList(table.columns)}: give one to forecast`,
  );
}

/** Standardised numbers of a table's rows. @throws FormatError for a cell without one */
export function seriesIn(table: Table, { forms, places }: Pick<SeriesColumns, 'forms' | 'places'>): Series {
  const data = new Float32Array(table.rows.length * forms.length);
  table.rows.forEach((row, step) =>
    forms.forEach(({ name, mean, deviation }, at) => {
      const number = numberAt(table, row, places[at]);
      if (Number.isNaN(number)) {
        throw new FormatError(
          `[series] ${table.name}: line ${row.line} has no number in column "${name}": steps follow evenly, so fill the gap, or drop the column`,
        );
      }
      data[step * forms.length + at] = (number - mean) / deviation;
    }),
  );
  return { columns: forms.map(({ name }) => name), data };
}

/** The steps from one on, up to another. */
export const stepsIn = ({ columns, data }: Series, start: number, end: number): Series => ({
  columns,
  data: data.slice(start * columns.length, end * columns.length),
});
