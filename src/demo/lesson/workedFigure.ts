import { element, show, svg } from './elements.ts';
import { drawNetwork, type Stage } from './workedDrawing.ts';
import { FIRST_PARAMETERS, INPUTS, TARGET, turn, updated, type Parameters } from './workedNetwork.ts';

const CYCLE = ['forward', 'loss', 'backward', 'update'] as const;
/** So many losses are listed, the last ones. */
const LISTED = 6;

const capital = (word: string): string => word[0].toUpperCase() + word.slice(1);

/** The worked network as a figure that one goes through stage by stage, for as many turns as one likes. */
class WorkedFigure {
  readonly #drawing = svg('svg', { viewBox: '0 0 360 430', role: 'img', class: 'network' });
  readonly #said = element('p', { class: 'status', role: 'status' });
  readonly #losses = element('p', { class: 'losses' });
  readonly #next = element('button', { type: 'button', class: 'primary' });
  readonly #rate = element('input', { type: 'number', min: '0', max: '100', step: 'any', value: '1' });
  readonly #stages = CYCLE.map((stage) => element('li', {}, capital(stage)));
  #parameters: Parameters = FIRST_PARAMETERS;
  #after: Parameters = FIRST_PARAMETERS;
  #turn = turn(FIRST_PARAMETERS);
  #stage: Stage = 'start';
  #history: number[] = [];

  constructor(host: HTMLElement) {
    const again = element('button', { type: 'button' }, 'Start again');
    this.#next.addEventListener('click', () => this.#advance());
    again.addEventListener('click', () => this.restart());
    host.replaceChildren(
      this.#drawing,
      element(
        'div',
        { class: 'beside' },
        element('ol', { class: 'stages', 'aria-label': 'Stages of the cycle' }, ...this.#stages),
        this.#said,
        element(
          'div',
          { class: 'controls' },
          element('label', {}, 'Learning rate η', this.#rate),
          element('span', { class: 'buttons' }, this.#next, again),
        ),
        this.#losses,
      ),
    );
  }

  /** Back to the numbers that the lesson begins with. */
  restart(): void {
    this.#history = [];
    this.#begin(FIRST_PARAMETERS);
    this.#stage = 'start';
    this.#show('Inputs, weights and biases are given. Nothing has been computed yet.');
  }

  #begin(parameters: Parameters): void {
    this.#parameters = this.#after = parameters;
    this.#turn = turn(parameters);
  }

  get #following(): (typeof CYCLE)[number] {
    return CYCLE[(CYCLE.indexOf(this.#stage as (typeof CYCLE)[number]) + 1) % CYCLE.length];
  }

  #advance(): void {
    const stage = this.#following;
    if (stage === 'update' && !this.#rate.reportValidity()) return;
    this.#stage = stage;
    this.#show(
      {
        forward: () => this.#forward(),
        loss: () => this.#loss(),
        backward: () => this.#backward(),
        update: () => this.#update(),
      }[stage](),
    );
  }

  #forward(): string {
    if (this.#after !== this.#parameters) this.#begin(this.#after);
    const { h1, h2, y } = this.#turn.values;
    return `Forward: each neuron adds up what comes in, and gives out the sigmoid of it. The hidden neurons say ${show(h1)} and ${show(h2)}, and the answer is y = ${show(y)}.`;
  }

  #loss(): string {
    const { y, loss } = this.#turn.values;
    this.#history.push(loss);
    return `Loss: the answer should be ${TARGET}, so the loss is (${show(y)} − ${TARGET})² = ${show(loss)}.`;
  }

  #backward(): string {
    const { v1, z3 } = this.#turn.gradients;
    return `Backward: from the loss to the inputs. δ₃ is ${show(z3)}; times h₁ it is the derivative of v₁, ${show(v1)}, and so on to each weight. A derivative below 0 says: more of this weight, less loss.`;
  }

  #update(): string {
    const rate = this.#rate.valueAsNumber;
    this.#after = updated(this.#parameters, this.#turn, rate);
    return `Update: from each weight and bias ${rate} times its derivative is taken off. v₁ goes from ${show(this.#parameters.v1)} to ${show(this.#after.v1)}. The next turn will show whether the loss has fallen.`;
  }

  #show(said: string): void {
    this.#said.textContent = said;
    this.#next.textContent = capital(this.#following);
    this.#stages.forEach((item, at) => {
      if (CYCLE[at] === this.#stage) item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    });
    const listed = this.#history.slice(-LISTED).map((loss) => show(loss));
    const more = this.#history.length > LISTED ? '… ' : '';
    this.#losses.textContent = listed.length > 0 ? `Loss of each turn: ${more}${listed.join(' → ')}` : '';
    drawNetwork(this.#drawing, { stage: this.#stage, parameters: this.#after, turn: this.#turn }, INPUTS, TARGET);
  }
}

/** Puts the worked network into a place of the page. */
export function showWorkedNetwork(host: HTMLElement): void {
  new WorkedFigure(host).restart();
}
