/*
 * What a cell means by itself: a plain number, a text, or that something is missing.
 */

const MISSING = new Set(['', '?', '-', '--', '.', 'na', 'n/a', '#n/a', '<na>', 'nan', 'null']);
/** Marks that nobody would take for an answer. */
const PLAINLY_MISSING = new Set(['', '?', '--', 'n/a', '#n/a', '<na>']);
/** Each digit has one place in it, so that a long text is read once. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
export const LARGEST_F32 = 3.4028234663852886e38;

/** Words that stand for nothing, besides an empty cell, in upper or lower case; undefined: the usual ones. */
export type MissingWords = readonly string[] | undefined;

export function isMissing(cell: string, words: MissingWords): boolean {
  const text = cell.trim().toLowerCase();
  return words === undefined ? MISSING.has(text) : text === '' || words.some((word) => isWord(text, word));
}

/** A word that is a number, as −999, stands for nothing however it is written. */
function isWord(text: string, word: string): boolean {
  const wanted = word.trim().toLowerCase();
  return text === wanted || (isNumber(wanted) && numberOf(text) === numberOf(wanted));
}

/** Among numbers "none" is missing too; among texts it is an answer. */
export const isMissingNumber = (cell: string, words: MissingWords): boolean =>
  isMissing(cell, words) || (words === undefined && cell.trim().toLowerCase() === 'none');

/** Whether a cell that reads as missing could be an answer: Namibia's NA, a surname. */
export const mayBeAnswer = (cell: string): boolean => !PLAINLY_MISSING.has(cell.trim().toLowerCase());

/** The number that a cell holds, or NaN; what f32 cannot hold is none. */
export function numberOf(cell: string): number {
  const text = cell.trim();
  const number = NUMBER.test(text) ? Number(text) : NaN;
  return Math.abs(number) <= LARGEST_F32 ? number : NaN;
}

export const isNumber = (cell: string): boolean => !Number.isNaN(numberOf(cell));

/** Digits without letters: numbers, and dates, times, shares and amounts, which are texts. */
export const isFigure = (cell: string): boolean => /\d/.test(cell) && !/\p{L}/u.test(cell);

const MEANT_AS_NUMBERS = 0.9;

/** Whether so many numbers among a column's cells mean that all were to be numbers. */
export const isMeantAsNumbers = (numbers: number, cells: number): boolean =>
  numbers > 0 && numbers >= MEANT_AS_NUMBERS * cells;
