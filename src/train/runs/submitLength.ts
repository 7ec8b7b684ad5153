import { RING_ROWS } from '../graphs/metricsRing.ts';

/** In a page, a submit is to leave room in a frame for whatever else is drawn; elsewhere it is to be worth its while. */
const PAGE_SECONDS = 0.012;
const OTHER_SECONDS = 0.1;

const isPage = 'document' in globalThis || 'WorkerGlobalScope' in globalThis;

/** How much longer one submit may be than the one before: the first ones are slow for reasons of their own. */
const MOST_GROWTH = 4;

/** How many steps go into one submit: as many as a time allows, or as many as were asked for. */
export class SubmitLength {
  #steps: number;
  readonly #adapts: boolean;
  readonly #most: number;

  /** @param most steps that there is room for */
  constructor(stepsPerSubmit: number | 'auto', most = RING_ROWS) {
    this.#most = most;
    this.#adapts = stepsPerSubmit === 'auto';
    this.#steps = stepsPerSubmit === 'auto' ? 1 : Math.min(stepsPerSubmit, most);
  }

  get steps(): number {
    return this.#steps;
  }

  /** @param seconds that the GPU worked on so many steps */
  took(steps: number, seconds: number): void {
    if (!this.#adapts) return;
    const fitting = ((isPage ? PAGE_SECONDS : OTHER_SECONDS) * steps) / Math.max(seconds, 1e-6);
    this.#steps = Math.max(1, Math.min(Math.floor(fitting), this.#steps * MOST_GROWTH, this.#most));
  }
}
