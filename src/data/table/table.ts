import { FormatError } from '../../core/errors.ts';
import { BLANKS, recordsOf, type CsvRecord, type Delimiter } from './csv.ts';
import { bytesOf, requireFileName } from '../bytes.ts';
import { unpacked } from '../gzip.ts';
import { isMeantAsNumbers, isMissing, type MissingWords } from './cells.ts';
import {
  bothReadings,
  isMarked,
  plain,
  plainNumber,
  readingNotes,
  readingOf,
  readsAsNumber,
  type Decimal,
  type ReadColumn,
  type Writing,
} from './decimals.ts';
import { delimitersOf } from './delimiter.ts';
import { headerOf } from './header.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { counted } from '../../core/textFormat.ts';

/** A row of a table, and where it stands in its file. */
export interface TableRow {
  /** Of the file, counted from 1. */
  readonly line: number;
  /** One for each column; numbers as 1234.5, however they are written. */
  readonly cells: readonly string[];
  /** The same as they are written, where that differs. */
  readonly written?: readonly string[];
}

/** Rows and columns of text, as they stand in a file. */
export interface Table {
  /** The file's, for messages. */
  readonly name: string;
  /** Names of the columns: the header's, or `column 1`, `column 2`, … */
  readonly columns: readonly string[];
  /** Whether the file names its columns. */
  readonly header: boolean;
  readonly rows: readonly TableRow[];
  /** The header's own line. */
  readonly head?: TableRow;
  /** The decimal sign of each column whose numbers are not plain; `open` where its cells do not tell. */
  readonly writings?: readonly Writing[];
  /** What was said of the file, so that its cells need not tell it. */
  readonly said?: SaidOfTable;
  /** What was guessed, in plain sentences. */
  readonly notes?: readonly string[];
}

/** What was said of a file when it was read. */
export interface SaidOfTable {
  readonly header?: boolean | undefined;
  readonly decimal?: Decimal | undefined;
  readonly missing?: MissingWords;
}

/** What `readTable` may be told. */
export interface TableOptions {
  /** Whether the first line names the columns, or what tells it by the line's cells; told by them if left out. */
  readonly header?: boolean | ((cells: readonly string[]) => boolean) | undefined;
  /** One character; a space stands for any run of blanks. Told by the lines if left out. */
  readonly delimiter?: Delimiter | undefined;
  /** What precedes fractions where a column's cells leave it open, as 1,234 does. */
  readonly decimal?: Decimal | undefined;
  /**
   * Words that read as missing, in upper or lower case, besides an empty cell; `[]`: none. If left out, they are ?, -, --,
   * ., NA, N/A, #N/A, <NA>, NaN and null, among numbers None as well, and a - beside a + is none.
   */
  readonly missing?: readonly string[] | undefined;
}

/**
 * Reads a table: cells between commas, semicolons, tabs, bars or blanks, quoted as RFC 4180 has it, gzipped or not. Numbers
 * may have decimal commas, and signs between thousands, where a column's cells tell which is which.
 * @param file the file's bytes in UTF-8, also in a buffer as `fetch` gives it, or its text
 * @returns the table, with notes on what was guessed
 * @throws FormatError naming file, line, what was expected and what came
 */
export async function readTable(
  name: string,
  file: Uint8Array | ArrayBuffer | string,
  options?: TableOptions,
): Promise<Table> {
  requireFileName('table', name);
  const said = saidOf(options);
  const bytesOrText =
    typeof file === 'string' ? file : textOf(name, await unpacked('table', name, bytesOf('table', name, file)));
  // Excel's own line, which says the delimiter, is left empty, so that lines keep their numbers.
  const hint = /^\ufeff?(?:sep=(.)(?=[\r\n]|$))?/i.exec(bytesOrText)!;
  const text = bytesOrText.slice(hint[0].length);
  const { delimiter = hint[1], header: told, decimal, missing } = said;
  if (delimiter !== undefined && (delimiter.length !== 1 || '"\r\n'.includes(delimiter))) {
    throw new FormatError(`[table] the delimiter is "${delimiter}" but must be one character that separates cells`);
  }
  const records = divide(name, text, delimiter === undefined ? delimitersOf(text) : [delimiter]);
  const header = typeof told === 'function' ? told(records[0].cells) : told;
  return tableOf(name, records, { header, decimal, missing });
}

/** What was said of a file, where it is of the kinds that can be said. */
function saidOf(options: TableOptions | undefined): TableOptions {
  const usual = { header: undefined, delimiter: undefined, decimal: undefined, missing: undefined };
  const said = optionsOf<TableOptions, typeof usual>('readTable', options, usual);
  const { header, delimiter, decimal, missing } = said;
  const isWords = Array.isArray(missing) && missing.every((word) => typeof word === 'string');
  const isHeader = ['undefined', 'boolean', 'function'].includes(typeof header);
  requireKind('readTable', 'header', header, isHeader, 'true or false');
  requireKind(
    'readTable',
    'delimiter',
    delimiter,
    delimiter === undefined || typeof delimiter === 'string',
    'a character',
  );
  requireKind('readTable', 'decimal', decimal, [undefined, '.', ','].includes(decimal), "'.' or ','");
  requireKind('readTable', 'missing', missing, missing === undefined || isWords, "a list of words, as ['NA']");
  return said;
}

/** @throws DataError for what is no table */
export const requireTable = (where: string, given: unknown): void =>
  requireKind(where, 'the table', given, Array.isArray((given as Table | null)?.rows), 'what readTable gives, awaited');

