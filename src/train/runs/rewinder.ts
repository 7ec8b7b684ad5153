import type { Backend } from '../../scheduler/backend.ts';
import { StateCopy } from './stateCopy.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';

/** Steps between two copies of all that training changes. */
export const REWIND_STEPS = 100;

/** So often the same copy comes back before it is given up: what follows it leads nowhere. */
const MOST_REWINDS = 2;

/** Lets a run go back to where it was some steps ago. */
export class Rewinder {
  readonly #copy: StateCopy;
  /** The step that the copy is of, and how often it came back. */
  #step = 0;
  #times = 0;

  constructor(backend: Backend, traced: TracedModel) {
    const moments = traced.phases.flatMap(({ pages }) => pages.flatMap((page) => page.moments));
    this.#copy = new StateCopy(backend, traced, 'last good', moments);
  }

  /** @throws DeviceError if there is no room for the copy */
  prepare(): Promise<void> {
    return this.#copy.prepare(false);
  }

  /** Copies what a step left, the last that was submitted. */
  keep(step: number): void {
    this.#copy.keep();
    this.#step = step;
    this.#times = 0;
  }

  /** The step to go back to; undefined if that was tried often enough. */
  get target(): number | undefined {
    return this.#times < MOST_REWINDS ? this.#step : undefined;
  }

  /** Puts the copy back. */
  goBack(): void {
    this.#copy.restore();
    this.#times++;
  }
}
