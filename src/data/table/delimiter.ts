import { FormatError } from '../../core/errors.ts';
import { BLANKS, recordsOf, type CsvRecord, type Delimiter } from './csv.ts';
import { readsAsNumber } from './decimals.ts';

/** What separates cells, the first choice first: a comma in a text with semicolons is often that of a number. */
const delimiters: readonly Delimiter[] = [';', '\t', ',', '|'];

/** Records by which the delimiter is told, and letters within which they are looked for. */
const SAMPLE = 100;
const SAMPLE_LETTERS = 1_000_000;

const QUOTED = /(?<=^|[;\t,| ])"((?:[^"]|"")*)"(?=[;\t,| \r\n]|$)/gm;

/** How a delimiter divides the first records. */
interface Division {
  readonly delimiter: Delimiter;
  /** The share of records that have as many cells as most, times that of cells in which no other delimiter is left. */
  readonly fit: number;
  /** Of the cells below the first record. */
  readonly numbers: number;
  /** How many different cells there are in the last column, for each of its cells: few in one that holds classes. */
  readonly variety: number;
  /** The share of the last column's cells in which another delimiter is left. */
  readonly lists: number;
}

/**
 * The delimiters that may divide a text, the likeliest first: what divides all records alike and leaves no other delimiter
 * in a cell, then what makes numbers, then what makes a last column of few words. A text of one column has a comma.
 */
export function delimitersOf(text: string): readonly Delimiter[] {
  // What stands in quotes divides nothing, whichever delimiter is tried.
  const sample = text
    .slice(0, SAMPLE_LETTERS)
    .replace(QUOTED, (quoted, cell: string) => (readsAsNumber(cell) ? quoted : '"text"'));
  const told = [...delimiters, BLANKS].flatMap((delimiter) => divisionBy(sample, delimiter) ?? []);
  const [best, ...others] = told.toSorted(
    (a, b) => b.fit - a.fit || b.numbers - a.numbers || a.variety - b.variety || a.lists - b.lists,
  );
  if (!best) return [','];
  return [best, ...others.filter(({ fit }) => fit === best.fit)].map(({ delimiter }) => delimiter);
}

function divisionBy(text: string, delimiter: Delimiter): Division | null {
  const records = firstRecords(text, delimiter);
  const counts = new Map<number, number>();
  for (const { cells } of records) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const [columns, most] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0]);
  const alike = most / Math.max(1, records.length);
  if (columns < 2) return null;
  const cells = records.flatMap((record) => record.cells);
  const clean = 1 - shareOf(cells, holdsDelimiter);
  // Between words there are blanks too: they count only where they divide all alike, and nothing else divides.
  if (delimiter === BLANKS && alike * clean < 1) return null;
  const below = records.length > 1 ? cells.slice(records[0].cells.length) : cells;
  const last = records.map((record) => record.cells.at(-1)!);
  return {
    delimiter,
    fit: alike * clean,
    numbers: shareOf(below, readsAsNumber),
    variety: new Set(last).size / last.length,
    lists: shareOf(last, holdsDelimiter),
  };
}

const holdsDelimiter = (cell: string): boolean =>
  delimiters.some((delimiter) => cell.includes(delimiter)) && !readsAsNumber(cell);

const shareOf = (cells: readonly string[], holds: (cell: string) => boolean): number =>
  cells.filter(holds).length / Math.max(1, cells.length);

function firstRecords(text: string, delimiter: Delimiter): CsvRecord[] {
  const records: CsvRecord[] = [];
  try {
    for (const record of recordsOf('', text, delimiter)) {
      records.push(record);
      if (records.length === SAMPLE) break;
    }
  } catch (error) {
    // Quotes that do not fit this delimiter: the records up to there must do.
    if (!(error instanceof FormatError)) throw error;
  }
  return records;
}
