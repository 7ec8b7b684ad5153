import type { Table, TableRow } from './table.ts';
import { isMissing, mayBeAnswer } from './cells.ts';
import { counted, quotedList } from '../../core/textFormat.ts';

/** Tells which cells of a column of texts read as missing: what was said to, or the usual; a minus beside a plus is an answer. */
export function absenceIn({ rows, said }: Table, at: number): (cell: string) => boolean {
  const words = said?.missing;
  const signs = words === undefined && rows.some(({ cells }) => cells[at].trim() === '+');
  return (cell) => isMissing(cell, words) && !(signs && cell.trim() === '-');
}

/** So many words a note quotes. */
const QUOTED = 3;

/** The rows whose cell of a column reads as missing, and could be an answer: none if it was said what is missing. */
const doubtfulRows = (table: Table, at: number): readonly TableRow[] => {
  if (table.said?.missing !== undefined) return [];
  const isAbsent = absenceIn(table, at);
  return table.rows.filter(({ cells }) => isAbsent(cells[at]) && mayBeAnswer(cells[at]));
};

const wordsIn = (rows: readonly TableRow[], at: number): readonly string[] =>
  [...new Set(rows.map(({ cells }) => cells[at].trim()))].slice(0, QUOTED);

/** Words of a column that read as missing, and could be answers. */
export const doubtfulWords = (table: Table, at: number): readonly string[] => wordsIn(doubtfulRows(table, at), at);

/** What to say of a column, some cells of which read as missing and could be answers. */
export function absenceNotes(table: Table, at: number): string[] {
  const doubtful = doubtfulRows(table, at);
  if (doubtful.length === 0) return [];
  return [
    `Read ${quotedList(wordsIn(doubtful, at))} in "${table.columns[at]}" as missing, in ${counted(doubtful.length, 'cell')}, the first on line ${doubtful[0].line}: say missing none if it is an answer.`,
  ];
}
