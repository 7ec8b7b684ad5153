import { writtenOf, type Table, type TableRow } from './table.ts';
import { numberOf } from './cells.ts';
import { plainNumber, readsAsNumber } from './decimals.ts';
import type { ClassForm } from './form.ts';
import { quotedList } from '../../core/textFormat.ts';

/*
 * A class is named as it is written. Only where a whole column is numbers, 1 and 1.0 are one class: a leading zero, an
 * exponent, or more digits than a number of 64 bits tells apart say that it holds codes, which are texts.
 */

/** The classes of a column. */
export interface Classes {
  /** Sorted, numbers first and by their size. */
  readonly names: readonly string[];
  /** Whether a cell names a class by its text alone, never by its value. */
  readonly asWritten: boolean;
  /** Whether some begin with a 0 that no number needs. */
  readonly codes: boolean;
  readonly notes: readonly string[];
}

const textAt = (row: TableRow, at: number): string => writtenOf(row)[at].trim();

/** Spellings of a whole number that differ in nothing but what a program adds: a plus, a fraction of zeros. */
const CASUAL = /^[+−-]?(?:0|[1-9]\d*)(?:[.,]0*)?$/;
const CODE = /^0\d+$/;

/** Fractions of several lengths, one of which ends in a 0: versions, as 3.9 and 3.10 are, or digits that were measured. */
export function versionIn(names: readonly string[]): string | undefined {
  const lengths = names.map((name) => /^\d+\.(\d+)$/.exec(name)?.[1].length ?? 0);
  return names.find(
    (name, at) => lengths[at] > 1 && name.endsWith('0') && lengths.some((length) => length > 0 && length < lengths[at]),
  );
}

/** Beyond 2⁵³, two numbers that differ may be held as one. */
const isUnsafe = (value: number): boolean => Math.abs(value) > Number.MAX_SAFE_INTEGER;

/** @param rows in which the column is not missing   @param numeric whether all its cells are numbers */
export function classesOf({ columns }: Table, at: number, rows: readonly TableRow[], numeric: boolean): Classes {
  const valueOf = new Map(rows.map((row) => [textAt(row, at), numberOf(row.cells[at])]));
  const texts = [...valueOf.keys()];
  const codes = numeric && texts.some((text) => CODE.test(text));
  const long = numeric && [...valueOf.values()].some(isUnsafe);
  const bySize = (a: string, b: string): number => compare(valueOf.get(a)!, valueOf.get(b)!) || (a < b ? -1 : 1);
  const asThey = (asWritten: boolean, notes: readonly string[]): Classes => ({
    names: texts.sort(bySize),
    asWritten,
    codes,
    notes,
  });
  if (!numeric) return asThey(texts.some(readsAsNumber), []);
  const spellings = new Map<number, string[]>();
  for (const [text, value] of valueOf) spellings.set(value, [...(spellings.get(value) ?? []), text]);
  const shared = [...spellings.values()].filter((group) => group.length > 1);
  if (shared.length === 0) return asThey(codes || long, []);
  const [several] = shared;
  if (long) return asThey(true, [`Kept the long numbers of "${columns[at]}" as classes by all of their digits.`]);
  if (codes || !shared.flat().every((text) => CASUAL.test(text))) {
    return asThey(true, [
      `Kept ${quotedList(several)} of "${columns[at]}" as classes of their own, though they are one number.`,
    ]);
  }
  return {
    names: [...spellings.values()].map(([first]) => first).sort(bySize),
    asWritten: false,
    codes,
    notes: [`Took ${quotedList(several)} of "${columns[at]}" for one class, "${several[0]}".`],
  };
}

const compare = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a - b;

/** The label of a row's class: by its text, else by its value; undefined where it is not known. */
export function labeller(form: ClassForm): (row: TableRow, at: number) => number | undefined {
  const { classes, asWritten = false, decimal } = form;
  const byText = new Map(classes.map((name, label) => [name, label]));
  const valueOf = (name: string): number => numberOf((decimal && plainNumber(name, decimal)) ?? name);
  const byValue = new Map(asWritten ? [] : classes.map((name, label) => [valueOf(name), label]));
  byValue.delete(NaN);
  return (row, at) => byText.get(textAt(row, at)) ?? byValue.get(numberOf(row.cells[at]));
}
