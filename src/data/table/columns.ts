import { DataError, FormatError } from '../../core/errors.ts';
import type { Table, TableRow } from './table.ts';
import { isMissing, isMissingNumber, isNumber, numberOf } from './cells.ts';
import { quotedList } from '../../core/wording.ts';

/** A column of which so many cells are numbers was meant to hold numbers. */
const MEANT_AS_NUMBERS = 0.9;

/**
 * The place of a column.
 * @param which its name, or its number: 1 is the first, −1 the last   @throws DataError if there is none
 */
export function columnAt(table: Table, which: string | number): number {
  const { columns } = table;
  const named = columns.indexOf(String(which));
  if (named >= 0) return named;
  const number = Number(which);
  const at = number > 0 ? number - 1 : columns.length + number;
  if (Number.isInteger(number) && number !== 0 && at >= 0 && at < columns.length) return at;
  throw new DataError(
    `[table] ${table.name} has no column "${which}": name one of ${quotedList(columns)}, or give its number, 1 … ${columns.length}`,
  );
}

/** The number of a cell of a numeric column, NaN where it is missing. @throws FormatError if the cell is another text */
export function numberAt(table: Table, row: TableRow, at: number): number {
  const cell = row.cells[at];
  const number = numberOf(cell);
  if (!Number.isNaN(number) || isMissingNumber(cell)) return number;
  const first = !table.header && row === table.rows[0];
  throw new FormatError(
    `[table] ${table.name}: line ${row.line} has "${cell}" in column "${table.columns[at]}", which holds numbers: mend the cell, empty it, ${first ? 'say that this line is a header, ' : ''}or drop the column`,
  );
}

/**
 * What a column holds: numbers, if all its cells are that are not missing.
 * @throws FormatError naming the first cell that is no number where nearly all are: nobody would notice the loss
 */
export function kindOf(table: Table, at: number): 'number' | 'text' | 'empty' {
  const present = table.rows.filter(({ cells }) => !isMissing(cells[at]));
  if (present.length === 0) return 'empty';
  const numbers = present.filter(({ cells }) => isNumber(cells[at])).length;
  const meant = present.filter(({ cells }) => !isMissingNumber(cells[at])).length;
  if (numbers === 0 || numbers < MEANT_AS_NUMBERS * meant) return 'text';
  if (numbers < meant) for (const row of present) numberAt(table, row, at);
  return 'number';
}
