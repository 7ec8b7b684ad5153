import { FormatError } from '../../core/errors.ts';

/*
 * Text to records, as RFC 4180 has it: quoted cells may hold delimiters, line breaks and doubled quotes. Beyond it, all
 * three line ends count, blanks around a cell and blank lines do not, and a record knows its line in the file.
 */

export interface CsvRecord {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** One character between two cells; a space stands for any run of spaces and tabs. */
export type Delimiter = string;

/** What separates cells, the first choice first: a comma in a text with semicolons is often that of a number. */
const delimiters: readonly Delimiter[] = [';', '\t', ','];
export const BLANKS: Delimiter = ' ';

/** Records by which the delimiter is told. */
const SAMPLE = 100;

const QUOTE = '"';
const LINE_END = /\r\n|\n|\r/g;

/** The records of a text. @throws FormatError where a quoted cell does not end, or goes on behind its quote */
export const recordsOf = (name: string, text: string, delimiter: Delimiter): Generator<CsvRecord> =>
  new Scanner(name, text, delimiter).records();

class Scanner {
  readonly #name: string;
  readonly #text: string;
  readonly #delimiter: Delimiter;
  /** What may stand around a cell and does not count. */
  readonly #blanks: string;
  readonly #bareCell: RegExp;
  #at = 0;
  #line = 1;

  constructor(name: string, text: string, delimiter: Delimiter) {
    this.#name = name;
    this.#text = text;
    this.#delimiter = delimiter;
    this.#blanks = delimiter === '\t' ? ' ' : ' \t';
    const ends = `${delimiter === BLANKS ? ' \t' : delimiter}\r\n`;
    // By their codes, so that no delimiter means something to the expression.
    const codes = Array.from(ends, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
    this.#bareCell = new RegExp(`[^${codes.join('')}]*`, 'y');
  }

  *records(): Generator<CsvRecord> {
    while (this.#at < this.#text.length) {
      const line = this.#line;
      const start = this.#at;
      const cells = this.#cells();
      if (this.#text.slice(start, this.#at).trim() !== '') yield { line, cells };
      this.#at += this.#text.startsWith('\r\n', this.#at) ? 2 : 1;
      this.#line++;
    }
  }

  get #lineEnds(): boolean {
    return this.#at >= this.#text.length || this.#text[this.#at] === '\n' || this.#text[this.#at] === '\r';
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && this.#blanks.includes(this.#text[this.#at])) this.#at++;
  }

  #cells(): string[] {
    const cells: string[] = [];
    for (;;) {
      this.#skipBlanks();
      // Blanks at the end of a line divided by blanks are no further cell.
      if (this.#delimiter === BLANKS && this.#lineEnds && cells.length > 0) return cells;
      cells.push(this.#text[this.#at] === QUOTE ? this.#quoted() : this.#bare());
      if (this.#lineEnds) return cells;
      this.#at++;
    }
  }

  #bare(): string {
    this.#bareCell.lastIndex = this.#at;
    const [cell] = this.#bareCell.exec(this.#text)!;
    this.#at += cell.length;
    return cell.trimEnd();
  }

  #quoted(): string {
    const start = this.#at + 1;
    const end = this.#closingQuote(start);
    const cell = this.#text.slice(start, end);
    this.#at = end + 1;
    this.#line += cell.match(LINE_END)?.length ?? 0;
    if (this.#delimiter !== BLANKS) this.#skipBlanks();
    const next = this.#text[this.#at];
    if (!this.#lineEnds && next !== this.#delimiter && !(this.#delimiter === BLANKS && next === '\t')) {
      throw new FormatError(
        `[table] ${this.#name}: line ${this.#line} goes on behind a closing quote: double the quotes that belong to the text`,
      );
    }
    return cell.replaceAll('""', QUOTE);
  }

  #closingQuote(start: number): number {
    let at = this.#text.indexOf(QUOTE, start);
    while (at >= 0 && this.#text[at + 1] === QUOTE) at = this.#text.indexOf(QUOTE, at + 2);
    if (at >= 0) return at;
    throw new FormatError(
      `[table] ${this.#name}: the quote that opens on line ${this.#line} is never closed: close it, or double it if it belongs to the text`,
    );
  }
}

/** How many cells most of the first records have, and what share of them has so many. */
function regularity(text: string, delimiter: Delimiter): { readonly cells: number; readonly share: number } {
  const counts = new Map<number, number>();
  let records = 0;
  try {
    for (const { cells } of recordsOf('', text, delimiter)) {
      counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
      if (++records === SAMPLE) break;
    }
  } catch (error) {
    // Quotes that do not fit this delimiter: the records up to there must do.
    if (!(error instanceof FormatError)) throw error;
  }
  const [cells, most] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0]);
  return { cells, share: most / Math.max(1, records) };
}

/**
 * The delimiter that divides most of the first records into equally many cells. Blanks count only where no other divides
 * any, and where they divide all alike; a text of one column has a comma.
 */
export function delimiterOf(text: string): Delimiter {
  let best = { delimiter: '', share: 0 };
  for (const delimiter of delimiters) {
    const { cells, share } = regularity(text, delimiter);
    if (cells > 1 && share > best.share) best = { delimiter, share };
  }
  if (best.delimiter !== '') return best.delimiter;
  const { cells, share } = regularity(text, BLANKS);
  return cells > 1 && share === 1 ? BLANKS : ',';
}
