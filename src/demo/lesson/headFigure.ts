import { element, show, svg } from './elements.ts';
import { FIRST_MATRICES, turnOfHead, updatedHead, WORDS, type HeadWeights } from './workedHead.ts';

/** So many losses are listed, the last ones. */
const LISTED = 6;

/** Of the drawing: what is left to the words, and the side of a square. */
const [LEFT, TOP, SIDE] = [72, 28, 88];

type Shares = readonly number[];

const text = (x: number, y: number, anchor: string, kind: string, said: string): SVGElement =>
  svg('text', { x: String(x), y: String(y), 'text-anchor': anchor, class: kind }, said);

/** A word's share of what another one is told: the larger the darker, and none for what has not been said yet. */
function drawShare(shares: Shares, from: number, to: number): SVGElement[] {
  const [x, y] = [LEFT + to * SIDE, TOP + from * SIDE];
  const place = { x: String(x + 1), y: String(y + 1), width: String(SIDE - 2), height: String(SIDE - 2), rx: '6' };
  if (to > from) return [svg('rect', { ...place, class: 'later' })];
  const share = shares[from * WORDS.length + to];
  return [
    svg('rect', { ...place, class: 'share', 'fill-opacity': share.toFixed(3) }),
    text(x + SIDE / 2, y + SIDE / 2 + 4, 'middle', 'computed', show(share)),
  ];
}

function drawShares(drawing: SVGSVGElement, shares: Shares): void {
  drawing.replaceChildren(
    ...WORDS.map((word, at) => text(LEFT + (at + 0.5) * SIDE, TOP - 10, 'middle', 'name', word)),
    ...WORDS.map((word, at) => text(LEFT - 10, TOP + (at + 0.5) * SIDE + 4, 'end', 'name', word)),
    ...WORDS.flatMap((_, from) => WORDS.flatMap((__, to) => drawShare(shares, from, to))),
  );
  const rows = WORDS.map((word, from) => {
    const seen = WORDS.slice(0, from + 1).map((other, to) => `${other} ${show(shares[from * WORDS.length + to])}`);
    return `${word} looks at ${seen.join(', ')}`;
  });
  drawing.setAttribute('aria-label', `What each word looks at: ${rows.join('; ')}`);
}

/** The head's shares as a figure, and updates at the press of a button. */
class HeadFigure {
  readonly #drawing = svg('svg', {
    viewBox: `0 0 ${LEFT + WORDS.length * SIDE} ${TOP + WORDS.length * SIDE}`,
    role: 'img',
    class: 'network',
  });
  readonly #said = element('p', { class: 'status', role: 'status' });
  readonly #losses = element('p', { class: 'losses' });
  readonly #rate = element('input', { type: 'number', min: '0', max: '100', step: 'any', value: '1' });
  #weights: HeadWeights = FIRST_MATRICES;
  #history: number[] = [];

  constructor(host: HTMLElement) {
    const update = element('button', { type: 'button', class: 'primary' }, 'Update the head');
    const again = element('button', { type: 'button' }, 'Start again');
    update.addEventListener('click', () => this.#update());
    again.addEventListener('click', () => this.restart());
    const controls = element(
      'div',
      { class: 'controls' },
      element('label', {}, 'Learning rate η', this.#rate),
      element('span', { class: 'buttons' }, update, again),
    );
    host.replaceChildren(this.#drawing, element('div', { class: 'beside' }, this.#said, controls, this.#losses));
  }

  /** Back to the matrices that the lesson begins with. */
  restart(): void {
    this.#weights = FIRST_MATRICES;
    this.#history = [];
    this.#show();
  }

  #update(): void {
    if (!this.#rate.reportValidity()) return;
    this.#weights = updatedHead(this.#weights, turnOfHead(this.#weights), this.#rate.valueAsNumber);
    this.#show();
  }

  #show(): void {
    const { a, y, loss } = turnOfHead(this.#weights).values;
    drawShares(this.#drawing, a);
    const [one, two] = y.slice(-2).map((told) => show(told));
    this.#said.textContent = `A row for each word that looks, a column for each that is looked at. What “it” is told is (${one}, ${two}), and should be (1, 0): the loss is ${show(loss[0])}.`;
    this.#history.push(loss[0]);
    const listed = this.#history.slice(-LISTED).map((each) => show(each));
    const more = this.#history.length > LISTED ? '… ' : '';
    this.#losses.textContent = `Loss of each turn: ${more}${listed.join(' → ')}`;
  }
}

/** Puts the head's shares into a place of the page. */
export function showWorkedHead(host: HTMLElement): void {
  new HeadFigure(host).restart();
}
