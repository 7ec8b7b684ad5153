// Peers take turns within a case, so that whatever else the machine does meets all of them alike.

import type { Job } from './peers/peer.ts';

export interface Timing {
  /** Seconds of doing the work once, or of doing the whole once: one for each round. */
  readonly samples: readonly number[];
  readonly median: number;
  /** Quartiles: half of the samples lie between them. */
  readonly q1: number;
  readonly q3: number;
  /** How often a sample did the work. */
  readonly times: number;
}

export interface Patience {
  readonly rounds: number;
  /** Seconds that a sample takes at least. */
  readonly seconds: number;
}

/** Steps are timed longer: millrace's submits begin small in each call and grow. */
export const STEPS_FACTOR = 10;

async function secondsOf(job: Job, times: number): Promise<number> {
  const begun = performance.now();
  await job.run(times);
  return (performance.now() - begun) / 1000;
}

/** The most by which a guess is raised at once: the first runs are slow for reasons of their own. */
const MOST_GROWTH = 10;

/** How often the work fills a sample's time. It warms up too. */
export async function timesFor(job: Job, seconds: number): Promise<number> {
  await job.run(1);
  for (let times = 1; ;) {
    const taken = await secondsOf(job, times);
    if (taken >= seconds) return times;
    times = Math.ceil(times * Math.min(MOST_GROWTH, Math.max(1.2, (1.2 * seconds) / taken)));
  }
}

/** The number below which a fraction of the sorted numbers lies, between neighbours by their distance. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const at = fraction * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

function timingOf(samples: readonly number[], times: number): Timing {
  const sorted = [...samples].sort((a, b) => a - b);
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((fraction) => quantile(sorted, fraction));
  return { samples, median, q1, q3, times };
}

/**
 * Times jobs in turn, each round beginning with another one.
 * @param whole whether all times of a sample count as one, or each by itself
 * @param before awaited before each round
 * @returns a timing of each job, or what it threw: the others go on without it
 */
export async function interleave(
  jobs: readonly { readonly job: Job; readonly times: number }[],
  rounds: number,
  whole: boolean,
  before: (round: number) => Promise<void> = async () => {},
): Promise<({ readonly timing: Timing } | { readonly error: unknown })[]> {
  const samples: number[][] = jobs.map(() => []);
  const errors = new Map<number, unknown>();
  for (let round = 0; round < rounds; round++) {
    await before(round);
    for (let turn = 0; turn < jobs.length; turn++) {
      const at = (round + turn) % jobs.length;
      if (errors.has(at)) continue;
      const { job, times } = jobs[at];
      try {
        samples[at].push((await secondsOf(job, times)) / (whole ? 1 : times));
      } catch (error) {
        errors.set(at, error);
      }
    }
  }
  return jobs.map(({ times }, at) =>
    errors.has(at) ? { error: errors.get(at) } : { timing: timingOf(samples[at], times) },
  );
}
