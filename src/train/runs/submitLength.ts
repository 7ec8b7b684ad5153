import type { BackendKind } from '../../core/places.ts';
import { RING_ROWS } from '../graphs/metricsRing.ts';

/** In a page, a submit is to leave room in a frame for whatever else is drawn; elsewhere it is to be worth its while. */
const PAGE_SECONDS = 0.012;
const OTHER_SECONDS = 0.1;

const isPage = 'document' in globalThis || 'WorkerGlobalScope' in globalThis;

/** Where the caller's own thread does the work, nobody else has a turn meanwhile. */
const BREATH_SECONDS = isPage ? 0.008 : 0.03;

/** In a share of frames so many submits tell together how long a step takes: one that was disturbed tells nothing. */
const TOLD_BY = 3;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** How much longer one submit may be than the one before: the first ones are slow for reasons of their own. */
const MOST_GROWTH = 4;

/** How many steps go into one submit: as many as a time allows, or as many as were asked for. */
export class SubmitLength {
  #steps: number;
  readonly #adapts: boolean;
  readonly #most: number;
  readonly #seconds: number;
  readonly #toldBy: number;
  /** Of a step, by the last submits. */
  #told: readonly number[] = [];

  /**
   * What suits a place: the references work a step as it is called, and let others have a turn between; so does WebAssembly, a
   * few steps at a time.
   */
  static on(place: BackendKind, stepsPerSubmit: number | 'auto', most?: number, seconds?: number): SubmitLength {
    if (place === 'cpu') return new SubmitLength(1);
    if (place === 'webgpu' || stepsPerSubmit !== 'auto') return new SubmitLength(stepsPerSubmit, most, seconds);
    return new SubmitLength('auto', most, Math.min(seconds ?? Infinity, BREATH_SECONDS));
  }

  /** @param most steps that there is room for   @param seconds that a submit may take; what suits the place, if left out */
  constructor(stepsPerSubmit: number | 'auto', most = RING_ROWS, seconds?: number) {
    this.#most = most;
    this.#seconds = seconds ?? (isPage ? PAGE_SECONDS : OTHER_SECONDS);
    this.#toldBy = seconds === undefined ? 1 : TOLD_BY;
    this.#adapts = stepsPerSubmit === 'auto';
    this.#steps = stepsPerSubmit === 'auto' ? 1 : Math.min(stepsPerSubmit, most);
  }

  get steps(): number {
    return this.#steps;
  }

  /** @param seconds that the GPU worked on so many steps */
  took(steps: number, seconds: number): void {
    if (!this.#adapts) return;
    this.#told = [...this.#told, seconds / steps].slice(-this.#toldBy);
    const fitting = this.#seconds / Math.max(median(this.#told), 1e-6);
    this.#steps = Math.max(1, Math.min(Math.floor(fitting), this.#steps * MOST_GROWTH, this.#most));
  }
}
