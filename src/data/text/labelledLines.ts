import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { DataError, FormatError } from '../../core/errors.ts';
import { counted, quotedList } from '../../core/textFormat.ts';
import { dataset, type Dataset } from '../dataset.ts';
import { isNgramsForm, ngramRows, ngramsIn, ngramsOf, type NgramsForm } from './ngrams.ts';
import type { LabelledLine } from './readLabelledLines.ts';
import { tokenizer, tokenizerOf, type Tokenizer } from './tokenizer.ts';
import { formIn, type TokenizerForm } from './tokenizerForm.ts';

/** All that is needed to see further texts as a model saw those that it learned from. Plain data, as JSON. */
export interface LinesForm {
  readonly tokenizer: TokenizerForm;
  /** Label i means classes[i]. */
  readonly classes: readonly string[];
  /** Tokens of a row. */
  readonly length: number;
  /** Runs of tokens that are numbered too. */
  readonly ngrams?: NgramsForm | undefined;
}

/** What `labelledLines` may be told. */
export interface LabelledLinesOptions {
  /** Words of these texts, in small letters, or the form's, if left out. It must have a token for padding. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Tokens of a row: those of the longest text, at most 512. What is longer loses its end. */
  readonly length?: number | undefined;
  /**
   * Runs of so many tokens at most are numbered by themselves, those that two lines have, from 1 on: a field `ngrams` has
   * each line's, each once, with 0 behind them.
   */
  readonly ngrams?: number | undefined;
  /** That of other lines, by which these are seen: a test set's are seen as the training set's. */
  readonly form?: LinesForm | undefined;
}

/** Texts with classes as training data. */
export interface LabelledLines<F extends string = 'tokens' | 'length' | 'label'> {
  /** `tokens` `[length]`, padding behind what is shorter, `length`, how many of them are the text's, and `label`. */
  readonly data: Dataset<F>;
  readonly tokenizer: Tokenizer;
  /** Label i means classes[i]: sorted, numbers by their size. */
  readonly classes: readonly string[];
  readonly form: LinesForm;
  /** What was cut off, in plain sentences. */
  readonly notes: readonly string[];
}

/** A row longer than this is asked for. */
const LONGEST = 512;
/** Lines that must have a run of tokens for it to count: of one that a single line has, nothing is learned of others. */
const LEAST_LINES = 2;

const isLine = (one: LabelledLine): boolean =>
  typeof Object(one).label === 'string' && typeof Object(one).text === 'string';

/**
 * Texts and their classes as training data, for models that judge a sentence.
 *
 *     const train = labelledLines(await readLabelledLines('sst.train', bytes));
 *     const test = labelledLines(await readLabelledLines('sst.test', more), { form: train.form });
 *
 * @throws DataError for a label that is none of the form's classes, and for lines of one class
 */
export function labelledLines(
  lines: readonly LabelledLine[],
  options: LabelledLinesOptions & { readonly ngrams: number },
): LabelledLines<'tokens' | 'length' | 'label' | 'ngrams'>;
export function labelledLines(lines: readonly LabelledLine[], options?: LabelledLinesOptions): LabelledLines;
export function labelledLines(lines: readonly LabelledLine[], options: LabelledLinesOptions = {}): LabelledLines {
  const where = 'labelledLines';
  const are = Array.isArray(lines) && lines.length > 0 && lines.every(isLine);
  requireKind(where, 'what is given', lines, are, 'lines, as readLabelledLines gives them, awaited');
  const usual = { tokenizer: undefined, length: undefined, ngrams: undefined, form: undefined };
  const given = optionsOf<LabelledLinesOptions, typeof usual>(where, options, usual);
  const texts = lines.map(({ text }) => text);
  const form = given.form ? readLinesForm(given.form) : undefined;
  const own = given.tokenizer ?? (form ? tokenizerOf(form.tokenizer) : tokenizer(texts, { kind: 'words' }));
  const rows = rowsOf(where, own, texts);
  const classes = form?.classes ?? classesIn(lines);
  const length = form?.length ?? given.length ?? Math.min(LONGEST, longestOf(rows));
  requireKind(where, 'length', length, Number.isInteger(length) && length > 0, 'a whole number of tokens');
  requireKind(where, 'ngrams', given.ngrams, isLongest(given.ngrams), 'a whole number of tokens, or left out');
  const ngrams = form ? form.ngrams : given.ngrams && ngramsIn(rows, given.ngrams, LEAST_LINES);
  const places = new Map(classes.map((name, at) => [name, at]));
  const label = Int32Array.from(lines, (line) => places.get(line.label) ?? refuseLabel(line, classes));
  const { fields, cut } = padded(own, rows, { length, ngrams: ngrams || undefined });
  return {
    data: dataset({ ...fields, label }),
    tokenizer: own,
    classes,
    form: { tokenizer: own.form, classes, length, ...(ngrams && { ngrams }) },
    notes: cut > 0 ? [`${counted(cut, 'text')} had more than ${length} tokens, and lost the end`] : [],
  };
}

