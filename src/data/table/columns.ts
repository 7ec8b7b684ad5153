import { DataError, FormatError } from '../../core/errors.ts';
import { writtenOf, type Table, type TableRow } from './table.ts';
import { absenceIn } from './missingValues.ts';
import { isFigure, isMeantAsNumbers, isMissingNumber, isNumber, numberOf } from './cells.ts';
import { bothReadings, isGrouped, plainNumber, readsAsNumber, type Decimal } from './decimals.ts';
import { quotedList } from '../../core/textFormat.ts';

/** The place of a column, if there is one. */
export function placeOf({ columns }: Table, which: string | number): number | null {
  const named = columns.indexOf(String(which));
  if (named >= 0) return named;
  const number = Number(which);
  const at = number > 0 ? number - 1 : columns.length + number;
  return Number.isInteger(number) && number !== 0 && at >= 0 && at < columns.length ? at : null;
}

/**
 * The place of a column.
 * @param which its name, or its number: 1 is the first, −1 the last   @throws DataError if there is none
 */
export function columnAt(table: Table, which: string | number): number {
  const at = placeOf(table, which);
  if (at !== null) return at;
  const { name, columns } = table;
  throw new DataError(
    `[table] ${name} has no column "${which}": name one of ${quotedList(columns)}, or give its number, 1 … ${columns.length}`,
  );
}

/** Whether the numbers of a column can be read in two ways. */
export const isOpen = ({ writings }: Table, at: number): boolean => writings?.[at] === 'open';

/** The decimal sign that a column's form keeps for further rows, if its numbers are not plain or it was said. */
export function decimalOf({ writings, said, rows }: Table, at: number): { readonly decimal?: Decimal } {
  const writing = writings?.[at];
  if (writing === '.' || writing === ',') return { decimal: writing };
  const decimal = said?.decimal;
  const fits = (cell: string): boolean => !isNumber(cell) || plainNumber(cell, decimal!) !== null;
  return decimal && rows.every(({ cells }) => fits(cells[at])) ? { decimal } : {};
}

/** The same of a column of numbers, and whether that sign's other stands between thousands. */
export function writingOf(table: Table, at: number): { readonly decimal?: Decimal; readonly grouped?: boolean } {
  const written = decimalOf(table, at);
  const { decimal } = written;
  const grouped = decimal !== undefined && table.rows.some((row) => isGrouped(writtenOf(row)[at], decimal));
  return grouped ? { ...written, grouped } : written;
}

/**
 * The number of a cell of a numeric column, NaN where it is missing.
 * @throws FormatError if the cell is another text; DataError if the column's numbers can be read in two ways
 */
export function numberAt(table: Table, row: TableRow, at: number): number {
  const cell = row.cells[at];
  if (isMissingNumber(cell, table.said?.missing)) return NaN;
  if (isOpen(table, at)) throw ambiguous(table, at);
  const number = numberOf(cell);
  if (!Number.isNaN(number)) return number;
  const first = !table.header && row === table.rows[0];
  throw new FormatError(
    `[table] ${table.name}: line ${row.line} has "${cell}" in column "${table.columns[at]}", which holds numbers: mend the cell, empty it, ${first ? 'say that this line is a header, ' : ''}or drop the column`,
  );
}

/** By the first cell that is two numbers. */
function ambiguous({ name, columns, rows }: Table, at: number): DataError {
  const { line, cells } = rows.find((row) => bothReadings(row.cells[at]))!;
  const both = bothReadings(cells[at])!;
  return new DataError(
    `[table] ${name}: column "${columns[at]}" does not tell whether "${cells[at]}" on line ${line} is ${Number(both.point)} or ${Number(both.comma)}: say decimal (--decimal) "." for ${Number(both.point)}, or "," for ${Number(both.comma)}`,
  );
}

/**
 * What a column holds: numbers, if all its cells are that are not missing.
 * @throws FormatError naming the first cell that is no number where nearly all are: nobody would notice the loss
 */
export function kindOf(table: Table, at: number): 'number' | 'text' | 'empty' {
  const isAbsent = absenceIn(table, at);
  const present = table.rows.filter(({ cells }) => !isAbsent(cells[at]));
  if (present.length === 0) return 'empty';
  const holdsNumber = isOpen(table, at) ? readsAsNumber : isNumber;
  const numbers = present.filter(({ cells }) => holdsNumber(cells[at])).length;
  const meant = present.filter(({ cells }) => !isMissingNumber(cells[at], table.said?.missing)).length;
  if (!isMeantAsNumbers(numbers, meant)) return 'text';
  if (numbers < meant) for (const row of present) numberAt(table, row, at);
  return 'number';
}

/** What to say of a column of texts, taken for categories or classes, that looks like a quantity. */
export function figureNotes(table: Table, at: number, as: 'categories' | 'classes'): string[] {
  const isAbsent = absenceIn(table, at);
  const texts = table.rows.flatMap((row) => (isAbsent(row.cells[at]) ? [] : [writtenOf(row)[at].trim()]));
  if (2 * texts.filter(isFigure).length < texts.length) return [];
  const other = texts.find((text) => !readsAsNumber(text));
  return other === undefined ? [] : [`Took "${table.columns[at]}" for ${as}: "${other}" is no number.`];
}
