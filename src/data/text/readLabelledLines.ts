import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { DataError, FormatError } from '../../core/errors.ts';
import { counted } from '../../core/textFormat.ts';
import type { NamedFile } from '../fileSource.ts';
import { columnAt } from '../table/columns.ts';
import { requireTable, writtenOf, type Table } from '../table/table.ts';
import { linesIn, readText } from './readText.ts';

/** A text and its class. */
export interface LabelledLine {
  readonly label: string;
  readonly text: string;
  /** The line of its file, counted from 1, and the file, for messages. */
  readonly line: number;
  readonly file: string;
}

/**
 * Lines of a label, blanks and a text, as `1 a stirring , funny film`, gzipped or not. Empty lines are passed over.
 * @param file its bytes in UTF-8, or its text   @throws FormatError for a line that has a label and no text
 */
export async function readLabelledLines(
  name: string,
  file: Uint8Array | ArrayBuffer | string,
): Promise<LabelledLine[]> {
  const lines = linesIn(await readText(name, file)).flatMap((whole, at) => {
    const given = whole.trim();
    if (given === '') return [];
    const [, label, text] = /^(\S+)\s+(.*)$/su.exec(given) ?? [];
    if (text !== undefined) return [{ label, text, line: at + 1, file: name }];
    throw new FormatError(
      `[lines] ${name}: line ${at + 1} is "${given.slice(0, 40)}", but a line is a label, a blank and a text: mend it, or give a file for each class`,
    );
  });
  if (lines.length === 0) throw noLines(name);
  return lines;
}

/**
 * The lines of files of which each holds a class: `rt-polarity.neg` and `rt-polarity.pos`, or `spam.txt` and `ham.txt`. A
 * class is named by what tells its file's name from the others'. Empty lines are passed over.
 * @param given as a page gets them by a drop or a file input   @throws FormatError for a file without lines
 */
export async function readClassFiles(given: Iterable<NamedFile>): Promise<LabelledLine[]> {
  const files = typeof given === 'object' && Symbol.iterator in Object(given) ? [...given] : [];
  const are = files.length > 0 && files.every((file) => typeof Object(file).name === 'string');
  requireKind('lines', 'what is given', given, are, 'a list of files: readClassFiles(input.files)');
  if (files.length < 2) {
    throw new DataError(
      `[lines] there is ${counted(files.length, 'file')}, but each holds a class, of which there are two at least: give all files together, or one of lines that begin with a label`,
    );
  }
  const classes = distinctParts(files.map(({ name }) => name));
  const lines = await Promise.all(
    files.map(async (file, at) => {
      const { name } = file;
      const text = await readText(name, new Uint8Array(await file.arrayBuffer()));
      const own = linesIn(text).flatMap((whole, line) =>
        whole.trim() === '' ? [] : [{ label: classes[at], text: whole.trim(), line: line + 1, file: name }],
      );
      if (own.length === 0) throw noLines(name);
      return own;
    }),
  );
  return lines.flat();
}

/** Names without the parts, between points and dashes, that all begin and end with. */
function distinctParts(names: readonly string[]): string[] {
  const parts = names.map((name) => name.replace(/\.gz$/i, '').split(/[._\-/]+/));
  const most = Math.min(...parts.map(({ length }) => length)) - 1;
  const isShared = (partOf: (all: readonly string[]) => string | undefined): boolean =>
    parts.every((all) => partOf(all) === partOf(parts[0]));
  let [first, last] = [0, 0];
  while (first < most && isShared((all) => all[first])) first++;
  while (first + last < most && isShared((all) => all.at(-1 - last))) last++;
  return parts.map((all) => all.slice(first, all.length - last).join('-'));
}

/** Which columns of a table are text and label. */
export interface LabelledColumns {
  /** By name or number (1 is the first, −1 the last): the first one. */
  readonly text?: string | number;
  /** The last one. */
  readonly label?: string | number;
}

/** The texts and labels of a table's columns, as of a CSV file. Rows where one of the two is empty are passed over. */
export function linesOfTable(table: Table, columns: LabelledColumns = {}): LabelledLine[] {
  requireTable('linesOfTable', table);
  const { text, label } = optionsOf('linesOfTable', columns, { text: 1, label: -1 });
  const [textAt, labelAt] = [columnAt(table, text), columnAt(table, label)];
  const lines = table.rows.flatMap((row) => {
    const cells = writtenOf(row);
    const own = { label: cells[labelAt].trim(), text: cells[textAt].trim(), line: row.line, file: table.name };
    return own.label === '' || own.text === '' ? [] : [own];
  });
  if (lines.length === 0) throw noLines(table.name);
  return lines;
}

const noLines = (name: string): FormatError =>
  new FormatError(`[lines] ${name} has no lines with text: give a file that has`);
