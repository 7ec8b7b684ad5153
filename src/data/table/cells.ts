/*
 * What a cell means by itself: a number, a text, or that something is missing.
 */

const MISSING = new Set(['', '?', '-', '--', '.', 'na', 'n/a', '#n/a', '<na>', 'nan', 'null']);
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
export const LARGEST_F32 = 3.4028234663852886e38;

export const isMissing = (cell: string): boolean => MISSING.has(cell.trim().toLowerCase());

/** Among numbers "none" is missing too; among texts it is an answer. */
export const isMissingNumber = (cell: string): boolean => isMissing(cell) || cell.trim().toLowerCase() === 'none';

/** The number that a cell holds, or NaN; what f32 cannot hold is none. */
export function numberOf(cell: string): number {
  const text = cell.trim();
  const number = NUMBER.test(text) ? Number(text) : NaN;
  return Math.abs(number) <= LARGEST_F32 ? number : NaN;
}

export const isNumber = (cell: string): boolean => !Number.isNaN(numberOf(cell));
