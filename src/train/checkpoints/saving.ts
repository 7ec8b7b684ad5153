import type { Bytes } from '../../core/globalTypes.ts';
import type { Report } from '../options.ts';
import type { CheckpointStore, SavedAt } from './checkpointStore.ts';

interface SavingOptions {
  readonly store: CheckpointStore;
  save(): Promise<Bytes>;
  step(): number;
  warn(text: string): void;
}

/** Saves a run now and then, one file at a time, while it goes on. */
export class Saving {
  readonly #options: SavingOptions;
  #at = performance.now();
  /** The trainer's, when it was saved last. */
  #savedStep: number;
  #due = false;
  #work: Promise<void> | undefined;

  constructor(options: SavingOptions) {
    this.#options = options;
    this.#savedStep = options.step();
  }

  /** Whether a submit must end with this step of the trainer's, so that the file is of it. */
  cutAfter(step: number): boolean {
    const { every } = this.#options.store;
    return 'steps' in every && step % every.steps === 0;
  }

  /** Steps were submitted up to this one. */
  submitted(step: number): void {
    const { every } = this.#options.store;
    this.#due ||= 'steps' in every ? step % every.steps === 0 : performance.now() - this.#at >= 1000 * every.seconds;
    // Where the last file is not written yet, the next one waits for a later step.
    if (this.#due && !this.#work) this.#put();
  }

  /** A report of a step behind which nothing was submitted. */
  reported(report: Report): void {
    const { store } = this.#options;
    if (store.isBest?.(report) && store.putBest) this.#save((bytes, at) => store.putBest!(bytes, at));
  }

  #put(): void {
    this.#due = false;
    this.#at = performance.now();
    this.#savedStep = this.#options.step();
    this.#save((bytes, at) => this.#options.store.put(bytes, at));
  }

  #save(put: (bytes: Bytes, at: SavedAt) => Promise<void>): void {
    const { save, step, warn } = this.#options;
    const at = { step: step() };
    const before = this.#work;
    // As the last submitted step leaves it.
    const saved = save();
    const work = Promise.all([saved, before])
      .then(([bytes]) => put(bytes, at))
      .catch((error: unknown) => warn(`[fit] the checkpoint of step ${at.step} was not kept: ${String(error)}`))
      .finally(() => {
        if (this.#work === work) this.#work = undefined;
      });
    this.#work = work;
  }

  /** Waits until all is kept. @param sound whether the last step is to be saved too, if it is not yet */
  async finish(sound: boolean): Promise<void> {
    if (sound && this.#options.step() !== this.#savedStep) this.#put();
    await this.#work;
  }
}
