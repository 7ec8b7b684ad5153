import { sharesOf, type Numbers } from './attentionShares.ts';
import { find, rowOf } from './page.ts';

/** A sentence, what was made of it, and how it was looked at, `[N, T, 1, D]` each, this sentence first. */
export interface Translated {
  readonly read: readonly string[];
  readonly said: readonly string[];
  readonly queries: Numbers;
  readonly keys: Numbers;
}

/** A number to be translated, and a table of its words: for each that is written how much it looked at each that is read. */
export class Alignment {
  readonly #number = find('number', HTMLInputElement);
  readonly #head = find('read', HTMLTableRowElement);
  readonly #body = find('said', HTMLTableSectionElement);

  /** @param largest number   @param changed when there is another number */
  constructor(largest: number, changed: () => void) {
    this.#number.max = String(largest);
    this.#number.addEventListener('change', changed);
    find('another', HTMLButtonElement).addEventListener('click', () => {
      // The next of a walk that comes by every number.
      this.#number.value = String((this.number * 7919) % (largest + 1) || 1);
      changed();
    });
  }

  /** The number that was last in order. */
  get number(): number {
    return this.#number.validity.valid ? this.#number.valueAsNumber : 1;
  }

  show({ read, said, queries, keys }: Translated): void {
    const heads = read.map((word) => {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.textContent = word;
      return cell;
    });
    this.#head.replaceChildren(this.#head.cells[0], ...heads);
    this.#body.replaceChildren(
      ...said.map((word, place) => {
        const shares = sharesOf(queries, keys, place, 0, read.length);
        const row = rowOf(
          word,
          shares.map((share) => (100 * share).toFixed(0)),
        );
        shares.forEach((share, at) => row.cells[at + 1].style.setProperty('--share', share.toFixed(3)));
        return row;
      }),
    );
  }
}
