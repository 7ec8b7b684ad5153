import { counting } from '../test/support/counting.ts';
import { expectedOf, judge, type Expected, type Verdict } from './judge.ts';
import { interleave, STEPS_FACTOR, timesFor, type Patience, type Timing } from './measure.ts';
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
  times: number;
  row: Row;
}

/** Told what comes next within a case. What it awaits is awaited before that; what it throws ends the case. */
export type Watch = (doing: string) => Promise<void>;

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
  watch: Watch = async () => {},
): Promise<Result> {
  const { group, name, work, whole } = one;
  const inputs = inputsOf(work);
  const expected = await expectedOf(work, inputs);
  const runners: Runner[] = [];
  try {
    for (const peer of peers) {
      if ('only' in peer && peer.only !== work.kind) continue;
      await watch(`checking ${peer.name}`);
      runners.push(await runnerOf(peer, one, inputs, expected, patience.seconds));
    }
    await time(one, runners, patience, subject, watch);
    if (device) for (const runner of runners) await count(device, runner);
  } finally {
    for (const { job } of runners) await job?.destroy();
  }
  const of = whole?.name ?? (work.kind === 'steps' ? 'step' : work.kind);
  return { group, name, of, rows: runners.map(({ row }) => row) };
}

/** Times those that are ready; who breaks says why instead. */
async function time(
  { work, whole }: Case,
  runners: readonly Runner[],
  { rounds }: Patience,
  subject: string,
  watch: Watch,
): Promise<void> {
  const ready = runners.filter(({ times }) => times > 0) as Required<Runner>[];
  const before = (round: number) => watch(`timing, round ${round + 1} of ${rounds}`);
  const outcomes = await interleave(ready, rounds, whole !== undefined, before);
  const ofSubject = outcomes[ready.findIndex(({ row }) => row.peer === subject)];
  const median = ofSubject && 'timing' in ofSubject ? ofSubject.timing.median : undefined;
  const { amount, unit } = amountOf(work);
  for (const [at, runner] of ready.entries()) {
    const outcome = outcomes[at];
    if ('error' in outcome) {
      fail(runner, outcome.error);
      continue;
    }
    const { timing } = outcome;
    const value = (amount * (whole?.times ?? 1)) / timing.median;
    const ratio = median && timing.median / median;
    runner.row = { ...runner.row, ...timing, rate: { value, unit: `${unit}/s` }, ...(ratio && { ratio }) };
  }
}

/** Who broke has no figures, whatever came before. */
function fail(runner: Runner, error: unknown): void {
  runner.times = 0;
  runner.row = { peer: runner.row.peer, unavailable: reasonOf(error) };
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

/** Adds the calls of a peer that is timed, if it calls WebGPU at all. */
async function count(device: GPUDevice, runner: Runner): Promise<void> {
  const { job, times } = runner;
  if (!job || times === 0) return;
  const runs = Math.min(times, MOST_COUNTED);
  try {
    const calls = Object.entries(await counting(device, () => job.run(runs))).filter(([, number]) => number > 0);
    if (calls.length === 0) return;
    const counts = Object.fromEntries(calls.map(([call, number]) => [call, number / runs]));
    runner.row = { ...runner.row, counts };
  } catch (error) {
    fail(runner, error);
  }
}
