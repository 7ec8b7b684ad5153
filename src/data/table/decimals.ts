import { counted, quotedList } from '../../core/textFormat.ts';

/*
 * How the numbers of a column are written: 1234.5, 1,234.5 or 1.234,5. The column's own cells tell. Where all of them can
 * be read in two ways, and differ, nothing is guessed: the column stays open until somebody says which it is.
 */

/** The sign before a fraction; the other one of the two may stand between thousands, as may blanks and apostrophes. */
export type Decimal = '.' | ',';

/** How one column is written; null where all its numbers are plain, or there are none. */
export type Writing = Decimal | 'open' | null;

const SIGN = '[+−-]?';
/** Between thousands, besides a comma or a point: apostrophes and blanks, most of which do not break. */
const GROUPING = "'’ \\u00a0\\u2009\\u202f";

/** Groups of three, or of two before the last as in India, all divided alike. Source: Unicode CLDR, number patterns */
const groupsBy = (mark: string): string =>
  `[1-9]\\d{0,2}(?<mark>[${mark}${GROUPING}])\\d{3}(?:\\k<mark>\\d{3})*|[1-9]\\d?(?:${mark}\\d\\d)+${mark}\\d{3}`;

const patternOf = (decimal: string, mark: string): RegExp =>
  new RegExp(`^${SIGN}(?=[\\d${decimal}]*\\d)(?:${groupsBy(mark)}|\\d*)(?:${decimal}\\d*)?(?:e[+-]?\\d+)?$`, 'i');

const patterns: Readonly<Record<Decimal, RegExp>> = { '.': patternOf('\\.', ','), ',': patternOf(',', '\\.') };

