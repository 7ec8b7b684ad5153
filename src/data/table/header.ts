import type { CsvRecord } from './csv.ts';
import { isFigure, isMissing } from './cells.ts';
import { plainNumber, readsAsNumber } from './decimals.ts';

/*
 * Whether the first line names the columns. A text above numbers is a name, and so is a number above texts. Where names
 * are numbers (pandas' 0, 1, 2, …, some of them dropped or moved; years, wavelengths) above numbers, no cell complains: they
 * are told by rising evenly, as no other line does, and by standing apart from what is below them, as a class that no row
 * has. Evidence that does not suffice makes a row, and a note.
 */

/** What the first line was taken for, and what to say of it where that was not plain. */
export interface Verdict {
  readonly header: boolean;
  readonly note: string | null;
}

/** Rows that are looked at. */
const SAMPLE = 1000;
/** With fewer rows, a pattern in the first line may be chance. */
const ROWS_TO_COMPARE = 10;
/** A pattern that more rows have as well says little of the first line, and beyond the second share nothing. */
const FEW_ALIKE = 0.05;
const MANY_ALIKE = 0.5;
/** Texts and numbers that come again so often on average are categories. */
const ROWS_PER_CATEGORY = 5;

interface Column {
  /** Its cell of the first line. */
  readonly name: string;
  readonly kind: 'empty' | 'missing' | 'number' | 'figure' | 'text';
  /** Its other cells. */
  readonly below: readonly string[];
}

function kindOf(cell: string): Column['kind'] {
  if (cell === '') return 'empty';
  if (isMissing(cell, undefined)) return 'missing';
  if (readsAsNumber(cell)) return 'number';
  return isFigure(cell) ? 'figure' : 'text';
}

const row: Verdict = { header: false, note: null };
const names: Verdict = { header: true, note: null };

/** Judges the first of a file's records. */
export function headerOf([first, ...rest]: readonly CsvRecord[]): Verdict {
  const sample = rest.slice(0, SAMPLE);
  const columns = first.cells.map((cell, at): Column => {
    const name = cell.trim();
    return { name, kind: kindOf(name), below: sample.map(({ cells }) => cells[at].trim()) };
  });
  const figures = columns.filter(({ kind }) => kind === 'figure');
  if (figures.some(({ below }) => below.some((cell) => kindOf(cell) === 'figure'))) return row;
  const texts = columns.filter(({ kind }) => kind === 'text' || kind === 'figure');
  const numbers = columns.filter(({ kind }) => kind === 'number');
  if (numbers.length > 0) return ofNumbers(first.line, columns, texts, numbers);
  if (columns.some(({ kind }) => kind === 'missing')) {
    return !texts.some(comesAgain) && texts.some((column) => standsOverNumbers(column) || isStranger(column))
      ? names
      : row;
  }
  return ofTexts(first, rest, texts);
}

/** A first line of texts is a header if there are numbers below it, or if none comes again below, as categories would. */
function ofTexts({ line, cells }: CsvRecord, rest: readonly CsvRecord[], texts: readonly Column[]): Verdict {
  if (texts.length === 0) return row;
  if (rest.some((other) => other.cells.some(readsAsNumber))) return names;
  if (rest.some((other) => other.cells.some((cell, at) => cell === cells[at]))) return row;
  if (rest.length === 0 || texts.some(isStranger)) return names;
  return { header: true, note: `Took line ${line} for the names of the columns: ${SAY_NO}.` };
}

/** Whether cells could be names: all differ, and those that are numbers are whole. */
export const mayBeNames = (cells: readonly string[]): boolean =>
  new Set(cells).size === cells.length && cells.every((cell) => isWhole(cell) || kindOf(cell) === 'text');

const SAY_NO = 'say header no if it is a row';

const comesAgain = ({ name, below }: Column): boolean => below.includes(name);

function standsOverNumbers({ below }: Column): boolean {
  const present = below.filter((cell) => !isMissing(cell, undefined));
  return present.length > 0 && present.every(readsAsNumber);
}

const valueOf = (cell: string): string | number => (readsAsNumber(cell) ? numberIn(cell) : cell);