function textOf(name: string, bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  if (zero >= 0) {
    throw new FormatError(
      `[table] ${name} is no text, byte ${zero} of it is 0: a table must be exported as CSV, in UTF-8`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`[table] ${name} is no text in UTF-8: save it as UTF-8, or export it as CSV`, { cause });
  }
}

/** The records by the first delimiter that divides them all alike; if none does, the first one's error is thrown. */
function divide(name: string, text: string, delimiters: readonly Delimiter[]): readonly CsvRecord[] {
  let failure: unknown;
  for (const delimiter of delimiters) {
    try {
      const records = trimmed([...recordsOf(name, text, delimiter)]);
      if (records.length === 0) throw new FormatError(`[table] ${name} is empty: it must hold rows of cells`);
      requireEven(name, records, delimiter);
      return records;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** Without delimiters that some lines have at their end and others do not: no cell stands behind them. */
function trimmed(records: readonly CsvRecord[]): readonly CsvRecord[] {
  const width = records.reduce((least, { cells }) => Math.min(least, cells.length), Infinity);
  const isLonger = ({ cells }: CsvRecord): boolean => cells.length > width;
  if (!records.some(isLonger) || records.some(({ cells }) => cells.slice(width).some((cell) => cell !== ''))) {
    return records;
  }
  return records.map((record) => (isLonger(record) ? { ...record, cells: record.cells.slice(0, width) } : record));
}

function requireEven(name: string, records: readonly CsvRecord[], delimiter: Delimiter): void {
  const [first] = records;
  const odd = records.find(({ cells }) => cells.length !== first.cells.length);
  if (!odd) return;
  const spelled = delimiter === BLANKS ? 'blanks' : delimiter === '\t' ? 'tabs' : `"${delimiter}"`;
  throw new FormatError(
    `[table] ${name}: line ${odd.line} has ${counted(odd.cells.length, 'cell')} but line ${first.line} has ${first.cells.length}, separated by ${spelled}: mend the line, quote cells that hold the separator, or give another delimiter`,
  );
}

/** A table of records that all have as many cells. */
export function tableOf(name: string, records: readonly CsvRecord[], said: SaidOfTable): Table {
  const { header, note } = said.header === undefined ? headerOf(records) : { header: said.header, note: null };
  const rows = header ? records.slice(1) : records;
  if (rows.length === 0) {
    throw new FormatError(
      `[table] ${name} holds a header but no rows: add rows, or say that there is no header if line ${records[0].line} is one`,
    );
  }
  const columns = header ? namesOf(records[0]) : records[0].cells.map((_, at) => columnName(at));
  const written: Table = { name, columns, header, rows, said, ...(header && { head: records[0] }) };
  const readings = readColumns(written);
  return {
    ...withWritings(
      written,
      readings.map(({ writing }) => writing),
    ),
    notes: [...(note === null ? [] : [note]), ...readingNotes(readings)],
  };
}

const columnName = (at: number): string => `column ${at + 1}`;

/** The same table, its first line taken for a header or for a row. */
export const withHeader = ({ name, head, rows, said }: Table, header: boolean): Table =>
  tableOf(
    name,
    [...(head ? [head] : []), ...rows].map((row) => ({ line: row.line, cells: writtenOf(row) })),
    { ...said, header },
  );

/** Every column gets a name of its own: those without one by their place, those that share one by a count. */
function namesOf({ cells }: CsvRecord): string[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return cells.map((cell, at) => {
    const wanted = cell.trim() || columnName(at);
    let [name, count] = [wanted, counts.get(wanted) ?? 1];
    while (taken.has(name)) name = `${wanted} (${++count})`;
    taken.add(name);
    counts.set(wanted, count);
    return name;
  });
}

export const writtenOf = ({ cells, written }: TableRow): readonly string[] => written ?? cells;

/** How each column of a table is written, by its own cells. */
export function readColumns({ columns, rows, said }: Table): ReadColumn[] {
  const present = (at: number): string[] =>
    rows.map((row) => writtenOf(row)[at]).filter((cell) => !isMissing(cell, said?.missing));
  const alone = columns.map((_, at) =>
    rows.some((row) => isMarked(writtenOf(row)[at])) ? readingOf(present(at), said?.decimal, false) : plain,
  );
  const commas = alone.some(({ writing }) => writing === ',');
  return alone.map((first, at) => {
    const reading = commas && first.writing === null ? readingOf(present(at), said?.decimal, true) : first;
    const { writing, byCustom = false } = reading;
    const isMarkedColumn = writing === '.' || writing === ',';
    if (!isMarkedColumn && !byCustom) return { ...reading, name: columns[at], numeric: false, example: '' };
    const cells = present(at);
    const isOdd = (cell: string): boolean =>
      isMarkedColumn ? ![null, cell.trim()].includes(plainNumber(cell, writing)) : bothReadings(cell) !== null;
    const numeric = isMeantAsNumbers(cells.filter(readsAsNumber).length, cells.length);
    return { ...reading, name: columns[at], numeric, example: cells.find(isOdd) ?? '' };
  });
}

/** The rows as they are written, with the numbers of some columns made plain. */
export function withWritings(table: Table, writings: readonly Writing[]): Table {
  const odd = writings.flatMap((writing, at) => (writing === '.' || writing === ',' ? [{ at, writing }] : []));
  const rows = table.rows.map((row) => {
    const written = writtenOf(row);
    if (odd.length === 0) return row.written ? { line: row.line, cells: written } : row;
    const cells = [...written];
    for (const { at, writing } of odd) cells[at] = plainNumber(cells[at], writing) ?? cells[at];
    return { line: row.line, cells, written };
  });
  return { ...table, rows, writings };
}
