import { FormatError } from '../core/errors.ts';
import { FlowerError } from './flowerError.ts';
import type { Metadata } from './fleet_pb.ts';
import { isForgotten } from './membership.ts';
import { isOver, requireRun, type Post } from './messages.ts';
import type { FlowerEvent, FlowerTask } from './options.ts';
import type { Records } from './records.ts';
import { perform, taskOf, type Done, type TaskOptions } from './tasks.ts';
import { pause } from './waiting.ts';

/** Seconds between looks at whether anybody waits for an answer. */
const LOOK_AGAIN = 5;
const MILLISECONDS = 1000;

/** What a task takes. */
export interface AttemptParts extends Post {
  readonly tasks: TaskOptions;
  readonly tell: (event: FlowerEvent) => void;
}

/** What came of a task: an answer, or what went wrong. */
interface Attempt {
  readonly task: FlowerTask | undefined;
  readonly done?: Done;
  readonly failure?: unknown;
  /** Whether the node was away meanwhile, for so long that a ServerApp was told so in its place. */
  readonly isMissed: boolean;
  readonly seconds: number;
}

/** Does what a message asks for, as long as somebody waits for it. @throws FlowerError once its run is over */
export async function attemptTask(
  parts: AttemptParts,
  metadata: Metadata,
  records: Records | FormatError,
  bytes: number,
): Promise<Attempt> {
  const { tasks, membership, patience, tell } = parts;
  const [since, { absences }, run] = [performance.now(), membership, String(metadata.runId)];
  const stops = new AbortController();
  const leave = () => stops.abort(patience.signal.reason);
  let task: FlowerTask | undefined;
  const attempt = (result: Pick<Attempt, 'done' | 'failure'>): Attempt => ({
    ...result,
    task,
    isMissed: membership.absences > absences,
    seconds: (performance.now() - since) / MILLISECONDS,
  });
  patience.signal.addEventListener('abort', leave);
  try {
    if (records instanceof FormatError) throw records;
    task = taskOf(metadata, records, stops.signal);
    tell({ kind: 'received', task, bytes });
    void watch(parts, run, stops);
    return attempt({ done: await perform(task, tasks) });
  } catch (failure) {
    patience.signal.throwIfAborted();
    const why: unknown = stops.signal.reason;
    if (why instanceof FlowerError) throw why;
    if (!stops.signal.aborted) tell({ kind: 'failed', run, round: task?.round, why: reasonOf(failure) });
    return attempt({ failure });
  } finally {
    patience.signal.removeEventListener('abort', leave);
    stops.abort();
  }
}

/** Stops a task for whose answer nobody waits any more: its run is over, or the node was away for so long that it is missed. */
async function watch(parts: Post, run: string, stops: AbortController): Promise<void> {
  const { membership } = parts;
  const { absences } = membership;
  while (!stops.signal.aborted) {
    await pause(LOOK_AGAIN, stops.signal).catch(() => {});
    if (stops.signal.aborted) return;
    if (membership.absences > absences) stops.abort();
    await requireRun(parts, run).catch((error: unknown) => {
      if (isForgotten(error) || isOver(error)) stops.abort(error);
    });
  }
}

/** What a failure is called in a reply. */
export const reasonOf = (failure: unknown): string =>
  failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure);