/** Above categories each of which comes again, and none of them. */
function isStranger({ name, kind, below }: Column): boolean {
  if (below.length < ROWS_TO_COMPARE || kind === 'empty' || kind === 'missing') return false;
  const counts = new Map<string | number, number>();
  for (const cell of below) counts.set(valueOf(cell), (counts.get(valueOf(cell)) ?? 0) + 1);
  const comeAgain = [...counts.values()].every((count) => count > 1);
  return comeAgain && counts.size * ROWS_PER_CATEGORY <= below.length && !counts.has(valueOf(name));
}

const numberIn = (cell: string): number => Number(plainNumber(cell, '.') ?? plainNumber(cell, ',') ?? NaN);

/** How names that are numbers follow each other. */
const rises = (values: readonly number[]): boolean => values.every((value, at) => at === 0 || value > values[at - 1]);

/** Of a step that was rounded. */
const UNEVEN = 1e-3;

function isEven(values: readonly number[]): boolean {
  const step = values[1] - values[0];
  return values.every((value, at) => at === 0 || Math.abs(value - values[at - 1] - step) <= UNEVEN * Math.abs(step));
}

const isCount = (values: readonly number[], from: number): boolean => values.every((value, at) => value === from + at);

const isYears = (values: readonly number[]): boolean =>
  (rises(values) || rises(values.toReversed())) &&
  values.every((value) => Number.isInteger(value) && value >= 1800 && value <= 2200);

/** How much numbers look like names: 2 by themselves, 1 if something else speaks for it, 0 not at all. */
function likeNames(values: readonly number[]): 0 | 1 | 2 {
  const { length } = values;
  if ((isCount(values, 0) || isYears(values)) && length >= 3) return 2;
  if (isCount(values, 1) && length >= 5) return 2;
  const falls = rises(values.toReversed());
  if (length >= 6 && (rises(values) || falls)) return isEven(values) ? 2 : 1;
  const few = isCount(values, 0) || (isCount(values, 1) && length === 2) || isYears(values);
  return few || (length >= 3 && rises(values) && isEven(values)) ? 1 : 0;
}

/** Whether a row follows the first line's pattern: then it is one of the data's. */
function follows(values: readonly number[], pattern: readonly number[]): boolean {
  const sorted = values.toSorted((a, b) => a - b);
  if (pattern.toSorted((a, b) => a - b).every((value, at) => value === sorted[at])) return true;
  if (isYears(pattern) && isYears(values)) return true;
  if (values.length < 3) return false;
  const alike = rises(pattern) ? rises(values) : rises(values.toReversed());
  return alike && (!isEven(pattern) || isEven(values));
}

/** Judges a first line some of whose cells are numbers. */
function ofNumbers(
  line: number,
  columns: readonly Column[],
  texts: readonly Column[],
  numbers: readonly Column[],
): Verdict {
  const values = numbers.map(({ name }) => numberIn(name));
  const isRepeated = new Set(values).size < values.length;
  if (texts.some(comesAgain)) return row;
  const spelled = numbers.map(({ name }) => name);
  const { taken, doubt } = verdictsOn(line, spelled);
  const overTexts = numbers.filter(standsOverTexts);
  if (isRepeated) return overTexts.length > 0 ? doubt : row;
  if (overTexts.some(({ below }) => below.length >= ROWS_TO_COMPARE) || standsBeforeCount(columns)) return taken;
  const strength = likeNames(values);
  const isLabels = strength === 0 && values.length > 1 && spelled.every(isWhole);
  if (isLabels && !continues(numbers) && labelsStandApart(numbers)) return taken;
  if (texts.some((column) => column.kind === 'text' && standsOverNumbers(column))) {
    return strength === 2 || (strength === 1 && spelled.every(isWhole)) ? taken : doubt;
  }
  const strangers = texts.filter(isStranger).length;
  if (strangers > 1 || (strangers > 0 && strength > 0)) return taken;
  if (strangers > 0 || overTexts.length > 0) return doubt;
  const rows = numbers[0].below.map((_, at) => numbers.map(({ below }) => numberIn(below[at])));
  const alike = rows.filter((other) => follows(other, values)).length / Math.max(1, rows.length);
  if (strength === 0) {
    const rising = values.length >= 3 && (rises(values) || rises(values.toReversed())) && alike <= FEW_ALIKE;
    const apart = rising || numbers.some(standsApart) || chanceOfWholes(numbers) <= FEW_ALIKE;
    return isLabels && !continues(numbers) && apart ? doubt : row;
  }
  if (alike > MANY_ALIKE) return row;
  const apart = !continues(numbers) && (numbers.some(isStranger) || differs(numbers));
  const sure = strength === 2 && rows.length >= ROWS_TO_COMPARE && alike <= FEW_ALIKE && !continues(numbers);
  if (sure || apart) return taken;
  return values.length >= 3 || (values.length === 2 && !isCount(values, 1)) ? doubt : row;
}

