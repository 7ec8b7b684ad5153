import { requireKind } from '../../core/argumentChecks.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { requireWhole } from '../samples/dataChecks.ts';
import type { Report } from '../options.ts';

/** When a run is saved: behind so many steps, or as soon as so many seconds have passed. */
export type SaveEvery = { readonly steps: number } | { readonly seconds: number };

/** What is known of a checkpoint beside its bytes. */
export interface SavedAt {
  /** Steps that were taken. */
  readonly step: number;
}

/** Where `fit` puts checkpoints of its run: a folder, a browser's own files, a server. */
export interface CheckpointStore {
  readonly every: SaveEvery;
  /** Called as a run begins, or goes on that was loaded. */
  begin?(goesOn: boolean): Promise<void>;
  /**
   * Keeps a file as `trainer.save()` gives it. Training goes on meanwhile, and waits only at its end; a failure is told by the
   * trainer's `warn`, and the run goes on.
   */
  put(bytes: Bytes, at: SavedAt): Promise<void>;
  /** Told of each report that has a validation, or would have one; true asks for a checkpoint of that very step, which goes to `putBest`. */
  isBest?(report: Report): boolean;
  putBest?(bytes: Bytes, at: SavedAt): Promise<void>;
}

/** @throws DataError for what is no store */
export function requireStore(given: unknown): void {
  const { every, put } = Object(given) as Partial<Record<keyof CheckpointStore, unknown>>;
  const is = typeof put === 'function' && typeof every === 'object' && every !== null;
  requireKind('fit', 'checkpoints', given, is, 'a store, as checkpoints({ folder }) of millrace/node makes one');
  requireEvery(every as SaveEvery);
}

/** @throws DataError unless it says when */
export function requireEvery(every: SaveEvery): void {
  const { steps, seconds } = Object(every) as { readonly steps?: number; readonly seconds?: number };
  if (steps !== undefined) requireWhole('checkpoints', 'every.steps', steps);
  else requireKind('checkpoints', 'every', every, seconds! > 0, '{ steps } or { seconds }, above 0');
}

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
