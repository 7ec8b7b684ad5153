import { element } from './elements.ts';
import { callTable, formatRate, formatRatio, formatSeconds, formatSpread, type Report } from './report.ts';
import type { Result, Row } from './run.ts';

function cellOf(row: Row | undefined, fastest: number): HTMLTableCellElement {
  if (!row) return element('td');
  if (row.correct === false) return element('td', 'wrong', { className: 'wrong' });
  if (row.median === undefined) return element('td', '–', { title: row.unavailable ?? '' });
  const small = [formatSpread(row), formatRatio(row)].filter(Boolean).join(', ');
  const cell = element('td', [`${formatSeconds(row.median)} `, element('small', small)], { title: formatRate(row) });
  cell.classList.toggle('fastest', row.median === fastest);
  return cell;
}

function lineOf({ group, name, rows }: Result, peers: Report['peers']): HTMLTableRowElement {
  const fastest = Math.min(...rows.map(({ median = Infinity }) => median));
  const cells = peers.map((peer) =>
    cellOf(
      rows.find((row) => row.peer === peer.name),
      fastest,
    ),
  );
  return element('tr', [element('th', [name, ' ', element('small', group)], { scope: 'row' }), ...cells]);
}

/** Head and body of a table with a line for each case and a column for each peer. */
export function figureTable({ peers, results }: Report): [HTMLElement, HTMLElement] {
  const heads = peers.map(({ name, version = '' }) =>
    element('th', [name, ' ', element('small', version)], { scope: 'col' }),
  );
  const head = element('tr', [element('th', 'case', { scope: 'col' }), ...heads]);
  return [
    element('thead', [head]),
    element(
      'tbody',
      results.map((result) => lineOf(result, peers)),
    ),
  ];
}

/** Head and body of WebGPU's calls in a training step; nothing where there were none. */
export function callTableOf(results: readonly Result[]): HTMLElement[] {
  const [head, ...rows] = callTable(results);
  if (!head) return [];
  const heads = head.map((title) => element('th', title, { scope: 'col' }));
  const body = rows.map(([who, ...counts]) =>
    element('tr', [element('th', who, { scope: 'row' }), ...counts.map((count) => element('td', count))]),
  );
  return [element('thead', [element('tr', heads)]), element('tbody', body)];
}
