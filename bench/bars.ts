// Each case as bars, one for each peer, on a logarithmic axis that the cases of a group share.

import { timedOf, type Timed } from './duel.ts';
import { element } from './elements.ts';
import { logScale, placeOn, ticksOf, type LogScale } from './logScale.ts';
import type { Side } from './peers/sides.ts';
import { formatFigure, formatSeconds } from './report.ts';
import type { Result, Row } from './run.ts';
import { checkedLine } from './words.ts';

/** As many as fit beside each other on a telephone. */
const MOST_LABELS = 6;

const share = (fraction: number): string => `${(100 * fraction).toFixed(2)}%`;

function axisOf(scale: LogScale): HTMLElement {
  const ticks = ticksOf(scale, MOST_LABELS).map(({ place, label }) => {
    const tick = element('span', label, { className: 'tick' });
    tick.style.left = share(place);
    return tick;
  });
  return element('div', ticks, { className: 'axis', ariaHidden: 'true' });
}

/** The bar ends at the median; a line goes from quartile to quartile. */
function trackOf({ median, q1, q3 }: Timed, scale: LogScale): HTMLElement {
  const bar = element('span', '', { className: 'bar' });
  bar.style.width = share(placeOn(scale, median));
  const quartiles = element('span', '', { className: 'quartiles' });
  quartiles.style.left = share(placeOn(scale, q1));
  quartiles.style.width = share(placeOn(scale, q3) - placeOn(scale, q1));
  const lines = ticksOf(scale, MOST_LABELS).map(({ place }) => {
    const line = element('span', '', { className: 'line' });
    line.style.left = share(place);
    return line;
  });
  const track = element('span', [...lines, bar, quartiles], { className: 'track', ariaHidden: 'true' });
  track.title = `quartiles ${formatSeconds(q1)} and ${formatSeconds(q3)}`;
  return track;
}

function lineOf(row: Row, side: Side, scale: LogScale, fastest: number): HTMLElement {
  const [timed] = timedOf([row]);
  const parts = [
    element('span', [row.peer, ' ', element('small', side.toUpperCase())], { className: 'peer' }),
    element('span', formatFigure(row), { className: 'figure' }),
    timed ? trackOf(timed, scale) : element('small', row.unavailable ?? 'another result than double precision'),
  ];
  const line = element('li', parts, { className: side });
  line.classList.toggle('fastest', timed?.median === fastest);
  line.classList.toggle('wrong', row.correct === false);
  return line;
}

function figureOf(result: Result, sides: ReadonlyMap<string, Side>, scale: LogScale): HTMLElement {
  const fastest = Math.min(...timedOf(result.rows).map(({ median }) => median));
  const lines = result.rows.map((row) => lineOf(row, sides.get(row.peer) ?? 'cpu', scale, fastest));
  const title = element('figcaption', [element('h4', result.name), element('p', checkedLine(result))]);
  return element('figure', [title, element('ul', lines, { className: 'bars' }), axisOf(scale)]);
}

/** The cases of one group, all on one axis. */
export function barsOf(group: string, results: readonly Result[], sides: ReadonlyMap<string, Side>): HTMLElement {
  const timed = results.flatMap(({ rows }) => timedOf(rows));
  const scale = timed.length > 0 ? logScale(timed.flatMap(({ q1, q3 }) => [q1, q3])) : { from: -6, to: 0 };
  const figures = results.map((result) => figureOf(result, sides, scale));
  return element('div', [element('h3', group), ...figures], { className: 'group' });
}
