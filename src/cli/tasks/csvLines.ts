import { short } from '../terminal.ts';

/** A cell of CSV, quoted where it must be. Source: RFC 4180 */
export const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Of f32. */
const DIGITS = 7;

/** A column of numbers under its name. */
export const numberLines = (name: string, numbers: readonly number[]): string[] => [
  csvCell(name),
  ...numbers.map((number) => short(number, DIGITS)),
];
