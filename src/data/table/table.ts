import { FormatError } from '../../core/errors.ts';
import { BLANKS, delimiterOf, recordsOf, type CsvRecord, type Delimiter } from './csv.ts';
import { unpacked } from '../gzip.ts';
import { isMissing, isNumber } from './cells.ts';
import { counted } from '../../core/wording.ts';

export interface TableRow {
  /** Of the file, counted from 1. */
  readonly line: number;
  /** One for each column. */
  readonly cells: readonly string[];
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
}

export interface TableOptions {
  /** Whether the first line names the columns, or what tells it by the line's cells; told by them if left out. */
  readonly header?: boolean | ((cells: readonly string[]) => boolean) | undefined;
  /** One character; a space stands for any run of blanks. Told by the first lines if left out. */
  readonly delimiter?: Delimiter | undefined;
}

/**
 * Reads a table: cells between commas, semicolons, tabs or blanks, quoted as RFC 4180 has it, gzipped or not. Where
 * semicolons or tabs separate and no number has a point, `1,5` is read as 1.5.
 * @param file the file's bytes in UTF-8, or its text
 * @throws FormatError naming file, line, what was expected and what came
 */
export async function readTable(name: string, file: Uint8Array | string, options: TableOptions = {}): Promise<Table> {
  const text =
    typeof file === 'string' ? file.replace(/^\ufeff/, '') : textOf(name, await unpacked('table', name, file));
  const delimiter = options.delimiter ?? delimiterOf(text);
  if (delimiter.length !== 1 || '"\r\n'.includes(delimiter)) {
    throw new FormatError(`[table] the delimiter is "${delimiter}" but must be one character that separates cells`);
  }
  const records = [...recordsOf(name, text, delimiter)];
  if (records.length === 0) throw new FormatError(`[table] ${name} is empty: it must hold rows of cells`);
  requireEven(name, records, delimiter);
  const { header: told = () => beginsWithHeader(records) } = options;
  const header = typeof told === 'function' ? told(records[0].cells) : told;
  const rows = header ? records.slice(1) : records;
  if (rows.length === 0) {
    throw new FormatError(
      `[table] ${name} holds a header but no rows: add rows, or say that there is no header if line ${records[0].line} is one`,
    );
  }
  const columns = header ? namesOf(records[0]) : records[0].cells.map((_, at) => columnName(at));
  return { name, columns, header, rows: delimiter === ',' ? rows : withPoints(rows) };
}

const columnName = (at: number): string => `column ${at + 1}`;

function textOf(name: string, bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  if (zero >= 0) {
    throw new FormatError(
      `[table] ${name} is no text, byte ${zero} of it is 0: a table must be exported as CSV, in UTF-8`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`[table] ${name} is no text in UTF-8: save it as UTF-8, or export it as CSV`, { cause });
  }
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

/**
 * A first row without numbers is a header if there are numbers below it; in a table of texts, if none of its cells comes
 * again in its own column, as categories would.
 */
function beginsWithHeader([first, ...rest]: readonly CsvRecord[]): boolean {
  const names = first.cells;
  if (names.some((cell) => isNumber(cell) || (cell !== '' && isMissing(cell))) || names.every((cell) => cell === '')) {
    return false;
  }
  const numbersBelow = rest.some(({ cells }) => cells.some(isNumber));
  return numbersBelow || rest.every(({ cells }) => cells.every((cell, at) => cell !== names[at]));
}

/** Every column gets a name of its own: those without one by their place, those that share one by a count. */
function namesOf({ cells }: CsvRecord): string[] {
  const taken = new Set<string>();
  return cells.map((cell, at) => {
    const wanted = cell.trim() || columnName(at);
    let name = wanted;
    for (let count = 2; taken.has(name); count++) name = `${wanted} (${count})`;
    taken.add(name);
    return name;
  });
}

const COMMA_NUMBER = /^[+-]?\d+,\d+$/;

/** Decimal commas as points, unless points occur already. */
function withPoints(rows: readonly CsvRecord[]): readonly CsvRecord[] {
  const some = (holds: (cell: string) => boolean): boolean => rows.some(({ cells }) => cells.some(holds));
  if (some((cell) => cell.includes('.') && isNumber(cell))) return rows;
  if (!some((cell) => COMMA_NUMBER.test(cell))) return rows;
  return rows.map(({ line, cells }) => ({
    line,
    cells: cells.map((cell) => (COMMA_NUMBER.test(cell) ? cell.replace(',', '.') : cell)),
  }));
}
