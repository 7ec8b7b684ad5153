import { FormatError } from '../../core/errors.ts';
import { dataset, type Dataset, type FieldInput } from '../dataset.ts';
import type { GivenNumbers } from '../numbers.ts';
import { requireTable, writtenOf, type Table, type TableRow } from './table.ts';
import { isMissingNumber, isNumber, LARGEST_F32 } from './cells.ts';
import { labeller } from './classes.ts';
import { numberAt } from './columns.ts';
import { categoriesIn } from './features.ts';
import {
  featureCount,
  MISSING_CATEGORY,
  requireForm,
  type CategoryForm,
  type NumberForm,
  type TableForm,
} from './form.ts';
import { readAgain } from './readAgain.ts';
import { counted } from '../../core/textFormat.ts';

/** Rows as a model sees them. */
export interface EncodedTable {
  /** `features`, and `label` or `target` where the table has it in every row. */
  readonly data: Dataset;
  /** What was filled in or not known, in plain sentences. */
  readonly notes: readonly string[];
}

/**
 * Further rows, with or without their targets, as the rows that the form was made from: numbers, missing cells and a header
 * of numbers are read as they were there, unless something else was said of the file. Every row is kept, in its order.
 * @throws FormatError if a column is missing, or a cell of a column of numbers is none; DataError if it can be two numbers
 */
export function encodeTable(form: TableForm, given: Table): EncodedTable {
  requireForm('encodeTable', form);
  requireTable('encodeTable', given);
  const { table, features: places, target: targetPlace, notes: read } = readAgain(form, given);
  const { features, notes: encoded } = encodeFeatures(form, table, places, table.rows);
  const notes = [...read, ...encoded];
  if (targetPlace === null) return { data: dataset({ features }), notes };
  const isKnown = knowsTarget(form, table, targetPlace);
  const strange = table.rows.filter((row) => !isKnown(row));
  if (strange.length > 0) {
    const [row] = strange;
    const note = `${counted(strange.length, 'row')} without a known "${form.target.name}", the first "${writtenOf(row)[targetPlace]}" on line ${row.line}: so no row is judged.`;
    return { data: dataset({ features }), notes: [...notes, note] };
  }
  return { data: dataset({ features, ...encodeTarget(form, table, targetPlace, table.rows) }), notes };
}

/** @param places of the form's features among the table's columns */
export function encodeFeatures(
  form: TableForm,
  table: Table,
  places: readonly number[],
  rows: readonly TableRow[],
): { readonly features: FieldInput; readonly notes: readonly string[] } {
  const width = featureCount(form);
  const data = new Float32Array(rows.length * width);
  const notes: (string | null)[] = [];
  let offset = 0;
  form.features.forEach((feature, column) => {
    const into: Columns = { data, width, offset };
    if (feature.kind === 'number') {
      notes.push(encodeNumbers(feature, table, places[column], rows, into));
      offset += 1;
    } else {
      notes.push(...encodeCategories(feature, table, places[column], rows, into));
      offset += feature.categories.length;
    }
  });
  return { features: { data, shape: [width] }, notes: notes.filter((note) => note !== null) };
}

/** Where a column's numbers go: row r's begin at r · width + offset. */
interface Columns {
  readonly data: Float32Array;
  readonly width: number;
  readonly offset: number;
}

function encodeNumbers(
  { name, mean, deviation }: NumberForm,
  table: Table,
  place: number,
  rows: readonly TableRow[],
  { data, width, offset }: Columns,
): string | null {
  let filled = 0;
  rows.forEach((row, at) => {
    const number = numberAt(table, row, place);
    const seen = (number - mean) / deviation;
    if (Number.isNaN(number)) filled++;
    else if (Math.abs(seen) <= LARGEST_F32) data[at * width + offset] = seen;
    else {
      throw new FormatError(
        `[table] ${table.name}: line ${row.line}: "${name}" is ${number}, too far from the training mean of ${mean} for a number of 32 bits: mend the cell, or drop the column`,
      );
    }
  });
  if (filled === 0) return null;
  return `Filled ${counted(filled, 'missing cell')} of "${name}" with the training mean, ${Number(mean.toPrecision(5))}.`;
}

function encodeCategories(
  { name, categories }: CategoryForm,
  table: Table,
  place: number,
  rows: readonly TableRow[],
  { data, width, offset }: Columns,
): string[] {
  const placeOf = new Map(categories.map((category, at) => [category, at]));
  const categoryOf = categoriesIn(table, place);
  const unknown: TableRow[] = [];
  let missing = 0;
  rows.forEach((row, at) => {
    // What was an answer in training is one, even if it reads as missing here.
    const text = writtenOf(row)[place].trim();
    const category = placeOf.has(text) ? text : categoryOf(row);
    const known = placeOf.get(category);
    if (known === undefined) unknown.push(row);
    else data[at * width + offset + known] = 1;
    if (known !== undefined && category === MISSING_CATEGORY) missing++;
  });
  const notes: string[] = [];
  if (missing > 0) notes.push(`Kept ${counted(missing, 'missing cell')} of "${name}" as a category of their own.`);
  if (unknown.length > 0) {
    const [row] = unknown;
    notes.push(
      `${counted(unknown.length, 'cell')} of "${name}" in no category of the training rows, the first "${writtenOf(row)[place]}" on line ${row.line}: they count as none.`,
    );
  }
  return notes;
}

function knowsTarget({ target }: TableForm, { said }: Table, place: number): (row: TableRow) => boolean {
  if (target.kind === 'number') {
    return ({ cells }) => isNumber(cells[place]) && !isMissingNumber(cells[place], said?.missing);
  }
  const labelOf = labeller(target);
  return (row) => labelOf(row, place) !== undefined;
}

/** The field of the target, all of whose cells are known: labels as bytes where these suffice. */
export function encodeTarget(
  { target }: TableForm,
  table: Table,
  place: number,
  rows: readonly TableRow[],
): Readonly<Record<string, GivenNumbers>> {
  if (target.kind === 'number') {
    const { mean, deviation } = target;
    return { target: Float32Array.from(rows, (row) => (numberAt(table, row, place) - mean) / deviation) };
  }
  const labelOf = labeller(target);
  const labels = rows.map((row) => labelOf(row, place)!);
  return { label: target.classes.length <= 256 ? Uint8Array.from(labels) : Int32Array.from(labels) };
}
