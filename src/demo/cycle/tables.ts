import { formatNumber } from './magnitudes.ts';
import type { NumbersRow, NumbersTable } from './numbers.ts';

/** Tables of numbers whose cells are written anew, and made anew only where the tables are others. */
export class Tables {
  readonly #host: HTMLElement;
  #made = '';
  #cells: HTMLTableCellElement[] = [];

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  show(tables: readonly NumbersTable[]): void {
    const form = JSON.stringify(
      tables.map(({ caption, headers, rows }) => [
        caption,
        headers,
        rows.map(({ header, cells }) => [header, cells.length]),
      ]),
    );
    if (form !== this.#made) {
      this.#cells = [];
      this.#host.replaceChildren(...tables.map((table) => this.#make(table)));
      this.#made = form;
    }
    const values = tables.flatMap(({ rows }) => rows.flatMap(({ cells }) => cells));
    values.forEach((value, at) => write(this.#cells[at], value));
  }

  #make({ caption, headers, rows }: NumbersTable): HTMLElement {
    const frame = document.createElement('div');
    frame.className = 'scroll';
    const table = document.createElement('table');
    table.createCaption().textContent = caption;
    const head = table.createTHead().insertRow();
    for (const header of headers) head.append(headerCell(header, 'col'));
    const body = table.createTBody();
    for (const row of rows) this.#cells.push(...rowOf(body, row));
    frame.append(table);
    return frame;
  }
}

function headerCell(text: string, scope: 'row' | 'col'): HTMLTableCellElement {
  const cell = document.createElement('th');
  cell.scope = scope;
  cell.textContent = text;
  return cell;
}

function rowOf(body: HTMLTableSectionElement, { header, path, cells, isMarked }: NumbersRow): HTMLTableCellElement[] {
  const row = body.insertRow();
  if (isMarked) row.className = 'marked';
  if (path !== undefined) row.dataset['path'] = path;
  row.append(headerCell(header, 'row'));
  return cells.map(() => row.insertCell());
}

/** Five digits to read, and all of them for whoever checks. */
function write(cell: HTMLTableCellElement, value: number | string): void {
  cell.textContent = typeof value === 'number' ? formatNumber(value) : value;
  if (typeof value === 'number') cell.dataset['value'] = String(value);
}
