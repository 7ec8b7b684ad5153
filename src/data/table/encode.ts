import { FormatError } from '../../core/errors.ts';
import { dataset, type Dataset, type FieldInput, type GivenNumbers } from '../dataset.ts';
import type { Table, TableRow } from './table.ts';
import { isNumber, LARGEST_F32 } from './cells.ts';
import { numberAt } from './columns.ts';
import { categoryOf } from './features.ts';
import { featureCount, MISSING_CATEGORY, type CategoryForm, type NumberForm, type TableForm } from './form.ts';
import { className } from './target.ts';
import { counted, quotedList } from '../../core/wording.ts';

/** Rows as a model sees them. */
export interface EncodedTable {
  /** `features`, and `label` or `target` where the table has it in every row. */
  readonly data: Dataset;
  /** What was filled in or not known, in plain sentences. */
  readonly notes: readonly string[];
}

/**
 * Further rows, with or without their targets, as the rows that the form was made from. Every row is kept, in its order.
 * @throws FormatError if a column is missing, or a cell of a column of numbers is none
 */
export function encodeTable(form: TableForm, table: Table): EncodedTable {
  const { features: places, target: targetPlace } = placesOf(form, table);
  const { features, notes } = encodeFeatures(form, table, places, table.rows);
  if (targetPlace === null) return { data: dataset({ features }), notes };
  const strange = table.rows.filter(({ cells }) => !knowsTarget(form, cells[targetPlace]));
  if (strange.length > 0) {
    const [{ line, cells }] = strange;
    const note = `${counted(strange.length, 'row')} without a known "${form.target.name}", the first "${cells[targetPlace]}" on line ${line}: so no row is judged.`;
    return { data: dataset({ features }), notes: [...notes, note] };
  }
  return { data: dataset({ features, ...encodeTarget(form, table, targetPlace, table.rows) }), notes };
}

/** Where the form's columns stand in a table: by name if both have names, else by place, with the target or without. */
function placesOf(
  form: TableForm,
  table: Table,
): { readonly features: readonly number[]; readonly target: number | null } {
  const names = form.features.map(({ name }) => name);
  const order = form.header && table.header ? table.columns : columnsByPlace(form, table);
  const missing = names.filter((name) => !order.includes(name));
  if (missing.length > 0) {
    throw new FormatError(
      `[table] ${table.name} has no column ${quotedList(missing)}: it needs ${quotedList(names)}, but has ${quotedList(order)}`,
    );
  }
  const target = order.indexOf(form.target.name);
  return { features: names.map((name) => order.indexOf(name)), target: target < 0 ? null : target };
}

function columnsByPlace({ columns, target }: TableForm, table: Table): readonly string[] {
  const { length } = table.columns;
  if (length === columns.length) return columns;
  if (length === columns.length - 1) return columns.filter((name) => name !== target.name);
  throw new FormatError(
    `[table] ${table.name} has ${length} columns, but the model was trained on ${columns.length}, of which "${target.name}" may be left out: give the same columns in the same order`,
  );
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
      notes.push(...encodeCategories(feature, places[column], rows, into));
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
  place: number,
  rows: readonly TableRow[],
  { data, width, offset }: Columns,
): string[] {
  const placeOf = new Map(categories.map((category, at) => [category, at]));
  const unknown: TableRow[] = [];
  let missing = 0;
  rows.forEach((row, at) => {
    const category = categoryOf(row.cells[place]);
    const known = placeOf.get(category);
    if (known === undefined) unknown.push(row);
    else data[at * width + offset + known] = 1;
    if (known !== undefined && category === MISSING_CATEGORY) missing++;
  });
  const notes: string[] = [];
  if (missing > 0) notes.push(`Kept ${counted(missing, 'missing cell')} of "${name}" as a category of their own.`);
  if (unknown.length > 0) {
    const [{ line, cells }] = unknown;
    notes.push(
      `${counted(unknown.length, 'cell')} of "${name}" in no category of the training rows, the first "${cells[place]}" on line ${line}: they count as none.`,
    );
  }
  return notes;
}

function knowsTarget({ target }: TableForm, cell: string): boolean {
  if (target.kind === 'class') return target.classes.includes(className(cell));
  return isNumber(cell);
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
  const labelOf = new Map(target.classes.map((name, label) => [name, label]));
  const labels = rows.map(({ cells }) => labelOf.get(className(cells[place]))!);
  return { label: target.classes.length <= 256 ? Uint8Array.from(labels) : Int32Array.from(labels) };
}
