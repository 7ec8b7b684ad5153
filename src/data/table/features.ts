import { writtenOf, type Table, type TableRow } from './table.ts';
import { absenceIn, absenceNotes, doubtfulWords } from './missingValues.ts';
import { figureNotes, kindOf, numberAt, writingOf } from './columns.ts';
import { MISSING_CATEGORY, type FeatureForm } from './form.ts';
import { meanAndDeviation } from './statistics.ts';
import { quotedList } from '../../core/textFormat.ts';

/** Texts of a column that are always categories. */
const CATEGORIES_ALWAYS = 20;
/** Beyond them, each category needs so many rows on average. */
const ROWS_PER_CATEGORY = 20;
const MOST_CATEGORIES = 256;

/** Names that a running number goes by: a word of its own, or the last of a camel's. */
const COUNTER_NAME = /^(?:.*[ _])?(?:id|index|no|nr|row|number|#)\.?$|^unnamed/i;
const CAMEL_COUNTER_NAME = /[a-z](?:I[dD]|Index|N[or]|Row|Number)$/;

/** How a column is shown to a model, or null and a sentence why it is not. */
export type Fitted =
  { readonly form: FeatureForm; readonly notes: readonly string[] } | { readonly form: null; readonly why: string };

/** What a column of texts says in each row, as it is written. */
export function categoriesIn(table: Table, at: number): (row: TableRow) => string {
  const isAbsent = absenceIn(table, at);
  return (row) => (isAbsent(row.cells[at]) ? MISSING_CATEGORY : writtenOf(row)[at].trim());
}

/**
 * Which kind a column is follows from all rows, mean, deviation and categories from the training rows alone.
 * @param alone a table's only column is kept, though it counts the rows
 * @throws FormatError if a few cells of a column of numbers are none
 */
export function fitColumn(table: Table, at: number, training: readonly TableRow[], alone: boolean): Fitted {
  const name = table.columns[at];
  const dropped = (why: string): Fitted => ({ form: null, why: `Dropped "${name}": ${why}.` });
  const kind = kindOf(table, at);
  if (kind === 'empty') {
    const words = doubtfulWords(table, at);
    if (words.length < 2) return dropped('every cell is missing');
    return dropped(`it holds nothing but ${quotedList(words)}: say missing none if they are answers`);
  }
  if (kind === 'text') {
    const why = whyNotCategories(table, at);
    if (why) return dropped(why);
    const categories = [...new Set(training.map(categoriesIn(table, at)))].sort();
    if (categories.length === 1) return dropped(`it is ${categories[0]} in every training row`);
    return {
      form: { kind: 'category', name, categories },
      notes: [...absenceNotes(table, at), ...figureNotes(table, at, 'categories')],
    };
  }
  if (!alone && countsRows(table, at)) return dropped('it only counts the rows');
  const { mean, deviation } = meanAndDeviation(training.map((row) => numberAt(table, row, at)));
  if (Number.isNaN(mean)) return dropped('it is missing in every training row');
  if (deviation === 0) return dropped(`it is ${mean} in every training row`);
  return { form: { kind: 'number', name, mean, deviation, ...writingOf(table, at) }, notes: [] };
}

function whyNotCategories(table: Table, at: number): string | null {
  const isAbsent = absenceIn(table, at);
  const texts = table.rows.flatMap((row) => (isAbsent(row.cells[at]) ? [] : [writtenOf(row)[at].trim()]));
  const categories = new Set(texts).size;
  const example = `as "${texts[0]}"`;
  if (categories === texts.length) return `all its ${categories} texts differ, ${example}, as names and dates do`;
  const few = categories <= CATEGORIES_ALWAYS;
  const filled = categories <= MOST_CATEGORIES && texts.length >= ROWS_PER_CATEGORY * categories;
  if (few || filled) return null;
  return `${categories} different texts in ${texts.length} rows, ${example}, are too many for categories`;
}

const isCounterName = (name: string): boolean =>
  COUNTER_NAME.test(name) || CAMEL_COUNTER_NAME.test(name) || name === 'column 1';

/** An order that was written down: learned from, it would tell where in the file a row stands. */
function countsRows(table: Table, at: number): boolean {
  const named = table.header ? isCounterName(table.columns[at]) : at === 0;
  if (!named) return false;
  const first = numberAt(table, table.rows[0], at);
  return table.rows.every((row, count) => numberAt(table, row, at) === first + count);
}
