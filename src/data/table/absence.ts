import type { Table } from './table.ts';
import { isMissing, mayBeAnswer } from './cells.ts';
import { counted, quotedList } from '../../core/wording.ts';

/** Tells which cells of a column of texts read as missing: what was said to, or the usual; a minus beside a plus is an answer. */
export function absenceIn({ rows, said }: Table, at: number): (cell: string) => boolean {
  const words = said?.missing;
  const signs = words === undefined && rows.some(({ cells }) => cells[at].trim() === '+');
  return (cell) => isMissing(cell, words) && !(signs && cell.trim() === '-');
}

/** So many words a note quotes. */
const QUOTED = 3;

/** What to say of a column of texts, some of which read as missing and could be answers. */
export function absenceNotes(table: Table, at: number): string[] {
  if (table.said?.missing !== undefined) return [];
  const isAbsent = absenceIn(table, at);
  const doubtful = table.rows.filter(({ cells }) => isAbsent(cells[at]) && mayBeAnswer(cells[at]));
  if (doubtful.length === 0) return [];
  const words = [...new Set(doubtful.map(({ cells }) => cells[at].trim()))].slice(0, QUOTED);
  return [
    `Read ${quotedList(words)} in "${table.columns[at]}" as missing, in ${counted(doubtful.length, 'cell')}, the first on line ${doubtful[0].line}: say missing none if it is an answer.`,
  ];
}