const MARKED = /[,'’−]|\d\s\d|\.\d{3}(?!\d)/;

/** Whether a cell may be a number that is not written as JavaScript would, or be meant otherwise: most are not. */
export const isMarked = (cell: string): boolean => MARKED.test(cell);

export const other = (decimal: Decimal): Decimal => (decimal === '.' ? ',' : '.');

/** A number as JavaScript writes it, or null where the cell is none under this decimal sign. */
export function plainNumber(cell: string, decimal: Decimal): string | null {
  const text = cell.trim();
  if (!patterns[decimal].test(text)) return null;
  return text
    .replace(/[^\d.,e+−-]/gi, '')
    .replaceAll(other(decimal), '')
    .replace(',', '.')
    .replaceAll('−', '-');
}

export const readsAsNumber = (cell: string): boolean =>
  plainNumber(cell, '.') !== null || plainNumber(cell, ',') !== null;

/** The two numbers that a cell can be, with a decimal point and with a decimal comma; null where it is one at most. */
export function bothReadings(cell: string): { readonly point: string; readonly comma: string } | null {
  const [point, comma] = [plainNumber(cell, '.'), plainNumber(cell, ',')];
  return point === null || comma === null || Number(point) === Number(comma) ? null : { point, comma };
}

/** Whether a number has the other sign between its thousands. */
export const isGrouped = (cell: string, decimal: Decimal): boolean =>
  cell.includes(other(decimal)) && plainNumber(cell, decimal) !== null;

/** Whether a cell is a number under this decimal sign alone. */
export const tellsDecimal = (cell: string, decimal: Decimal): boolean =>
  plainNumber(cell, decimal) !== null && plainNumber(cell, other(decimal)) === null;

/** How a column is written. */
export interface Reading {
  readonly writing: Writing;
  /** Whether only the sizes of its numbers speak for it, not the form of any. */
  readonly bySize: boolean;
  /** Whether points are decimal only because they mostly are: each has three digits behind it, as thousands have. */
  readonly byCustom?: boolean;
}

export const plain: Reading = { writing: null, bySize: false };
const open: Reading = { writing: 'open', bySize: false };

/** A column of which fewer cells are numbers holds texts. */
const SHARE_OF_NUMBERS = 0.5;

/**
 * @param cells of one column, without those that are missing
 * @param said what the sign is where the cells do not tell
 * @param besideCommas whether other columns have decimal commas, beside which 1.234 is doubtful too
 */
export function readingOf(cells: readonly string[], said: Decimal | undefined, besideCommas: boolean): Reading {
  const { points, commas, either, isPlain, ambiguous, clear } = surveyOf(cells);
  if (either === 0 || either < SHARE_OF_NUMBERS * cells.length) return plain;
  const as = (writing: Decimal): Reading => (writing === '.' && isPlain ? plain : { writing, bySize: false });
  const contradicts = points < either && commas < either;
  if (ambiguous.length === 0 || (points !== commas && !contradicts)) return as(points >= commas ? '.' : ',');
  if (said !== undefined) return as(said);
  return contradicts ? open : openOrSized(ambiguous, clear, besideCommas);
}

/** How many cells are numbers with a decimal point, with a comma, with either; which can be two numbers, and which not. */
function surveyOf(cells: readonly string[]): {
  readonly points: number;
  readonly commas: number;
  readonly either: number;
  readonly isPlain: boolean;
  readonly ambiguous: readonly string[];
  readonly clear: readonly string[];
} {
  let [points, commas, either, isPlain] = [0, 0, 0, true];
  const ambiguous: string[] = [];
  const clear: string[] = [];
  for (const cell of cells.map((each) => each.trim())) {
    const [point, comma] = [plainNumber(cell, '.'), plainNumber(cell, ',')];
    if (point !== null) points++;
    if (comma !== null) commas++;
    if (point === null && comma === null) continue;
    either++;
    isPlain &&= point === cell;
    (point !== null && comma !== null && point !== comma ? ambiguous : clear).push(cell);
  }
  return { points, commas, either, isPlain, ambiguous, clear };
}

/** A number without thousands is smaller. */
const THOUSAND = 1000;
/** Below so much, numbers beside 1,125 may be whole ones among fractions. */
const HUNDRED = 100;

/**
 * Of a column whose every number with a sign is one to three digits and groups of three. Where all others are whole, and
 * below those that have a sign, it is thousands; but points are so often decimal that they are asked for even then.
 */
function openOrSized(ambiguous: readonly string[], clear: readonly string[], besideCommas: boolean): Reading {
  const isPoint = ambiguous.every((cell) => !cell.includes(','));
  const isComma = ambiguous.every((cell) => !cell.includes('.'));
  const sizes = clear.map((cell) => Math.abs(/^\D?\d+$/.test(cell) ? Number(cell.replace(/^\D/, '')) : NaN));
  const largest = sizes.length === 0 ? NaN : sizes.reduce((most, size) => Math.max(most, size));
  // Spanish and Polish begin to divide at five digits.
  const below = largest < THOUSAND || (largest < 10 * THOUSAND && ambiguous.every((cell) => /^\D?\d\d/.test(cell)));
  const padded = ambiguous.some((cell) => cell.endsWith('0'));
  if (isPoint) return besideCommas || (below && largest >= HUNDRED) ? open : { ...plain, byCustom: true };
  return isComma && below && (padded || largest >= HUNDRED) ? { writing: '.', bySize: true } : open;
}

/** One column, as notes speak of it. */
export interface ReadColumn extends Reading {
  readonly name: string;
  /** Whether it holds numbers, and not texts some of which are. */
  readonly numeric: boolean;
  /** The first cell that is not plain. */
  readonly example: string;
}

/** So many columns a note names. */
const NAMED = 3;

function namesOf(columns: readonly ReadColumn[]): string {
  const more = columns.length > NAMED ? ` and ${counted(columns.length - NAMED, 'other column')}` : '';
  return `${quotedList(columns.slice(0, NAMED).map(({ name }) => name))}${more}`;
}

function customNotes(columns: readonly ReadColumn[]): string[] {
  if (columns.length === 0) return [];
  const both = bothReadings(columns[0].example)!;
  return [
    `Read ${namesOf(columns)} with decimal points: "${columns[0].example}" as ${Number(both.point)}, though all have three digits behind them: say decimal "," if it is ${Number(both.comma)}.`,
  ];
}

/** What was made of numbers that are not plain, a sentence for each way of writing; columns of texts keep their texts. */
export function readingNotes(columns: readonly ReadColumn[]): string[] {
  const notes: string[] = customNotes(columns.filter(({ byCustom, numeric }) => byCustom && numeric));
  for (const decimal of ['.', ','] as const) {
    for (const bySize of [false, true]) {
      const alike = columns.filter(
        (column) => column.writing === decimal && column.bySize === bySize && column.numeric,
      );
      if (alike.length === 0) continue;
      const [{ example }] = alike;
      const told = bySize ? `, by the sizes of the numbers: say decimal "${other(decimal)}" if it is a fraction` : '';
      notes.push(
        `Read ${namesOf(alike)} with decimal ${decimal === '.' ? 'points' : 'commas'}: "${example}" as ${Number(plainNumber(example, decimal))}${told}.`,
      );
    }
  }
  return notes;
}
