import { DataError, FormatError } from '../../core/errors.ts';
import {
  isGrouped,
  other,
  plainNumber,
  readingNotes,
  readsAsNumber,
  tellsDecimal,
  type Decimal,
  type Writing,
} from './decimals.ts';
import { isShuffled, namesColumns, type TableForm } from './form.ts';
import { readColumns, withHeader, withWritings, writtenOf, type Table } from './table.ts';
import { quotedList } from '../../core/textFormat.ts';

/*
 * A further file is read as the form says, not by its own cells: one row does not tell whether 1,234 is a fraction. What
 * was said of that file itself counts more.
 */

/** A table read by a form, and where the form's columns stand in it. */
export interface ReadAgain {
  readonly table: Table;
  readonly features: readonly number[];
  /** Null where the target is left out. */
  readonly target: number | null;
  readonly notes: readonly string[];
}

export function readAgain(form: TableForm, given: Table): ReadAgain {
  const headed = withFormsHeader(form, given);
  const said = { ...headed.said, missing: headed.said?.missing ?? form.missing };
  const { features, target } = placesOf(form, headed);
  const decimals = new Map<number, Decimal>();
  const numbers = new Set<number>();
  const grouped = new Set<number>();
  [...form.features, form.target].forEach((column, index) => {
    const at = index < features.length ? features[index] : target;
    if (at === null || column.kind === 'category') return;
    if (column.kind === 'number') numbers.add(at);
    if (column.kind === 'number' && column.grouped) grouped.add(at);
    if (column.decimal && said.decimal === undefined) decimals.set(at, column.decimal);
  });
  // A table that somebody made, rather than read, has its cells as they are.
  const own = headed.writings ? readColumns({ ...headed, said }) : [];
  const writings = headed.columns.map((_, at): Writing => decimals.get(at) ?? own.at(at)?.writing ?? null);
  for (const [at, decimal] of decimals) requireDecimal(headed, at, decimal);
  const grouping = groupingNotes(headed, decimals, grouped);
  const guessed = own.filter(({ byCustom }, at) => !byCustom && numbers.has(at) && !decimals.has(at));
  return {
    table: withWritings({ ...headed, said }, writings),
    features,
    target,
    notes: [...orderNotes(form, headed), ...grouping, ...readingNotes(guessed)],
  };
}

/** What to say where line 1 has the names of numbered columns in another order. */
function orderNotes(form: TableForm, { head, rows, header }: Table): string[] {
  const first = head ?? rows[0];
  if (!isShuffled(form, writtenOf(first))) return [];
  return [
    header
      ? `Took line ${first.line} for the names of the columns, in another order than the model learned from: say header no if it is a row.`
      : `Took line ${first.line} for a row, though all of its cells are names of columns: say header yes if it names them.`,
  ];
}

/** Whether line 1 is a header follows from the form where its cells are numbers, and nobody said it. */
function withFormsHeader(form: TableForm, table: Table): Table {
  if (!table.said || table.said.header !== undefined) return table;
  const first = writtenOf(table.head ?? table.rows[0]);
  if (!first.some(readsAsNumber)) return table;
  const header = namesColumns(form, first);
  return header === table.header ? table : withHeader(table, header);
}

/** Where the form's columns stand in a table: by name if both have names, else by place, with the target or without. */
function placesOf(form: TableForm, table: Table): Pick<ReadAgain, 'features' | 'target'> {
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

/** A number that only the other sign makes one says that the file is written otherwise: then 1.234 is another number too. */
function requireDecimal({ name, columns, rows }: Table, at: number, decimal: Decimal): void {
  const odd = rows.find((row) => tellsDecimal(writtenOf(row)[at], other(decimal)));
  if (!odd) return;
  throw new FormatError(
    `[table] ${name}: column "${columns[at]}" has decimal "${decimal}" in the rows that the model learned from, but line ${odd.line} has "${writtenOf(odd)[at]}": say decimal (--decimal) "${other(decimal)}" if this file has that`,
  );
}

/**
 * What to say of thousands where no training row had a sign between them.
 * @throws DataError if no other number shows that the sign before fractions is the same
 */
function groupingNotes(table: Table, decimals: ReadonlyMap<number, Decimal>, grouped: ReadonlySet<number>): string[] {
  const { name, columns, rows } = table;
  const isTold = [...decimals].some(([at, decimal]) => rows.some((row) => tellsDecimal(writtenOf(row)[at], decimal)));
  return [...decimals].flatMap(([at, decimal]) => {
    const odd = grouped.has(at) ? undefined : rows.find((row) => isGrouped(writtenOf(row)[at], decimal));
    if (!odd) return [];
    const cell = writtenOf(odd)[at];
    const [as, otherwise] = [decimal, other(decimal)].map((sign) => Number(plainNumber(cell, sign) ?? NaN));
    if (isTold || Number.isNaN(otherwise)) {
      return [
        `Read "${cell}" of "${columns[at]}" on line ${odd.line} as ${as}, though no training row had such thousands.`,
      ];
    }
    throw new DataError(
      `[table] ${name}: column "${columns[at]}" was learned from numbers with decimal "${decimal}" and no thousands, but line ${odd.line} has "${cell}": say decimal (--decimal) "${other(decimal)}" for ${otherwise}, or "${decimal}" for ${as}`,
    );
  });
}
