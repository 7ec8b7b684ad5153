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

export const BLANKS: Delimiter = ' ';

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
