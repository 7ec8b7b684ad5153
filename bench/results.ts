// What a run has found so far, shown.

import { find } from '../src/demo/page.ts';
import { barsOf } from './bars.ts';
import { element } from './elements.ts';
import { circumstances } from './markdown.ts';
import { sizePointsOf } from './crossing.ts';
import { sides, SUBJECT } from './peers/sides.ts';
import { sizeChartOf } from './sizeChart.ts';
import { notesOf, type Report } from './report.ts';
import { callTableOf, figureTable } from './tables.ts';

const put = (id: string, children: readonly Node[]): void => find(id, HTMLElement).replaceChildren(...children);
const items = (lines: readonly string[]): HTMLLIElement[] => lines.map((line) => element('li', line));

/**
 * Shows a report, with what it says in words, and what else a reader should know.
 * @param origin where it comes from, if not from here
 */
export function showResults(
  report: Report,
  sentences: readonly string[],
  troubles: readonly string[],
  origin = '',
): void {
  const { results } = report;
  put('origin', [element('p', origin)]);
  find('origin', HTMLElement).hidden = origin === '';
  put('words', items(sentences));
  const groups = [...new Set(results.map(({ group }) => group))];
  const grouped = groups.map((group) =>
    barsOf(
      group,
      results.filter((result) => result.group === group),
      sides,
    ),
  );
  const products = results.filter(({ group }) => group === 'matmul');
  const chart = sizeChartOf(sizePointsOf(products, sides, SUBJECT));
  put('sizes', chart);
  find('size-section', HTMLElement).hidden = chart.length === 0;
  put('bars', grouped);
  put('table', figureTable(report));
  put('notes', items([...notesOf(results), ...troubles]));
  const calls = callTableOf(results);
  put('calls', calls);
  find('call-section', HTMLElement).hidden = calls.length === 0;
  put(
    'circumstances',
    circumstances(report).flatMap(([name, what]) => [element('dt', name), element('dd', what)]),
  );
  find('results', HTMLElement).hidden = false;
}
