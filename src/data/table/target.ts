import { DataError } from '../../core/errors.ts';
import type { Table, TableRow } from './table.ts';
import { isMissing, isMissingNumber, numberOf } from './cells.ts';
import { columnAt, kindOf, numberAt } from './columns.ts';
import type { TargetForm } from './form.ts';
import { meanAndDeviation } from './statistics.ts';

export type Task = 'classification' | 'regression';

/** More different numbers than these are a quantity. */
const MOST_NUMBERED_CLASSES = 10;
/** So many rows a class has on average, if numbers are to be classes. */
const ROWS_PER_NUMBERED_CLASS = 5;
/** With fewer rows a class on average, texts are names. */
const ROWS_PER_CLASS = 2;

/** The column that a model is to tell from the others. */
export interface TargetColumn {
  readonly at: number;
  readonly name: string;
  readonly task: Task;
  /** Those where the target is not missing. */
  readonly rows: readonly TableRow[];
  /** Sorted; none for a regression. */
  readonly classes: readonly string[];
}

/** Where the target stands: at the place named, or in the last column that is not empty. */
function targetAt(table: Table, which: string | number | undefined): number {
  if (which !== undefined) return columnAt(table, which);
  const at = table.columns.findLastIndex((_, column) => table.rows.some(({ cells }) => !isMissing(cells[column])));
  return at < 0 ? table.columns.length - 1 : at;
}

/** The class that a cell names: a number by its value, so that 1 and 1.0 are one class. */
export function className(cell: string): string {
  const number = numberOf(cell);
  return Number.isNaN(number) ? cell.trim() : String(number);
}

const bySize = (a: string, b: string): number => numberOf(a) - numberOf(b) || (a < b ? -1 : 1);

/**
 * The target of a table. It holds classes if it is text, if it has two different values, or if it is whole numbers from 0
 * or 1 on, at most 10 different ones with 5 rows each on average; else it is a quantity. `task` overrules this.
 * @throws DataError if there is no such column, or nothing to learn in it
 */
export function targetOf(table: Table, which: string | number | undefined, task: Task | undefined): TargetColumn {
  const at = targetAt(table, which);
  const name = table.columns[at];
  const where = `[table] ${table.name}: the target "${name}"`;
  const kind = kindOf(table, at);
  if (kind === 'empty') throw new DataError(`${where} is empty: name another column as the target`);
  const lacks = kind === 'number' ? isMissingNumber : isMissing;
  const rows = table.rows.filter(({ cells }) => !lacks(cells[at]));
  const values = [...new Set(rows.map(({ cells }) => className(cells[at])))];
  if (values.length === 1) {
    throw new DataError(`${where} is ${values[0]} in every row, so there is nothing to learn: name another target`);
  }
  const told: Task = kind === 'text' || holdsClasses(values, rows.length) ? 'classification' : 'regression';
  if (task === 'regression' && kind === 'text') {
    throw new DataError(`${where} is text, as "${values[0]}", which no regression can tell: use classification`);
  }
  if ((task ?? told) === 'regression') return { at, name, task: 'regression', rows, classes: [] };
  if (values.length * ROWS_PER_CLASS > rows.length) {
    throw new DataError(
      `${where} has ${values.length} different values in ${rows.length} rows, too many to be classes: name another column as the target`,
    );
  }
  return { at, name, task: 'classification', rows, classes: values.sort(bySize) };
}

function holdsClasses(values: readonly string[], rows: number): boolean {
  if (values.length === 2) return true;
  const numbers = values.map(Number);
  const least = Math.min(...numbers.slice(0, MOST_NUMBERED_CLASSES));
  return (
    numbers.length <= MOST_NUMBERED_CLASSES &&
    rows >= ROWS_PER_NUMBERED_CLASS * numbers.length &&
    numbers.every(Number.isInteger) &&
    (least === 0 || least === 1)
  );
}

/** How the target is told to a model, by the training rows. */
export function targetForm(
  table: Table,
  { at, name, task, classes }: TargetColumn,
  training: readonly TableRow[],
): TargetForm {
  if (task === 'classification') return { kind: 'class', name, classes };
  const { mean, deviation } = meanAndDeviation(training.map((row) => numberAt(table, row, at)));
  if (deviation > 0) return { kind: 'number', name, mean, deviation };
  throw new DataError(
    `[table] ${table.name}: the target "${name}" is ${mean} in every training row: more rows are needed, or another seed`,
  );
}
