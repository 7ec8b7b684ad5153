import { find, percent } from './page.ts';

/** Whose knowledge a bar shows, and the token of its colour. */
const kinds = { alone: '--two', average: '--one' } as const;

export type Who = keyof typeof kinds;

const DIGITS = 10;

/** For each digit two bars, of what the network read right before an average and behind it. */
export class DigitBars {
  readonly #items: readonly HTMLLIElement[];
  readonly #known: Record<Who, readonly number[]> = { alone: [], average: [] };

  /** @param id of the list that it fills */
  constructor(id: string) {
    this.#items = Array.from({ length: DIGITS }, () => document.createElement('li'));
    find(id, HTMLOListElement).replaceChildren(...this.#items);
    this.clear();
  }

  /** Marks the digits that the tab's person has. */
  mark(digits: readonly number[]): void {
    this.#items.forEach((item, digit) => item.classList.toggle('own', digits.includes(digit)));
  }

  clear(): void {
    Object.assign(this.#known, { alone: [], average: [] });
    this.#paint();
  }

  show(who: Who, byDigit: readonly number[]): void {
    this.#known[who] = byDigit;
    this.#paint();
  }

  #paint(): void {
    this.#items.forEach((item, digit) => {
      const [bars, name, words] = ['div', 'strong', 'span'].map((tag) => document.createElement(tag));
      const shares = (Object.keys(kinds) as Who[]).map((who) => [who, this.#known[who][digit]] as const);
      for (const [who, share = 0] of shares) {
        const bar = document.createElement('span');
        bar.style.setProperty('--share', share.toFixed(3));
        bar.style.setProperty('--hue', `var(${kinds[who]})`);
        bars.append(bar);
      }
      bars.className = 'bars';
      name.textContent = String(digit);
      words.className = 'spoken';
      words.textContent = shares
        .map(([who, share]) => `${who} ${share === undefined ? '–' : percent(share, 0)}`)
        .join(', ');
      item.title = words.textContent;
      item.replaceChildren(bars, name, ' ', words);
    });
  }
}
