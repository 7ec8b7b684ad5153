import { FormatError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { isNumbers } from '../numbers.ts';
import { isNumber } from './cells.ts';
import type { Decimal } from './decimals.ts';

/** A column of numbers, which a model sees as (number − mean) / deviation. */
export interface NumberForm {
  readonly kind: 'number';
  readonly name: string;
  /** Of the training part. */
  readonly mean: number;
  readonly deviation: number;
  /** What precedes fractions, where numbers were not plain, or this was said. */
  readonly decimal?: Decimal | undefined;
  /** Whether the other sign stood between thousands. */
  readonly grouped?: boolean | undefined;
}

/** A column of texts, of which a model sees a 1 at the place of the row's category, among zeros. */
export interface CategoryForm {
  readonly kind: 'category';
  readonly name: string;
  /** Of the training part, sorted. */
  readonly categories: readonly string[];
}

/** Classes by name, as they are written: label i means classes[i]. */
export interface ClassForm {
  readonly kind: 'class';
  readonly name: string;
  readonly classes: readonly string[];
  /** Whether a cell names a class by its text alone; else 1.0 is 1. */
  readonly asWritten?: boolean | undefined;
  /** What precedes fractions, where classes are numbers that are not plain. */
  readonly decimal?: Decimal | undefined;
}

/** How a column becomes features. */
export type FeatureForm = NumberForm | CategoryForm;
/** How the column that is learned becomes numbers. */
export type TargetForm = NumberForm | ClassForm;

/**
 * All that is needed to see further rows as a model saw its training rows. Plain data, to be kept with the model as JSON.
 */
export interface TableForm {
  /** Whether the file named its columns: if so, those of another file are found by name, else by place. */
  readonly header: boolean;
  /** All columns of the file, in its order; those in neither `features` nor `target` were dropped. */
  readonly columns: readonly string[];
  /** One behind the other they make the field `features`. */
  readonly features: readonly FeatureForm[];
  /** The field `label` if it is a class, else the field `target`. */
  readonly target: TargetForm;
  /** Words that read as missing, if they were said: see `TableOptions`. */
  readonly missing?: readonly string[] | undefined;
}

/** The category of rows where the text is missing. */
export const MISSING_CATEGORY = '(missing)';

/** @throws DataError for what is no form */
export function requireForm(where: string, given: unknown): void {
  const { features, target } = Object(given) as Partial<TableForm>;
  const isForm = Array.isArray(features) && target instanceof Object;
  requireKind(where, 'the form', given, isForm, 'that of prepareTable(…).form, or of readTableForm');
}

/** How many numbers a model takes. */
export function featureCount(form: TableForm): number {
  requireForm('featureCount', form);
  return form.features.reduce((count, own) => count + (own.kind === 'number' ? 1 : own.categories.length), 0);
}

/** How many numbers a model gives: a logit for each class, or the standardised target. */
export function outputCount(form: TableForm): number {
  requireForm('outputCount', form);
  return form.target.kind === 'class' ? form.target.classes.length : 1;
}

/**
 * What a model's outputs say of each row: the likeliest class by name, or a number in the target's own unit.
 * @param outputs `[N, C]` logits, or `[N]` or `[N, 1]` standardised numbers
 */
export function answersOf(form: TableForm, outputs: ArrayLike<number>): readonly string[] | readonly number[] {
  requireForm('answersOf', form);
  requireOutputs('answersOf', outputs);
  const { target } = form;
  if (target.kind === 'number') return Array.from(outputs, (number) => target.mean + target.deviation * number);
  const { classes } = target;
  return likeliest(outputs, classes.length).map((best) => classes[best]);
}

const requireOutputs = (where: string, given: unknown): void =>
  requireKind(where, 'what is given', given, isNumbers(given), 'numbers, as those of prediction.data');

/**
 * The place of the largest logit in each row of `[N, C]`, the first of equals.
 * @throws DataError for what is no numbers, or a number of classes that does not divide theirs
 */
export function likeliest(logits: ArrayLike<number>, classes: number): number[] {
  requireOutputs('likeliest', logits);
  const { length } = logits;
  const divides = classes >= 1 && Number.isInteger(length / classes) && Number.isInteger(classes);
  requireKind('likeliest', 'classes', classes, divides, `a whole number that divides that of the logits, ${length}`);
  return Array.from({ length: Math.floor(logits.length / classes) }, (_, row) => {
    const base = row * classes;
    let best = 0;
    for (let at = 1; at < classes; at++) if (logits[base + at] > logits[base + best]) best = at;
    return best;
  });
}

/** So few cells that are names in another order than the file's, as 1 and 0, are a row more likely. */
const FEW = 2;

/**
 * Whether cells are the header of a table of this form: never if its file had none; else if half of them are texts that
 * name its columns, or none is a number, or all are names, and few are in the file's order, as a row hardly would be.
 */
export function namesColumns(form: TableForm, cells: readonly string[]): boolean {
  requireForm('namesColumns', form);
  requireKind('namesColumns', 'cells', cells, isTexts(cells), 'a list of texts');
  if (!form.header) return false;
  const texts = cells.filter((cell) => !isNumber(cell));
  const known = texts.filter((cell) => form.columns.includes(cell)).length;
  return (
    2 * known >= Math.max(1, Math.min(cells.length, form.columns.length)) ||
    texts.length === cells.length ||
    (namesAll(form, cells) && (known > 0 || cells.length > FEW || isInOrder(form, cells)))
  );
}

/** Whether cells name all columns that a form needs, and are numbers in another order than the file's. */
export const isShuffled = (form: TableForm, cells: readonly string[]): boolean =>
  form.header && cells.every(isNumber) && namesAll(form, cells) && !isInOrder(form, cells);

const placesIn = ({ columns }: TableForm, cells: readonly string[]): number[] =>
  cells.map((cell) => columns.indexOf(cell.trim()));

const isInOrder = (form: TableForm, cells: readonly string[]): boolean =>
  placesIn(form, cells).every((place, at, places) => at === 0 || place > places[at - 1]);

/** Whether cells name all features and no other column. */
function namesAll(form: TableForm, cells: readonly string[]): boolean {
  const places = placesIn(form, cells);
  if (places.includes(-1) || new Set(places).size < places.length) return false;
  return form.features.every(({ name }) => places.includes(form.columns.indexOf(name)));
}

/** Checks what was read back from JSON. @throws FormatError naming what is missing */
export function readTableForm(given: unknown): TableForm {
  const { header, columns, features, target, missing } = recordOf(given, 'a form');
  if (typeof header !== 'boolean') throw lacks('header, true or false');
  if (!isTexts(columns)) throw lacks('columns, a list of names');
  if (!Array.isArray(features) || features.length === 0) throw lacks('features, a list of columns');
  const form = {
    header,
    columns,
    features: features.map((feature) => columnForm(feature, 'category')),
    target: columnForm(target, 'class'),
    ...(missing !== undefined && { missing: wordsOf(missing) }),
  };
  for (const { name } of [...form.features, form.target]) {
    if (!columns.includes(name)) throw lacks(`"${name}" among its columns`);
  }
  return form;
}

function columnForm(given: unknown, other: 'category'): FeatureForm;
function columnForm(given: unknown, other: 'class'): TargetForm;
function columnForm(given: unknown, other: 'category' | 'class'): FeatureForm | TargetForm {
  const { kind, name, mean, deviation, categories, classes, asWritten, decimal, grouped } = recordOf(given, 'a column');
  if (typeof name !== 'string') throw lacks('the name of a column');
  const written = decimal === undefined ? {} : { decimal: decimalIn(decimal, name) };
  if (kind === 'number') {
    if (!Number.isFinite(mean) || !(Number(deviation) > 0)) throw lacks(`mean and deviation of "${name}"`);
    const marks = { ...written, ...(grouped === true && { grouped }) };
    return { kind, name, mean: Number(mean), deviation: Number(deviation), ...marks };
  }
  if (kind !== other) throw lacks(`the kind of "${name}", number or ${other}`);
  if (kind === 'class') {
    if (!isTexts(classes)) throw lacks(`the classes of "${name}"`);
    return { kind, name, classes, ...(asWritten === true && { asWritten }), ...written };
  }
  if (!isTexts(categories)) throw lacks(`the categories of "${name}"`);
  return { kind: 'category', name, categories };
}

/** A column of numbers, read back. @throws FormatError naming what is missing */
export function readNumberForm(given: unknown): NumberForm {
  const form = columnForm(given, 'category');
  if (form.kind !== 'number') throw lacks(`the kind of "${form.name}", number`);
  return form;
}

function recordOf(given: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null) throw lacks(`${what} with names and values`);
  return given as Readonly<Record<string, unknown>>;
}

function decimalIn(given: unknown, name: string): Decimal {
  if (given === '.' || given === ',') return given;
  throw lacks(`the decimal sign of "${name}", a point or a comma`);
}

function wordsOf(given: unknown): readonly string[] {
  if (Array.isArray(given) && given.every((word) => typeof word === 'string')) return given;
  throw lacks('the words that read as missing');
}

const isTexts = (given: unknown): given is readonly string[] =>
  Array.isArray(given) && given.length > 0 && given.every((text) => typeof text === 'string');

const lacks = (what: string): FormatError =>
  new FormatError(`[table] the description of a table lacks ${what}: prepare the table and train again`);
