import { counting } from '../test/support/counting.ts';
import { expectedOf, judge, type Expected, type Verdict } from './judge.ts';
import { interleave, timesFor, type Patience, type Timing } from './measure.ts';
import { Unavailable, type Job, type Peer, type PeerEntry, type Platform } from './peers/peer.ts';
import { isTooMuch, type Case } from './suite.ts';
import { amountOf, inputsOf, type Inputs } from './work.ts';

/** One peer in one case: why it has no figures, or how far it is off, or how long it takes. */
export interface Row extends Partial<Verdict>, Partial<Timing> {
  readonly peer: string;
  readonly unavailable?: string;
  /** Work a second, by the median. */
  readonly rate?: { readonly value: number; readonly unit: string };
  /** Its median in units of the subject's. */
  readonly ratio?: number;
  /** WebGPU calls of doing the work once, from a pass of their own. */
  readonly counts?: Readonly<Record<string, number>>;
}

export interface Result {
  readonly group: string;
  readonly name: string;
  /** What the seconds are of. */
  readonly of: string;
  readonly rows: readonly Row[];
}

/** A peer that cannot run here, with the reason. */
export interface Absent {
  readonly name: string;
  readonly unavailable: string;
}

/** Steps are timed longer: millrace's submits begin small in each call and grow. */
const STEPS_FACTOR = 10;
/** Times that calls are counted over, and then divided by. */
const MOST_COUNTED = 20;

/** Opens peers; those that cannot run here stay in the table with the reason. */
export async function openPeers(entries: readonly PeerEntry[], platform: Platform): Promise<(Peer | Absent)[]> {
  const opened = [];
  for (const { name, open } of entries) {
    opened.push(await open(platform).catch((error: unknown): Absent => ({ name, unavailable: reasonOf(error) })));
  }
  return opened;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : JSON.stringify(error);
  return error instanceof Unavailable ? text : `failed: ${text.split('\n')[0]}`;
}

/** A peer that is ready for a case, or the reason why it is not. */
interface Runner {
  readonly job?: Job;
  readonly times: number;
  row: Row;
}

/**
 * One case: each peer prepares and is judged; those that are right are timed in turn, then counted.
 * @param subject the peer that ratios compare with
 */
export async function runCase(
  one: Case,
  peers: readonly (Peer | Absent)[],
  { device }: Platform,
  patience: Patience,
  subject: string,
): Promise<Result> {
  const { group, name, work, whole } = one;
  const inputs = inputsOf(work);
  const expected = await expectedOf(work, inputs);
  const runners: Runner[] = [];
  try {
    for (const peer of peers) {
      if ('only' in peer && peer.only !== work.kind) continue;
      runners.push(await runnerOf(peer, one, inputs, expected, patience.seconds));
    }
    const ready = runners.filter(({ times }) => times > 0) as Required<Runner>[];
    const timings = await interleave(ready, patience.rounds, whole !== undefined);
    const { amount, unit } = amountOf(work);
    const median = timings[ready.findIndex(({ row }) => row.peer === subject)]?.median;
    for (const [at, runner] of ready.entries()) {
      const timing = timings[at];
      const value = (amount * (whole?.times ?? 1)) / timing.median;
      const ratio = median && timing.median / median;
      const counts = device && (await countsOf(device, runner));
      runner.row = {
        ...runner.row,
        ...timing,
        rate: { value, unit: `${unit}/s` },
        ...(ratio && { ratio }),
        ...(counts && { counts }),
      };
    }
  } finally {
    for (const { job } of runners) await job?.destroy();
  }
  const of = whole?.name ?? (work.kind === 'steps' ? 'step' : work.kind);
  return { group, name, of, rows: runners.map(({ row }) => row) };
}

async function runnerOf(
  peer: Peer | Absent,
  { work, whole }: Case,
  inputs: Inputs,
  expected: Expected,
  seconds: number,
): Promise<Runner> {
  const { name } = peer;
  if ('unavailable' in peer) return { times: 0, row: { peer: name, unavailable: peer.unavailable } };
  let job: Job | undefined;
  try {
    if (peer.slow && isTooMuch(work)) throw new Unavailable('left out: too much for a CPU');
    job = await peer.prepare(work, inputs);
    const row = { peer: name, ...judge(await job.result(), expected) };
    if (!row.correct) return { job, times: 0, row };
    const least = work.kind === 'steps' ? STEPS_FACTOR * seconds : seconds;
    return { job, times: whole?.times ?? (await timesFor(job, least)), row };
  } catch (error) {
    await job?.destroy();
    return { times: 0, row: { peer: name, unavailable: reasonOf(error) } };
  }
}

/** None of a peer that never calls WebGPU. */
async function countsOf(device: GPUDevice, { job, times }: Required<Runner>): Promise<Row['counts'] | undefined> {
  const runs = Math.min(times, MOST_COUNTED);
  const calls = Object.entries(await counting(device, () => job.run(runs))).filter(([, count]) => count > 0);
  return calls.length > 0 ? Object.fromEntries(calls.map(([call, count]) => [call, count / runs])) : undefined;
}
