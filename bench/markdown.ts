import { STEPS_FACTOR } from './measure.ts';
import { callTable, formatFigure, notesOf, type Report } from './report.ts';

const escaped = (text: string): string => text.replaceAll('|', '\\|');
const row = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** The first row is the head; all columns but the first are numbers. */
function tableOf([head, ...rows]: readonly (readonly string[])[]): string {
  return [row(head), `| --- |${' ---: |'.repeat(head.length - 1)}`, ...rows.map(row)].join('\n');
}

/** Where and how it ran. */
export function circumstances(report: Report): (readonly [name: string, what: string])[] {
  const { adapter, runtime, machine, date, scale, rounds, seconds } = report;
  return [
    ['Adapter', adapter ? `${adapter.name}${adapter.software ? ' (software)' : ''}` : 'no WebGPU'],
    ['Runtime', runtime],
    ['Machine', `${machine.cores} logical cores, ${machine.system}`],
    ['Date', `${date.slice(0, 16).replace('T', ' ')} UTC`],
    [
      'Samples',
      `${rounds} of at least ${1000 * seconds} ms, of training steps ${STEPS_FACTOR * 1000 * seconds} ms, for each peer in each case; ${scale} sizes`,
    ],
  ];
}

/** A run as text that tells it all to a reader of an issue or a mail. */
export function markdownOf(report: Report, sentences: readonly string[]): string {
  const { peers, results } = report;
  const cells = results.map(({ group, name, rows }) => [
    `${group}, ${name}`,
    ...peers.map((peer) => formatFigure(rows.find((one) => one.peer === peer.name))),
  ]);
  const head = [
    'median ± half the quartiles’ distance',
    ...peers.map(({ name, version = '' }) => `${name} ${version}`),
  ];
  const calls = callTable(results);
  const parts = [
    '# millrace beside others',
    bullets(circumstances(report).map(([name, what]) => `${name}: ${what}`)),
    bullets(sentences),
    tableOf([head.map((title) => title.trim()), ...cells]),
    calls.length > 0 ? tableOf(calls) : '',
    bullets(notesOf(results)),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}