function verdictsOn(line: number, spelled: readonly string[]): { readonly taken: Verdict; readonly doubt: Verdict } {
  const shown = spelled.length > 3 ? `${spelled.slice(0, 3).join(', ')}, …` : spelled.join(', ');
  const are = spelled.length === 1 ? 'is a number' : 'are numbers';
  return {
    taken: { header: true, note: `Took line ${line} for the names of the columns, though ${shown} ${are}: ${SAY_NO}.` },
    doubt: {
      header: false,
      note: `Took line ${line} for a row, though it may name the columns (${shown}): say header yes if it does.`,
    },
  };
}

/** A number above words: no row would have it there. */
function standsOverTexts({ below }: Column): boolean {
  const present = below.map(kindOf).filter((kind) => kind !== 'empty' && kind !== 'missing');
  return present.length > 1 && present.every((kind) => kind === 'text');
}

/**
 * Whether whole numbers that follow no pattern are told to be names by what is below them: not by fractions alone, as a
 * computed table begins with whole numbers too.
 */
const labelsStandApart = (numbers: readonly Column[]): boolean =>
  numbers.some((column) => isStranger(column) && isCommon(column)) ||
  (isShuffledCount(numbers) && numbers.filter(standsApart).length > 1);

/** All numbers from 0 or 1 on, in another order: a target that was moved. */
function isShuffledCount(numbers: readonly Column[]): boolean {
  const sorted = numbers.map(({ name }) => numberIn(name)).sort((a, b) => a - b);
  return sorted.length >= 4 && (isCount(sorted, 0) || isCount(sorted, 1));
}

/** Above a few values, none of which is rare: then the first line's, which is not among them, is no rare one either. */
function isCommon({ below }: Column): boolean {
  const counts = new Map<string | number, number>();
  for (const cell of below) counts.set(valueOf(cell), (counts.get(valueOf(cell)) ?? 0) + 1);
  return [...counts.values()].every((count) => count >= ROWS_PER_CATEGORY);
}

/** Whether all columns rise or fall from the first line on, as a series does. */
const continues = (numbers: readonly Column[]): boolean =>
  numbers.every(({ name, below }) => {
    if (below.length < 3) return false;
    const values = [name, ...below].map(numberIn);
    const steps = values.slice(1).map((value, at) => value - values[at]);
    return steps.every((step) => step >= 0) || steps.every((step) => step <= 0);
  });

/** pandas leaves the name of its index empty, or the column counts the rows. */
const standsBeforeCount = ([{ kind, below }]: readonly Column[]): boolean =>
  kind === 'empty' && below.length > 1 && isCount(below.map(numberIn), numberIn(below[0]));

const isWhole = (cell: string): boolean => /^\d+$/.test(cell);

/** A whole number above fractions alone. */
const isOverFractions = ({ name, below }: Column): boolean => isWhole(name) && !below.some(isWhole);

/** How likely a row of whole numbers is, by the shares of the columns. */
const chanceOfWholes = (numbers: readonly Column[]): number =>
  numbers.reduce((chance, { below }) => (chance * below.filter(isWhole).length) / Math.max(1, below.length), 1);

/** A number beyond all that is below it. */
function isBeyond({ name, below }: Column): boolean {
  const values = below.map(numberIn).filter((value) => !Number.isNaN(value));
  const value = numberIn(name);
  if (values.length < ROWS_TO_COMPARE / 2) return false;
  return values.every((other) => other < value) || values.every((other) => other > value);
}

const standsApart = (column: Column): boolean => isOverFractions(column) || isBeyond(column);

/** Whole numbers above fractions, or numbers beyond all that is below them. */
function differs(numbers: readonly Column[]): boolean {
  if (numbers.length < 3 || numbers[0].below.length < 2) return false;
  return 2 * numbers.filter(isOverFractions).length >= numbers.length || numbers.every(isBeyond);
}
