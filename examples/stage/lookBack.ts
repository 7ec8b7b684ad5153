import { sharesOf, softmax, type Numbers } from './attentionShares.ts';
import { find, percent, show } from './page.ts';
import { Sheet, type Brush } from './sheet.ts';

/** What a language model made of a text of T characters. */
export interface Reading {
  /** `[1, T, vocabulary]`: of the character behind each. */
  readonly logits: Numbers;
  /** `[1, T, heads, D]`, the heads of all layers one behind the other. */
  readonly queries: Numbers;
  readonly keys: Numbers;
}

/** A line that is fainter than this share is none. */
const FAINTEST = 0.02;
/** A line to what has all of the attention. */
const WIDEST = 16;
/** How far lines bend upwards. */
const [LOWEST, HIGHEST] = [20, 80];
/** So many characters are named of those that are looked at, and of those that may come next. */
const NAMED = 3;

const lineBreak = '\n';
const quoted = (character: string): string =>
  character === lineBreak ? 'a new line' : character === ' ' ? 'a blank' : `“${character}”`;

/** The largest, as words: “e” 62.0 %, “o” 11.2 %, “a” 3.4 %. */
const likeliest = (shares: readonly number[], nameOf: (at: number) => string): string =>
  shares
    .map((share, at) => ({ share, at }))
    .sort((a, b) => b.share - a.share)
    .slice(0, NAMED)
    .map(({ share, at }) => `${nameOf(at)} ${percent(share)}`)
    .join(', ');

/** A text in which one character is chosen: how much it looks at each before it, as shades and lines, and what it expects. */
export class LookBack {
  readonly #text = find('characters', HTMLElement);
  readonly #place = find('place', HTMLInputElement);
  readonly #head = find('head', HTMLSelectElement);
  readonly #sheet: Sheet;
  readonly #heads: number;
  #characters: readonly string[] = [];
  #vocabulary: readonly string[] = [];
  #reading: Reading | undefined;
  #shares: readonly number[] = [];

  constructor(layers: number, heads: number) {
    this.#heads = layers * heads;
    this.#head.append(new Option('all heads, on average', ''));
    for (let at = 0; at < this.#heads; at++) {
      this.#head.append(new Option(`layer ${Math.floor(at / heads) + 1}, head ${(at % heads) + 1}`, String(at)));
    }
    this.#sheet = new Sheet(find('looks', HTMLCanvasElement), (brush) => this.#paintLines(brush));
    for (const control of [this.#place, this.#head]) control.addEventListener('input', () => this.#look());
    this.#text.addEventListener('click', ({ target }) => {
      const at = [...this.#text.children].indexOf(target as Element);
      if (at < 0) return;
      this.#place.value = String(at + 1);
      this.#look();
    });
  }

  /** @param vocabulary the character of each token */
  show(characters: readonly string[], vocabulary: readonly string[], reading: Reading): void {
    this.#characters = characters;
    this.#vocabulary = vocabulary;
    this.#reading = reading;
    this.#place.max = String(characters.length);
    const spans = characters.map((character) => {
      const span = document.createElement('span');
      span.textContent = character === lineBreak ? `↵${lineBreak}` : character;
      return span;
    });
    this.#text.replaceChildren(...spans);
    this.#look();
  }

  /** What the chosen character looks at, in the chosen head or in all. */
  #look(): void {
    if (!this.#reading) return;
    const { queries, keys, logits } = this.#reading;
    const at = this.#place.valueAsNumber - 1;
    const chosen = this.#head.value === '' ? [...Array(this.#heads).keys()] : [Number(this.#head.value)];
    const ofEach = chosen.map((head) => sharesOf(queries, keys, at, head));
    this.#shares = ofEach[0].map((_, place) => ofEach.reduce((sum, shares) => sum + shares[place], 0) / ofEach.length);
    this.#shade(at);
    const size = this.#vocabulary.length;
    const next = softmax(Array.from({ length: size }, (_, token) => logits.data[at * size + token]));
    const seen = likeliest(this.#shares, (place) => `${quoted(this.#characters[place])} (${place + 1})`);
    const looks = `${quoted(this.#characters[at])}, character ${at + 1}, looks at ${seen}`;
    show('seen', `${looks}. Behind it the net expects ${likeliest(next, (token) => quoted(this.#vocabulary[token]))}.`);
    this.#place.setAttribute('aria-valuetext', looks);
    this.#sheet.paint();
  }

  /** The darker, the more it is looked at; the darkest is what is looked at most. */
  #shade(chosen: number): void {
    const largest = Math.max(...this.#shares);
    [...this.#text.children].forEach((span, at) => {
      const shade = at > chosen ? 0 : this.#shares[at] / largest;
      (span as HTMLElement).style.setProperty('--share', shade.toFixed(3));
      span.classList.toggle('chosen', at === chosen);
      span.classList.toggle('later', at > chosen);
    });
  }

  /** From the chosen character to each that it looks at: as wide as its share. */
  #paintLines({ context, tint }: Brush): void {
    const centers = this.#shares.map((_, at) => {
      const { offsetLeft, offsetTop, offsetWidth } = this.#text.children[at] as HTMLElement;
      return [offsetLeft + offsetWidth / 2, offsetTop] as const;
    });
    const from = centers.at(-1);
    if (!from) return;
    this.#shares.forEach((share, at) => {
      if (share < FAINTEST || at === centers.length - 1) return;
      const to = centers[at];
      context.strokeStyle = tint('--two', 0.4 + 0.5 * share);
      context.lineWidth = WIDEST * share;
      context.beginPath();
      context.moveTo(...from);
      // Bent upwards, so that it does not run through the letters between.
      const bend = Math.min(HIGHEST, LOWEST + Math.abs(from[0] - to[0]) / 5);
      context.quadraticCurveTo((from[0] + to[0]) / 2, Math.min(from[1], to[1]) - bend, ...to);
      context.stroke();
    });
  }
}
