import { element } from './elements.ts';
import { Plot } from './plot.ts';
import type { Order, Progress } from './sineWorker.ts';

const STEPS = 200;
const HEIGHT = 300;
const RATES = [
  { rate: 0.003, color: '--soft', name: 'too small' },
  { rate: 0.2, color: '--one', name: 'right' },
  { rate: 0.5, color: '--two', name: 'too large' },
] as const;
const OWN = { color: '--ink', name: 'yours' } as const;
const [LOWEST, HIGHEST] = [0.01, 10];
/** Far outside the plot, and near enough to be drawn towards. */
const BEYOND = 1e4;
const STEP_AXIS = Array.from({ length: STEPS + 1 }, (_, i) => i);

/** A loss as the curve goes through it. */
const placed = (loss: number): number | null => (Number.isNaN(loss) ? null : Math.min(loss, BEYOND));

const worded = (loss: number): string =>
  Number.isNaN(loss) ? 'not a number' : loss < HIGHEST ? loss.toFixed(2) : loss.toExponential(0);

/** What each line of the plot is. */
function keyOf(): HTMLElement {
  const classes = ['small', 'one', 'two'];
  const names = RATES.map(({ rate, name }, at) => element('span', { class: classes[at] }, `${rate}, ${name}`));
  return element('p', { class: 'key' }, ...names, element('span', { class: 'own' }, OWN.name));
}

const plotOf = (): Plot =>
  new Plot({
    label: 'The loss after each of 200 steps, for four learning rates; the line below says where they end',
    lines: [
      ...RATES.map(({ color, name }) => ({ label: name, color })),
      { label: OWN.name, color: OWN.color, dash: [6, 4] },
    ],
    height: HEIGHT,
    x: [0, STEPS],
    y: [LOWEST, HIGHEST],
    logarithmic: true,
    xLabel: 'step',
  });

/** The curves of the lesson's three learning rates, and of one that the reader chooses, trained in the page. */
class LearningRates {
  readonly #host: HTMLElement;
  readonly #plot = plotOf();
  readonly #own = element('input', { type: 'number', min: '0.0001', max: '10', step: 'any', value: '0.05' });
  readonly #status = element('p', { class: 'status', role: 'status' }, 'Press Train, and watch four runs.');
  #worker: Worker | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
    const button = element('button', { type: 'button', class: 'primary' }, 'Train');
    const form = element(
      'form',
      { class: 'controls', 'aria-label': 'Four learning rates' },
      element('label', {}, 'Your learning rate', this.#own),
      element('span', { class: 'buttons' }, button),
    );
    host.replaceChildren(keyOf(), this.#plot.element, form, this.#status);
    form.addEventListener('submit', (event) => event.preventDefault());
    button.addEventListener('click', () => this.#train());
    this.#own.addEventListener('change', () => this.#train());
  }

  /** The first run begins when a reader comes by. */
  startWhenSeen(): void {
    const seen = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      seen.disconnect();
      if (!this.#worker) this.#train();
    });
    seen.observe(this.#host);
  }

  /** A new run ends the one before. */
  #train(): void {
    if (!this.#own.reportValidity()) return;
    this.#worker?.terminate();
    this.#worker = new Worker(new URL('./sineWorker.ts', import.meta.url), { type: 'module' });
    const order: Order = { rates: [...RATES.map(({ rate }) => rate), this.#own.valueAsNumber], steps: STEPS };
    this.#status.textContent = 'Training.';
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#worker.addEventListener('message', ({ data: losses }: MessageEvent<Progress>) => {
      const isDone = losses.every(({ length }) => length > STEPS);
      if (isDone || !calm) this.#draw(losses);
      if (isDone) this.#tell(order, losses);
    });
    this.#worker.addEventListener('error', ({ message }) => (this.#status.textContent = message));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows: a worker has no origin
    this.#worker.postMessage(order);
  }

  #tell({ rates }: Order, losses: Progress): void {
    const ends = rates.map((rate, at) => `${worded(losses[at][STEPS])} at ${rate}`);
    this.#status.textContent = `The loss after ${STEPS} steps: ${ends.join(', ')}.`;
  }

  #draw(losses: Progress): void {
    this.#plot.show(
      STEP_AXIS,
      losses.map((line) => STEP_AXIS.map((step) => (step < line.length ? placed(line[step]) : null))),
    );
  }
}

/** Puts the curves into a place of the page. */
export function showLearningRates(host: HTMLElement): void {
  new LearningRates(host).startWhenSeen();
}
