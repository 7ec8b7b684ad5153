// Trains at several learning rates side by side, beside the page, which stays free for its reader.

import { sineLosses } from './sine.ts';

/** What the page asks for. */
export interface Order {
  readonly rates: readonly number[];
  readonly steps: number;
}

/** Told now and then: the losses of each rate so far. */
export type Progress = readonly (readonly number[])[];

const STEPS_PER_MESSAGE = 3;
/** So slowly that one sees the curves grow. */
const PAUSE_MS = 16;

const tell = (progress: Progress): void => postMessage(progress);

async function train({ rates, steps }: Order): Promise<void> {
  const runs = rates.map((rate) => sineLosses(rate, steps));
  const losses: number[][] = rates.map(() => []);
  while (losses.some(({ length }) => length <= steps)) {
    for (const [at, run] of runs.entries()) {
      for (let step = 0; step < STEPS_PER_MESSAGE; step++) {
        const { value, done } = await run.next();
        if (!done) losses[at].push(value);
      }
    }
    tell(losses);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

addEventListener('message', ({ data }: MessageEvent<Order>) => void train(data));
