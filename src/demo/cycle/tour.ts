import { stages, type Stage } from '../protocol.ts';

/** Leads through the four stages of a step, as slowly as the steps follow each other. */
export class Tour {
  readonly #show: (stage: Stage, progress: number) => void;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #frame = 0;

  /** @param show is told which stage is on, and how far its wave has gone, 0 … 1 */
  constructor(show: (stage: Stage, progress: number) => void) {
    this.#show = show;
  }

  /** Whether the visitor lets pages move. */
  get moves(): boolean {
    return !this.#calm.matches;
  }

  /** @param milliseconds that all four may take */
  run(milliseconds: number): void {
    this.stop();
    const begun = performance.now();
    const step = (): void => {
      const done = Math.min(1, (performance.now() - begun) / milliseconds);
      const at = Math.min(stages.length - 1, Math.floor(done * stages.length));
      this.#show(stages[at], Math.min(1, 1.5 * (done * stages.length - at)));
      if (done < 1) this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  /** One stage alone, its wave from the beginning. */
  play(stage: Stage, milliseconds = 600): void {
    this.stop();
    if (!this.moves) return this.#show(stage, 1);
    const begun = performance.now();
    const step = (): void => {
      const done = Math.min(1, (performance.now() - begun) / milliseconds);
      this.#show(stage, done);
      if (done < 1) this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }
}
