import type { Signal } from '../core/globalTypes.ts';
import { FlowerError } from './flowerError.ts';

const MILLISECONDS = 1000;
/** Seconds before the first further try, and at most. */
const [FIRST, LONGEST] = [1, 20];
/** Seconds of patience that are too few for another try. */
const LEAST = 0.1;
/** Part of a wait by which it may be shorter or longer, so that nodes do not all come back at once. */
const JITTER = 0.2;
/** A server's own failures may be for good, so they are not tried as long as a lost connection is. */
const MOST_FAILURES = 4;

/** Waits; ends early where the signal is aborted. @throws the signal's reason */
export async function pause(seconds: number, signal: Signal): Promise<void> {
  const { aborted } = signal;
  if (!aborted) {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, seconds * MILLISECONDS);
      signal.addEventListener('abort', end);
    });
  }
  signal.throwIfAborted();
}

/** Whether a connection was lost, or refused by what stands in between, so that another try may do. */
export const isLost = (error: unknown): error is FlowerError =>
  error instanceof FlowerError && (error.status === undefined ? error.isOnTheWay : PASSING.has(error.status));

/** What a proxy says, or a server that is starting, ending or too busy. */
const PASSING = new Set([408, 425, 429, 502, 503, 504]);
const FAILED = 500;

/** How long a lost connection is tried again, and who is told. */
export interface Patience {
  readonly seconds: number;
  readonly signal: Signal;
  waits(why: string, seconds: number): void;
  isBack(): void;
}

/** Tries again what a lost connection keeps from ending, ever more slowly. @throws FlowerError that names both, once patience is over */
export async function patiently<T>(
  { seconds, signal, waits, isBack }: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  const since = performance.now();
  let [wait, failures] = [FIRST, 0];
  for (;;) {
    try {
      const result = await attempt();
      if (wait > FIRST) isBack();
      return result;
    } catch (error) {
      signal.throwIfAborted();
      const isFailure = error instanceof FlowerError && error.status === FAILED;
      if (isFailure) failures++;
      if (!(isLost(error) || (isFailure && failures < MOST_FAILURES))) throw error;
      const gone = (performance.now() - since) / MILLISECONDS;
      const left = seconds - gone;
      if (left < LEAST) {
        throw new FlowerError(
          `[joinFlower] it gave up after ${Math.round(gone)} seconds without a connection, as patience: ${seconds} allows: ${error.message}`,
          { cause: error, isOnTheWay: true },
        );
      }
      const jittered = Math.min(wait * (1 + JITTER * (2 * Math.random() - 1)), left);
      waits(error.message, jittered);
      await pause(jittered, signal);
      wait = Math.min(2 * wait, LONGEST);
    }
  }
}
