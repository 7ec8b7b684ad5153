import type { Trainer } from '../index.ts';

/** The element of an id. */
export function find<E extends Element>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`[page] #${id} is not a ${kind.name}`);
  return element;
}

const HIDDEN_FRAME_MS = 250;

/** When the page has painted. A hidden page paints nothing, and should go on all the same. */
export const nextFrame = (): Promise<unknown> =>
  new Promise((resolve) => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, HIDDEN_FRAME_MS);
  });

const RATE_WINDOW_MS = 500;

/** One demo's status and figures, whose ids begin with the demo's name. */
export class Panel {
  readonly #name: string;
  readonly #status: HTMLElement;
  /** Where counting of the rate began. */
  #since = { step: 0, time: 0 };

  constructor(name: string) {
    this.#name = name;
    this.#status = find(`${name}-status`, HTMLElement);
  }

  say(text: string): void {
    this.#status.textContent = text;
    this.#status.classList.remove('wrong');
  }

  fail(error: unknown): void {
    this.#status.textContent = error instanceof Error ? error.message : String(error);
    this.#status.classList.add('wrong');
  }

  #show(figure: string, text: string): void {
    find(`${this.#name}-${figure}`, HTMLElement).textContent = text;
  }

  /** Figures of a trainer that has not trained yet. */
  async begin(trainer: Trainer): Promise<void> {
    const launches = trainer.launchesPerStep;
    for (const figure of ['loss', 'accuracy', 'rate']) this.#show(figure, '–');
    this.#show('at', '0');
    this.#show('launches', trainer.backend === 'cpu' ? 'none' : String(launches));
    this.restartClock(0);
  }

  restartClock(step: number): void {
    this.#since = { step, time: performance.now() };
  }

  progress(step: number, loss: number): void {
    this.#show('at', step.toLocaleString('en'));
    this.#show('loss', loss.toFixed(4));
    const elapsed = performance.now() - this.#since.time;
    if (elapsed < RATE_WINDOW_MS) return;
    this.#show('rate', ((1000 * (step - this.#since.step)) / elapsed).toFixed(0));
    this.restartClock(step);
  }

  accuracy(share: number): void {
    this.#show('accuracy', percent(share));
  }
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
