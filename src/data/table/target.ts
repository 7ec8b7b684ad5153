import { DataError } from '../../core/errors.ts';
import { writtenOf, type Table, type TableRow } from './table.ts';
import { absenceIn, absenceNotes, doubtfulWords } from './missingValues.ts';
import { isMissingNumber, numberOf } from './cells.ts';
import { classesOf, versionIn } from './classes.ts';
import { columnAt, decimalOf, figureNotes, isOpen, kindOf, numberAt, writingOf } from './columns.ts';
import type { ClassForm, TargetForm } from './form.ts';
import { meanAndDeviation } from './statistics.ts';
import { quotedList } from '../../core/textFormat.ts';

/** Whether classes are told apart or a number is estimated. */
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
  /** Whether their texts alone tell them. */
  readonly asWritten: boolean;
  /** What was made of them, in plain sentences. */
  readonly notes: readonly string[];
}

/** Where the target stands: at the place named, or in the last column that is not empty, or may not be. */
function targetAt(table: Table, which: string | number | undefined): number {
  if (which !== undefined) return columnAt(table, which);
  const at = table.columns.findLastIndex((_, column) => {
    const isAbsent = absenceIn(table, column);
    return table.rows.some(({ cells }) => !isAbsent(cells[column])) || doubtfulWords(table, column).length > 1;
  });
  return at < 0 ? table.columns.length - 1 : at;
}

/**
 * The target of a table. It holds classes if it is text, if it has two different values, if it is whole numbers from 0 or
 * 1 on, at most 10 different ones with 5 rows each on average, or numbers that begin with a 0 and come again as often;
 * else it is a quantity. `task` overrules this.
 * @throws DataError if there is no such column, or nothing to learn in it
 */
export function targetOf(table: Table, which: string | number | undefined, task: Task | undefined): TargetColumn {
  const at = targetAt(table, which);
  const name = table.columns[at];
  const where = `[table] ${table.name}: the target "${name}"`;
  const kind = kindOf(table, at);
  if (kind === 'empty') throw new DataError(`${where} ${emptiness(doubtfulWords(table, at))}`);
  const isAbsent = absenceIn(table, at);
  const words = table.said?.missing;
  const lacks = kind === 'number' ? (cell: string): boolean => isMissingNumber(cell, words) : isAbsent;
  const rows = table.rows.filter(({ cells }) => !lacks(cells[at]));
  const { names, asWritten, codes, notes } = classesOf(table, at, rows, kind === 'number' && !isOpen(table, at));
  if (names.length === 1) throw new DataError(`${where} ${sameness(names[0], doubtfulWords(table, at))}`);
  if (task === 'regression' && kind === 'text') {
    const text = writtenOf(rows[0])[at];
    throw new DataError(`${where} is text, as "${text}", which no regression can tell: use classification`);
  }
  const values = kind === 'text' ? [] : [...new Set(rows.map(({ cells }) => numberOf(cells[at])))];
  const coded = codes && rows.length >= ROWS_PER_NUMBERED_CLASS * names.length;
  const counts = names.length === 2 || holdsClasses(values, rows.length);
  const told: Task = kind === 'text' || counts || coded ? 'classification' : 'regression';
  const absent = absenceNotes(table, at);
  const figures = kind === 'text' ? figureNotes(table, at, 'classes') : [];
  if ((task ?? told) === 'regression') {
    const doubts = task === undefined ? codeNotes(name, codes, names, rows.length) : [];
    return { at, name, task: 'regression', rows, classes: [], asWritten: false, notes: [...absent, ...doubts] };
  }
  if (names.length * ROWS_PER_CLASS > rows.length) {
    const otherwise = figures.length > 0 ? 'mend the cells that are no plain numbers, or ' : '';
    throw new DataError(
      `${where} has ${names.length} different values in ${rows.length} rows, too many to be classes: ${otherwise}name another column as the target`,
    );
  }
  const byCode = `Took "${name}" for classes, as some numbers begin with a 0: say task regression if it is a quantity.`;
  const guessed = task === undefined ? [...(coded && !counts ? [byCode] : []), ...figures] : [];
  return {
    at,
    name,
    task: 'classification',
    rows,
    classes: names,
    asWritten,
    notes: [...guessed, ...notes, ...absent],
  };
}

/** What to say of a quantity whose numbers may be codes or versions. */
function codeNotes(name: string, codes: boolean, names: readonly string[], rows: number): string[] {
  const version = names.length * ROWS_PER_NUMBERED_CLASS <= rows ? versionIn(names) : undefined;
  if (!codes && version === undefined) return [];
  const because = codes ? 'some numbers begin with a 0' : `"${version}" ends in a 0, as versions do`;
  return [`Took "${name}" for a quantity, though ${because}: say task classification if these are names.`];
}

const SAY_NONE = 'say missing none (--missing none)';

function sameness(only: string, words: readonly string[]): string {
  const answer = words.length > 0 ? `${SAY_NONE} if ${quotedList(words)} is an answer, or ` : '';
  return `is ${only} in every row, so there is nothing to learn: ${answer}name another target`;
}

const emptiness = (words: readonly string[]): string =>
  words.length > 1
    ? `holds nothing but ${quotedList(words)}, which read as missing: ${SAY_NONE} if they are answers, or name another column as the target`
    : 'is empty: name another column as the target';

function holdsClasses(numbers: readonly number[], rows: number): boolean {
  const least = Math.min(...numbers.slice(0, MOST_NUMBERED_CLASSES));
  return (
    numbers.length > 1 &&
    numbers.length <= MOST_NUMBERED_CLASSES &&
    rows >= ROWS_PER_NUMBERED_CLASS * numbers.length &&
    numbers.every(Number.isInteger) &&
    (least === 0 || least === 1)
  );
}

/** What the classes of a target are told by. */
export function classForm(table: Table, { at, name, classes, asWritten }: TargetColumn): ClassForm {
  return { kind: 'class', name, classes, ...(asWritten && { asWritten }), ...decimalOf(table, at) };
}

/** How the target is told to a model, by the training rows. */
export function targetForm(table: Table, target: TargetColumn, training: readonly TableRow[]): TargetForm {
  const { at, name, task } = target;
  if (task === 'classification') return classForm(table, target);
  const { mean, deviation } = meanAndDeviation(training.map((row) => numberAt(table, row, at)));
  if (deviation > 0) return { kind: 'number', name, mean, deviation, ...writingOf(table, at) };
  throw new DataError(
    `[table] ${table.name}: the target "${name}" is ${mean} in every training row: more rows are needed, or another seed`,
  );
}
