/** The element of an id. */
export function find<E extends Element>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`[page] #${id} is not a ${kind.name}`);
  return element;
}

/** Puts a text where a page shows the figure of an id. */
export function show(id: string, text: string): void {
  const place = find(id, HTMLElement);
  // A text that stays is no news to a screen reader.
  if (place.textContent !== text) place.textContent = text;
}

/** Begins anew with the form's settings, and starts. */
export const restart = (): void => find('controls', HTMLFormElement).requestSubmit();

const HIDDEN_FRAME_MS = 250;

/** When the page has painted. A hidden page paints nothing, and is asked again later. */
export const nextFrame = (): Promise<unknown> =>
  new Promise((resolve) => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, HIDDEN_FRAME_MS);
  });

/** A share as `98.5 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

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
