import { styleText } from 'node:util';

/** Where there is no width to be asked, and the widest that is used. */
const COLUMNS = 80;

/** All that is no text but for line ends, tabs and colours, which end with their line. */
const CONTROLS = /\u001b(?!\[[\d;]*m)|(?![\n\t\u001b])\p{Cc}/gu;

/** A text, parts of which may come from a file, without what would move the cursor, or speak to the terminal. */
export const harmless = (text: string): string => text.replace(CONTROLS, '\ufffd');

/** What a stream can show. */
export class Terminal {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** Whether a line can be drawn again, and pictures make sense. */
  get interactive(): boolean {
    return this.#out.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  /** Not under NO_COLOR. */
  get coloured(): boolean {
    return this.interactive && !process.env['NO_COLOR'] && this.#out.hasColors();
  }

  get columns(): number {
    return this.#out.columns || COLUMNS;
  }

  write(text: string): void {
    this.#out.write(text);
  }

  line(text = ''): void {
    this.#out.write(`${harmless(text)}\n`);
  }

  /** Coloured where colours are wanted. */
  paint(style: Parameters<typeof styleText>[0], text: string): string {
    return this.coloured ? styleText(style, text) : text;
  }
}

/** So many digits, without zeros at the end. */
export const short = (number: number, digits: number): string => String(Number(number.toPrecision(digits)));

export const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;
