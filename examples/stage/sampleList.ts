import { find } from './page.ts';

interface Sample {
  readonly step: number;
  readonly item: HTMLLIElement;
}

/** What a net has written, the newest first, and how its visitors want it written. */
export class SampleList {
  readonly #list = find('samples', HTMLOListElement);
  readonly #begin = find('begin', HTMLInputElement);
  readonly #temperature = find('temperature', HTMLInputElement);
  /** The newest last. */
  #samples: Sample[] = [];

  /** @param changed when a visitor wants another sample */
  constructor(changed: () => void) {
    for (const field of [this.#begin, this.#temperature]) field.addEventListener('change', changed);
  }

  /** How a sample is to begin, and by how much its choices are left to chance. */
  get wishes(): { readonly begin: string; readonly temperature: number } {
    const temperature = this.#temperature.validity.valid ? this.#temperature.valueAsNumber : 1;
    return { begin: this.#begin.value, temperature };
  }

  clear(): void {
    this.#samples = [];
    this.#list.replaceChildren();
  }

  /** Of those before, a few stay to be compared: each of twice the steps of the one before it, at least. */
  show(step: number, text: string): void {
    const [before, last] = this.#samples.slice(-2);
    const isNear = last ? last.step < 2 * before.step : before?.step === step;
    if (isNear || last?.step === step) this.#samples.pop();
    this.#samples.push({ step, item: itemOf(step, text) });
    this.#list.replaceChildren(...this.#samples.map(({ item }) => item).reverse());
  }
}

function itemOf(step: number, text: string): HTMLLIElement {
  const [item, name, sample] = ['li', 'strong', 'p'].map((tag) => document.createElement(tag));
  name.textContent = `Step ${step.toLocaleString('en')}`;
  sample.textContent = text;
  item.append(name, sample);
  return item as HTMLLIElement;
}
