import { described, requireKind } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import type { Signal } from '../../core/globalTypes.ts';

/** A share of each frame of a page, or of an app, which draws in what is left of it. */
export interface FrameShare {
  /** Milliseconds of the GPU's time in each frame: as many whole steps as fit, one at least, by what steps have taken so far. */
  readonly budgetMs?: number | undefined;
  /** Awaited before each submit: the next frame, if left out; where there are no animation frames, a sixtieth of a second. */
  readonly frame?: (() => Promise<unknown>) | undefined;
}

/** @throws DataError for what is none */
export function requireShare(where: string, { budgetMs, frame }: FrameShare): void {
  if (budgetMs !== undefined && !(typeof budgetMs === 'number' && budgetMs > 0 && budgetMs < Infinity)) {
    throw new DataError(`[${where}] budgetMs is ${described(budgetMs)} but must be above 0 and finite, as 6`);
  }
  const isFunction = frame === undefined || typeof frame === 'function';
  requireKind(where, 'frame', frame, isFunction, 'a function that gives a promise of the next frame');
}

/** Of the 16.7 ms that most pages have, well over a half is left. */
export const FRAME_BUDGET_MS = 6;

const USUAL_FRAME_MS = 1000 / 60;

const nextFrame = (): Promise<void> =>
  new Promise((resolve) => {
    if ('requestAnimationFrame' in globalThis) requestAnimationFrame(() => resolve());
    else setTimeout(resolve, USUAL_FRAME_MS);
  });

/** Lets one submit through in each frame. */
export class FramePace {
  readonly #frame: () => Promise<unknown>;
  /** One listener for all frames. */
  readonly #stopped: Promise<void>;
  #opening: Promise<void> | undefined;

  constructor({ frame = nextFrame }: FrameShare, signal: Signal | undefined) {
    this.#frame = frame;
    this.#stopped = new Promise((resolve) => {
      if (signal?.aborted) resolve();
      else signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  get isOpen(): boolean {
    return this.#opening === undefined;
  }

  /** This frame has had its submit. */
  close(): void {
    this.#opening ??= Promise.race([this.#frame(), this.#stopped]).then(() => (this.#opening = undefined));
  }

  /** Settles with the next frame, or when no further one is wanted: a page that is hidden has none. */
  async opened(): Promise<void> {
    await this.#opening;
  }
}
