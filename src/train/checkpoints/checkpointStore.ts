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
