import { paintDigit } from './digitImage.ts';
import type { Examination, Mistake } from '../protocol.ts';
import { wholePercent } from './wholePercent.ts';

const CLASSES = 10;
const DIGITS = Array.from({ length: CLASSES }, (_, digit) => digit);
const MOST_SHOWN = 24;

const markup = `
  <p class="mistakes-told">No test image was read yet.</p>
  <table class="confusion" hidden>
    <caption>Rows: what an image is. Columns: what it was read as. Last: how many of a row were read right.</caption>
    <thead>
      <tr>
        <th scope="col">Is</th>
        ${DIGITS.map((digit) => `<th scope="col">${digit}</th>`).join('')}
        <th scope="col">Right</th>
      </tr>
    </thead>
    <tbody>
      ${DIGITS.map((digit) => `<tr><th scope="row">${digit}</th>${'<td></td>'.repeat(CLASSES + 1)}</tr>`).join('')}
    </tbody>
  </table>
  <ul class="mistakes-worst" role="list" aria-label="Worst mistakes"></ul>`;

/** How test images were read: which digits are taken for which, and the images that were misread worst. */
export class Mistakes {
  readonly #onChosen: ((mistake: Mistake) => void) | undefined;
  readonly #told: HTMLElement;
  readonly #table: HTMLTableElement;
  readonly #list: HTMLElement;
  /** As many as were ever needed: a new examination fills them anew, so that the focus stays where it is. */
  readonly #items: Item[] = [];
  #shown: readonly Mistake[] = [];

  /** @param onChosen is given the mistake that the visitor wants to look at */
  constructor(host: HTMLElement, onChosen?: (mistake: Mistake) => void) {
    host.classList.add('mistakes');
    host.innerHTML = markup;
    this.#onChosen = onChosen;
    this.#told = host.querySelector('.mistakes-told')!;
    this.#table = host.querySelector('table')!;
    this.#list = host.querySelector('ul')!;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint());
  }

  /** Shows an examination in place of the one before. */
  show({ step, confusion, mistakes }: Examination): void {
    const { read, right } = this.#fillTable(confusion);
    this.#shown = mistakes.slice(0, MOST_SHOWN);
    const images = counted(read, 'test image');
    const result =
      read === right
        ? `no mistakes: all ${images} were read right.`
        : `${grouped(read - right)} of ${images} were misread. The worst are shown.`;
    this.#told.textContent = `After ${counted(step, 'step')}, ${result}`;
    this.#paint();
  }

  #fillTable(confusion: Uint32Array): { read: number; right: number } {
    let [read, right] = [0, 0];
    for (const digit of DIGITS) {
      const counts = confusion.subarray(digit * CLASSES, (digit + 1) * CLASSES);
      const count = counts.reduce((sum, one) => sum + one, 0);
      read += count;
      right += counts[digit];
      const cells = this.#table.tBodies[0].rows[digit].cells;
      counts.forEach((many, answer) => fillCell(cells[1 + answer], many, count, digit === answer));
      cells[1 + CLASSES].textContent = count > 0 ? wholePercent(counts[digit] / count) : '–';
    }
    this.#table.hidden = false;
    return { read, right };
  }

  #paint(): void {
    this.#shown.forEach((mistake, at) => {
      this.#items[at] ??= this.#itemAt(at);
      const { canvas, text, element } = this.#items[at];
      element.hidden = false;
      text.textContent = sentenceOf(mistake);
      paintDigit(canvas, mistake.pixels, 255);
    });
    for (const { element } of this.#items.slice(this.#shown.length)) element.hidden = true;
  }

  #itemAt(at: number): Item {
    const element = document.createElement('li');
    const isChoice = this.#onChosen !== undefined;
    const frame = document.createElement(isChoice ? 'button' : 'div');
    if (frame instanceof HTMLButtonElement) {
      frame.type = 'button';
      frame.addEventListener('click', () => this.#onChosen?.(this.#shown[at]));
    }
    const canvas = document.createElement('canvas');
    canvas.className = 'square digit';
    // The text says what it is.
    canvas.ariaHidden = 'true';
    const text = document.createElement('span');
    frame.append(canvas, text);
    element.append(frame);
    this.#list.append(element);
    return { element, canvas, text };
  }
}

interface Item {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly text: HTMLElement;
}

function fillCell(cell: HTMLTableCellElement, many: number, ofRow: number, isRight: boolean): void {
  cell.textContent = String(many);
  cell.className = many === 0 ? 'none' : isRight ? 'right' : 'wrong';
  // Its root, since a good network's mistakes are a hundredth of a row, and are to be seen.
  cell.style.setProperty('--depth', ofRow > 0 ? Math.sqrt(many / ofRow).toFixed(3) : '0');
}

function sentenceOf({ label, answer, answerProbability }: Mistake): string {
  const how = answer === label ? 'just read' : `read as ${answer}`;
  return `${label === 8 ? 'an' : 'a'} ${label}, ${how} (${wholePercent(answerProbability)})`;
}

const grouped = (count: number): string => count.toLocaleString('en');

const counted = (count: number, what: string): string => `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
