import { DataError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { requireSeed } from '../../core/random.ts';
import { dataset, type Dataset } from '../dataset.ts';
import { rows as chosen } from '../samples.ts';
import { requireTable, withHeader, writtenOf, type Table, type TableRow } from './table.ts';
import { labeller } from './classes.ts';
import { columnAt, placeOf } from './columns.ts';
import { encodeFeatures, encodeTarget } from './encode.ts';
import { fitColumn } from './features.ts';
import { mayBeNames } from './header.ts';
import type { FeatureForm, TableForm } from './form.ts';
import { splitRows } from './split.ts';
import { classForm, targetForm, targetOf, type TargetColumn, type Task } from './target.ts';
import { counted } from '../../core/textFormat.ts';

/** What `prepareTable` may be told. */
export interface PrepareOptions {
  /** The column to be told from the others, by name or number (1 is the first, −1 the last): the last one. */
  readonly target?: string | number | undefined;
  /** Told by the target's cells if left out: see `targetOf`. */
  readonly task?: Task | undefined;
  /** Columns to leave out, by name or number. */
  readonly drop?: readonly (string | number)[] | undefined;
  /** The share of the rows that is kept from training: 0.2. */
  readonly heldOut?: number | undefined;
  /** Fixes which rows these are: 0. */
  readonly seed?: number | undefined;
}

/** A table as training data. */
export interface PreparedTable {
  /** Fields `features` f32[F] and `label`, or `target`, standardised by the training part. */
  readonly train: Dataset;
  readonly test: Dataset;
  /** Of each sample, in the file. */
  readonly lines: { readonly train: readonly number[]; readonly test: readonly number[] };
  /** What further rows are encoded by. */
  readonly form: TableForm;
  /** What was guessed, dropped, filled in or left out, in plain sentences. */
  readonly notes: readonly string[];
}

const HELD_OUT = 0.2;

/**
 * Makes training data of a table: kinds of columns told by their cells, numbers standardised, texts one-hot, a part of
 * the rows held out, as many of each class. Whatever is learned from rows is learned from the training rows alone.
 * @throws DataError if options do not fit the table, or there is nothing to learn; FormatError if a cell is in the way
 */
export function prepareTable(given: Table, said?: PrepareOptions): PreparedTable {
  requireTable('prepareTable', given);
  const usual = { target: undefined, task: undefined, drop: [], heldOut: HELD_OUT, seed: 0 };
  const options = optionsOf<PrepareOptions, typeof usual>('prepareTable', said, usual);
  const { heldOut, seed, drop, task } = options;
  requireSeed('prepareTable', seed);
  const isTask = [undefined, 'classification', 'regression'].includes(task);
  requireKind('prepareTable', 'task', task, isTask, 'classification or regression');
  if (!(heldOut > 0 && heldOut < 1) || typeof heldOut !== 'number') {
    throw new DataError(`[table] the share of rows to hold out is ${heldOut} but must lie between 0 and 1`);
  }
  const wanted = [...(options.target === undefined ? [] : [options.target]), ...drop];
  const table = withNamed(given, wanted);
  if (table.columns.length === 1) {
    throw new DataError(
      `[table] ${table.name} has one column only, "${table.columns[0]}": it needs one to learn from and one to tell; if it has more, give its delimiter`,
    );
  }
  const target = targetOf(table, options.target, task);
  const { rows } = target;
  const { train, test } = splitRows(strataOf(table, target), heldOut, seed);
  const training = train.map((at) => rows[at]);
  const { features, places, notes } = fitFeatures(table, target, training, drop);
  const form: TableForm = {
    header: table.header,
    columns: table.columns,
    features,
    target: targetForm(table, target, training),
    ...(table.said?.missing && { missing: table.said.missing }),
  };
  const encoded = encodeFeatures(form, table, places, rows);
  const all = dataset({ features: encoded.features, ...encodeTarget(form, table, target.at, rows) });
  const linesOf = (part: readonly number[]): number[] => part.map((at) => rows[at].line);
  return {
    train: chosen(all, train),
    test: chosen(all, test),
    lines: { train: linesOf(train), test: linesOf(test) },
    form,
    notes: [
      ...(table.notes ?? []),
      ...namedNotes(table, wanted),
      ...target.notes,
      ...leftOut(table, target),
      ...notes,
      ...encoded.notes,
    ],
  };
}

/**
 * Where a column is asked for that only the first row names, that row is the header.
 * @throws DataError if that row may be a header, and what is asked for is a name in it, or another column's number
 */
function withNamed(table: Table, wanted: readonly (string | number)[]): Table {
  if (table.header || !table.said || table.said.header === false || table.rows.length === 1) return table;
  const [{ line }] = table.rows;
  const first = writtenOf(table.rows[0]).map((cell) => cell.trim());
  const isElsewhere = (which: string | number): boolean =>
    first.includes(String(which)) && first.indexOf(String(which)) !== placeOf(table, which);
  const named = wanted.filter(isElsewhere);
  if (named.some((which) => placeOf(table, which) === null)) return withHeader(table, true);
  if (named.length === 0 || !mayBeNames(first)) return table;
  throw new DataError(
    `[table] ${table.name}: "${named[0]}" is the number of a column, but also stands in another column on line ${line}: say header (--header) yes if that line names the columns, no if it is a row`,
  );
}

/** Names that are numbers are found before places. */
function namedNotes(table: Table, wanted: readonly (string | number)[]): string[] {
  return wanted.flatMap((which) => {
    const number = Number(which);
    const at = table.columns.indexOf(String(which));
    const isPlace = Number.isInteger(number) && number >= 1 && number <= table.columns.length;
    if (!isPlace || at < 0 || at === number - 1) return [];
    return [`Took "${which}" for the name of column ${at + 1}, not for the number of "${table.columns[number - 1]}".`];
  });
}

/** Places of rows, class by class. */
function strataOf(table: Table, target: TargetColumn): number[][] {
  const { at, rows, classes, task } = target;
  if (task === 'regression') return [rows.map((_, place) => place)];
  const labelOf = labeller(classForm(table, target));
  const strata = classes.map((): number[] => []);
  rows.forEach((row, place) => strata[labelOf(row, at)!].push(place));
  return strata;
}

function leftOut(table: Table, { name, rows }: TargetColumn): string[] {
  const missing = table.rows.length - rows.length;
  if (missing === 0) return [];
  const kept = new Set(rows);
  const { line } = table.rows.find((row) => !kept.has(row))!;
  return [`Left out ${counted(missing, 'row')} without the target "${name}", the first on line ${line}.`];
}

/** The columns that a model is to see, and where they stand. */
function fitFeatures(
  table: Table,
  target: TargetColumn,
  training: readonly TableRow[],
  drop: readonly (string | number)[],
): {
  readonly features: readonly FeatureForm[];
  readonly places: readonly number[];
  readonly notes: readonly string[];
} {
  const dropped = drop.map((which) => columnAt(table, which));
  if (dropped.includes(target.at)) {
    throw new DataError(
      `[table] ${table.name}: "${target.name}" is to be dropped, but it is the target: name another target, or drop another column`,
    );
  }
  const unwanted = new Set([target.at, ...dropped]);
  const candidates = table.columns.flatMap((_, at) => (unwanted.has(at) ? [] : [at]));
  const features: FeatureForm[] = [];
  const places: number[] = [];
  const notes: string[] = [];
  for (const at of candidates) {
    const fitted = fitColumn(table, at, training, candidates.length === 1);
    if (fitted.form) {
      features.push(fitted.form);
      places.push(at);
      notes.push(...fitted.notes);
    } else notes.push(fitted.why);
  }
  if (features.length > 0) return { features, places, notes };
  const because = notes.length > 0 ? ` (${notes.join(' ')})` : '';
  throw new DataError(
    `[table] ${table.name}: no column is left from which "${target.name}" could be told${because}: name another target, or give more columns`,
  );
}
