import type { Numbers } from '../../core/shape.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { Note } from '../../scheduler/recovery.ts';
import type { StepSubmitter } from '../runs/stepSubmitter.ts';
import type { Progress, RunMoment } from './progress.ts';
import type { Saver } from './saver.ts';

/** Where a stream of samples goes on, and how many samples its set has. */
export type StreamPlace = NonNullable<Progress['stream']>;

/** What only the host knows of where a trainer is at a moment. */
export interface Moment {
  readonly known: Omit<Progress, 'step' | 'graph'>;
  /** Whether only the GPU knows where the stream is. */
  readonly isEncoding: boolean;
  /** What steps have recorded of which nobody was told. */
  readonly rows: Promise<Numbers> | null;
}

interface Whose {
  readonly backend: Backend;
  readonly submitter: StepSubmitter;
  readonly batchSize: number;
  readonly seed: number;
}

/** Behind the last submitted step. @param run that is going on */
export function momentOf(
  { backend: { kernels, adapter }, submitter: { rateFactor, optimizersFrom }, batchSize, seed }: Whose,
  run: RunMoment | null,
  stream: StreamPlace | null,
  isEncoding: boolean,
): Moment {
  const known = { rateFactor, optimizersFrom, stream, run: run?.progress ?? null, batchSize, seed, kernels, adapter };
  return { known, isEncoding, rows: run?.rows ?? null };
}

/** The same for who may have to go on from it. @param saver what makes a file of it, loaded when it is asked for */
export function noteOf(moment: Moment, saver: () => Promise<Saver>): Note {
  let file: Note['file'] | undefined;
  const ready = Promise.all([saver(), moment.rows]).then(([made, rows]) => (file = made.fileOf(moment, rows, {})));
  return { ready, file: (numbersOf) => file!(numbersOf) };
}
