import type { Signal } from '../../core/globalTypes.ts';
/** How long a download waits for what, and how often it tries again. Times in milliseconds. */
export interface Patience {
  /** Until the first mirror answers at all: a network that swallows everything must not hold a user up. */
  readonly reachMs: number;
  /** Lead of each mirror over the next while none has answered. Source: RFC 8305, "Happy Eyeballs", 5. */
  readonly leadMs: number;
  /** Before the mirrors are tried once more, if none could be reached. */
  readonly retryReachMs: number;
  /** From a request to the head of its answer. */
  readonly answerMs: number;
  /** Without a byte. */
  readonly idleMs: number;
  /** Requests to one mirror for one file that bring nothing new. */
  readonly tries: number;
  /** Before the second try; doubles from try to try. */
  readonly pauseMs: number;
  /** The most that a server may ask for by Retry-After: rather than wait longer, the next mirror is asked. */
  readonly longestPauseMs: number;
}

export const usualPatience: Patience = {
  reachMs: 2500,
  leadMs: 250,
  retryReachMs: 200,
  answerMs: 15_000,
  idleMs: 20_000,
  tries: 5,
  pauseMs: 500,
  longestPauseMs: 30_000,
};

/** Resolves after a while; rejects with the signal's reason as soon as it aborts. */
export function pause(ms: number, signal?: Signal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** A signal that aborts with its caller's, or where what was expected did not come in time. */
export class Watch {
  readonly #controller = new AbortController();
  readonly #caller: Signal | undefined;
  readonly #follow = (): void => this.#controller.abort(this.#caller?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(caller: Signal | undefined) {
    caller?.throwIfAborted();
    this.#caller = caller;
    caller?.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): Signal {
    return this.#controller.signal;
  }

  /** In place of what was expected before. @param what for the error: "no answer" */
  expect(what: string, ms: number): void {
    clearTimeout(this.#timer);
    const late = (): void => this.#controller.abort(new Error(`${what} for ${ms / 1000} s`));
    this.#timer = setTimeout(late, ms);
  }

  /** Ends what still runs under the signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#follow);
    this.#controller.abort();
  }
}
