import { tokenizer, type Tokenizer } from '../../src/data/index.ts';
import { find, percent, show } from './page.ts';

interface Numbers {
  readonly data: ArrayLike<number>;
}

/** What a net said of some sentences, a visitor's first. */
export interface Judged {
  /** What a logit below 0 means, and one above. */
  readonly classes: readonly string[];
  readonly texts: readonly string[];
  /** What those behind the first are. */
  readonly labels: readonly string[];
  readonly known: Tokenizer;
  /** `[N]`. */
  readonly logit: Numbers;
  /** `[N, length]`: what each word has added to its sentence's logit. What is longer has lost its end. */
  readonly shares: Numbers;
}

/** One sentence of them. */
interface Sentence {
  readonly words: readonly string[];
  readonly shares: readonly number[];
  readonly logit: number;
}

/** A share of so much has the strongest colour. */
const STRONG = 3;

const signed = (number: number): string => `${number < 0 ? '−' : '+'}${Math.abs(number).toFixed(2)}`;

/** A sentence's words as they are written. */
function wordsIn(sentence: string): string[] {
  if (sentence.trim() === '') return [];
  const own = tokenizer(sentence, { kind: 'words', lowerCase: false, special: [] });
  return Array.from(own.encode(sentence), (word) => own.decode([word]));
}

function sentencesOf({ texts, logit, shares }: Judged): Sentence[] {
  const length = shares.data.length / texts.length;
  return texts.map((text, at) => {
    const words = wordsIn(text).slice(0, length);
    return { words, shares: words.map((_, word) => shares.data[at * length + word]), logit: logit.data[at] };
  });
}

/** Words in the colours of what they have added: the stronger the more. What the net has never read is underlined. */
const coloured = ({ words, shares }: Sentence, { encode, special }: Tokenizer): (HTMLElement | string)[] =>
  words.flatMap((word, at) => {
    const span = document.createElement('span');
    span.textContent = word;
    span.title = signed(shares[at]);
    span.className = `word ${shares[at] < 0 ? 'against' : 'for'}`;
    span.classList.toggle('unknown', encode(word)[0] === special.unknown);
    span.style.setProperty('--share', Math.min(1, Math.abs(shares[at]) / STRONG).toFixed(3));
    return [span, ' '];
  });

const classOf = (logit: number, classes: readonly string[]): string => classes[logit > 0 ? 1 : 0];

const verdictOf = (logit: number, classes: readonly string[]): string =>
  `${classOf(logit, classes)} ${percent(1 / (1 + Math.exp(-Math.abs(logit))), 0)}`;

/** What each word has added, and what they come to. */
const sumOf = ({ words, shares, logit }: Sentence): string =>
  words.length === 0
    ? ''
    : `${words.map((word, at) => `${word} ${signed(shares[at])}`).join(', ')}: together ${signed(logit)}.`;

/** A sentence that is judged as it is typed, and those that were held out. */
export class Verdicts {
  readonly #sentence = find('sentence', HTMLInputElement);
  readonly #words = find('words', HTMLElement);
  readonly #judged = find('judged', HTMLOListElement);

  /** @param typed called as the sentence changes */
  constructor(typed: () => void) {
    this.#sentence.addEventListener('input', typed);
  }

  get typed(): string {
    return this.#sentence.value;
  }

  show(judged: Judged): void {
    const { classes, known, labels } = judged;
    const [own, ...others] = sentencesOf(judged);
    show('first', classes[0]);
    show('second', classes[1]);
    this.#words.replaceChildren(...coloured(own, known));
    show('verdict', verdictOf(own.logit, classes));
    show('sum', sumOf(own));
    this.#judged.replaceChildren(
      ...others.map((sentence, at) => {
        const [item, verdict] = [document.createElement('li'), document.createElement('strong')];
        const isWrong = classOf(sentence.logit, classes) !== labels[at];
        verdict.textContent = verdictOf(sentence.logit, classes) + (isWrong ? `, but it is ${labels[at]}` : '');
        item.classList.toggle('wrong', isWrong);
        item.append(...coloured(sentence, known), verdict);
        return item;
      }),
    );
  }
}