const isLongest = (given: number | undefined): boolean => given === undefined || (Number.isInteger(given) && given > 0);

/**
 * Texts of no known class as a model of this form sees them.
 * @param ofForm the form's tokenizer, which is made of it if left out
 * @throws DataError for texts that are none
 */
export function encodeTexts(
  form: LinesForm,
  texts: readonly string[],
  ofForm?: Tokenizer,
): Dataset<'tokens' | 'length'> {
  const { tokenizer: own, length, ngrams } = readLinesForm(form);
  const are = Array.isArray(texts) && texts.length > 0 && texts.every((text) => typeof text === 'string');
  requireKind('encodeTexts', 'the texts', texts, are, 'a list of texts, one at least');
  const made = ofForm ?? tokenizerOf(own);
  return dataset(padded(made, rowsOf('encodeTexts', made, texts), { length, ngrams }).fields);
}

/** Checks what was read back from JSON. @throws FormatError naming what is missing */
export function readLinesForm(given: unknown): LinesForm {
  const { tokenizer: own, classes, length, ngrams } = Object(given) as Partial<LinesForm>;
  const form = formIn(own);
  const areClasses =
    Array.isArray(classes) && classes.every((name) => typeof name === 'string') && new Set(classes).size > 1;
  if (!areClasses || new Set(classes).size < classes.length) throw lacks('classes, a list of names, two at least');
  if (!Number.isSafeInteger(length) || length! < 1) throw lacks('length, a whole number of tokens');
  // Whether Hugging Face's has one is seen when it is at hand.
  if (form.kind !== 'huggingFace' && !form.special.includes('padding')) throw lacks('a token for padding');
  if (ngrams !== undefined && !isNgramsForm(ngrams))
    throw lacks('runs of tokens, lists of whole numbers, among its ngrams');
  return { tokenizer: form, classes, length: length!, ...(ngrams && { ngrams }) };
}

/** The tokens of each text; of one that has none, a single token of padding. */
function rowsOf(where: string, own: Tokenizer, texts: readonly string[]): Int32Array[] {
  const isOne = typeof Object(own).encode === 'function' && own.special.padding !== undefined;
  requireKind(
    where,
    'tokenizer',
    own,
    isOne,
    "one with a token for padding: tokenizer(texts, { special: ['padding'] })",
  );
  return texts.map((text) => own.encode(text));
}

const longestOf = (rows: readonly Int32Array[]): number => rows.reduce((most, { length }) => Math.max(most, length), 1);

/** Rows of one length, and how many were longer. */
function padded(
  { special }: Tokenizer,
  rows: readonly Int32Array[],
  { length, ngrams }: Pick<LinesForm, 'length' | 'ngrams'>,
) {
  const data = new Int32Array(rows.length * length).fill(special.padding!);
  rows.forEach((row, at) => data.set(row.subarray(0, length), at * length));
  const lengths = Int32Array.from(rows, (row) => Math.min(length, Math.max(1, row.length)));
  const seen = rows.map((row) => row.subarray(0, length));
  return {
    fields: {
      tokens: { data, shape: [length] },
      length: lengths,
      ...(ngrams && { ngrams: ngramRows(ngrams, seen, ngramsOf(length, ngrams.longest)) }),
    },
    cut: rows.filter((row) => row.length > length).length,
  };
}

/** The classes of lines in their order. @throws DataError if there is only one */
function classesIn(lines: readonly LabelledLine[]): string[] {
  const names = [...new Set(lines.map(({ label }) => label))];
  if (names.length < 2) {
    throw new DataError(
      `[labelledLines] all ${counted(lines.length, 'line')} have the label "${names[0]}": give lines of two classes at least`,
    );
  }
  const areNumbers = names.every((name) => name.trim() !== '' && Number.isFinite(Number(name)));
  return names.sort((a, b) => (areNumbers ? Number(a) - Number(b) : 0) || (a < b ? -1 : 1));
}

function refuseLabel({ label, file, line }: LabelledLine, classes: readonly string[]): never {
  throw new DataError(
    `[labelledLines] ${file}: line ${line} has the label "${label}", which is none of ${quotedList(classes)}: leave the line out, or train with such lines too`,
  );
}

const lacks = (what: string): FormatError =>
  new FormatError(`[labelledLines] the description of labelled lines lacks ${what}: make them and train again`);
