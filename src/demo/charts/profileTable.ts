import type { Profile } from '../../index.ts';
import { percent } from '../page.ts';

const HEADS = ['Launch', 'Gives', 'Time', 'Share', 'GFLOP/s', 'GB/s'];

const rate = (perSecond: number | null): string => (perSecond === null ? '–' : (perSecond / 1e9).toPrecision(3));

/** Where the time of a step goes, launch by launch. */
export class ProfileTable {
  readonly #host: HTMLElement;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  show(profile: Profile): void {
    const table = document.createElement('table');
    table.createCaption().textContent = captionOf(profile);
    const head = table.createTHead().insertRow();
    for (const text of HEADS) head.append(headerOf(text, 'col'));
    const body = table.createTBody();
    for (const { name, output, ms, share, flopsPerSecond, bytesPerSecond } of profile.launches) {
      const row = body.insertRow();
      row.append(headerOf(name, 'row'));
      const cells = [output, `${ms.toFixed(3)} ms`, percent(share), rate(flopsPerSecond), rate(bytesPerSecond)];
      for (const text of cells) row.insertCell().textContent = text;
    }
    this.#host.replaceChildren(table);
  }
}

function headerOf(text: string, scope: 'row' | 'col'): HTMLTableCellElement {
  const cell = document.createElement('th');
  cell.scope = scope;
  cell.textContent = text;
  return cell;
}

function captionOf({ steps, msPerStep, clock, quantised, backend }: Profile): string {
  const whole = `A step takes ${msPerStep.toPrecision(3)} ms as training runs it.`;
  const timed = `Timed over ${steps} steps, which are put back`;
  if (backend === 'cpu') return `${whole} ${timed}.`;
  if (clock === 'wall')
    return `${whole} ${timed}, by the wall clock, each launch as a submit of its own: times far below a millisecond say little.`;
  return quantised
    ? `${whole} ${timed}, by timestamps that the browser rounds to 65,536 ns: short times are rough.`
    : `${whole} ${timed}, by timestamps.`;
}
