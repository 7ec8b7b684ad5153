import { find } from '../../src/demo/page.ts';

export { find, nextFrame, percent } from '../../src/demo/page.ts';

/** Puts a text where a page shows the figure of an id. */
export function show(id: string, text: string): void {
  const place = find(id, HTMLElement);
  // A text that stays is no news to a screen reader.
  if (place.textContent !== text) place.textContent = text;
}

/** Begins anew with the form's settings, and starts. */
export const restart = (): void => find('controls', HTMLFormElement).requestSubmit();

/** A loss in few digits, however small it is. */
export const lossText = (loss: number): string =>
  loss === 0 ? '0' : loss >= 0.1 ? loss.toFixed(3) : loss.toPrecision(2);

/** A row of a table, its first cell the row's head. */
export function rowOf(head: string | Node, cells: readonly string[]): HTMLTableRowElement {
  const row = document.createElement('tr');
  const name = document.createElement('th');
  name.scope = 'row';
  name.append(head);
  row.append(name);
  for (const cell of cells) row.insertCell().textContent = cell;
  return row;
}

/** Lists the file whose lesson a page is, below its pictures. */
export async function showSource(): Promise<void> {
  const place = find('source', HTMLElement);
  const file = place.dataset['file'];
  const load = sources[`../${file}`];
  if (!load) throw new Error(`[page] there is no examples/${file} to list`);
  place.textContent = await load();
}

const sources = import.meta.glob<string>('../*.ts', { query: '?raw', import: 'default' });
