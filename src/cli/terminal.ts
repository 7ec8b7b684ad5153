import { styleText } from 'node:util';

/** Where there is no width to be asked, and the widest that is used. */
const COLUMNS = 80;

/** What is no text, and the rest of it where it is a colour's. */
const CONTROLS = /\p{Cc}(\[[\d;]*m)?/gu;
const ESCAPE = '\u001b';

/**
 * A text, parts of which may come from a file, without what would move the cursor or speak to the terminal: controls beside
 * line ends, tabs and colours.
 */
export const harmless = (text: string): string =>
  text.replace(CONTROLS, (all, colour: string | undefined) => {
    const isKept = '\n\t'.includes(all[0]) || (all.startsWith(ESCAPE) && colour !== undefined);
    return isKept ? all : `\ufffd${colour ?? ''}`;
  });

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
