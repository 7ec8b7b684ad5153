import { described } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Cursor } from '../checkpoints/progress.ts';
import { RING_ROWS } from '../graphs/metricsRing.ts';
import type { Course } from './course.ts';
import type { FitSettings } from './fitOptions.ts';
import { ResidentSupply } from './residentSupply.ts';
import { begunBy, type RunParts } from './runParts.ts';
import type { Steps } from './stepSupply.ts';

/** Samples of a run over a whole set. */
function samplesOf({ epochs, steps }: FitSettings, { length }: Dataset, batchSize: number): number {
  const samples = steps === undefined ? Math.round((epochs ?? 1) * length) : steps * batchSize;
  const isNumber = steps === undefined ? epochs === undefined || typeof epochs === 'number' : Number.isInteger(steps);
  if (isNumber && samples >= 1 && samples < Infinity && (steps === undefined || epochs === undefined)) return samples;
  throw new DataError(
    `[fit] epochs is ${described(epochs)}, steps is ${described(steps)}: give one of them, above 0: whole steps, or epochs that end`,
  );
}

/** The way of a run over a set that lies on the GPU as a whole. */
export async function residentCourse(parts: RunParts, data: Dataset, options: FitSettings): Promise<Course> {
  const { programs, submitter, batchSize, cursorOf, requireAlive } = parts;
  const { shuffle } = options;
  const samples = samplesOf(options, data, batchSize);
  const rest = samples % batchSize;
  const { source, release } = await programs.sets.reside(parts.training!, (from) =>
    [batchSize, rest].flatMap((n) =>
      n > 0 ? programs.stepGraphs(n, { source: from, shuffle }).map(({ graph }) => graph) : [],
    ),
  );
  try {
    const feed = { source, shuffle };
    const whole = await programs.step(batchSize, feed);
    const last = rest > 0 ? await programs.step(rest, feed) : whole;
    const cursor = cursorOf(data);
    submitter.moveTo(cursor, feed);
    const start = { ...cursor };
    const moveBy = (from: Cursor, by: number): void => {
      const position = from.position + by;
      const epochsOn = Math.floor(position / data.length);
      cursor.epoch = from.epoch + epochsOn;
      cursor.position = position - epochsOn * data.length;
    };
    /** Lets the step behind so many be the next one. */
    const goTo = (done: number): void => {
      moveBy(start, (done - begunBy(parts.before)) * batchSize);
      submitter.moveTo(cursor, feed);
    };
    const launch = (steps: Steps) => {
      requireAlive();
      const rows = submitter.launch(steps);
      moveBy(cursor, steps.samples);
      return rows;
    };
    const epochs = (done: number): number => Math.min(samples, done * batchSize) / data.length;
    const supply = new ResidentSupply({ samples, batchSize, whole, last, launch, begun: begunBy(parts.before) });
    return {
      supply,
      epochEnds: [],
      total: Math.ceil(samples / batchSize),
      most: RING_ROWS,
      epochs,
      endsEpoch: (done) => Math.floor(epochs(done)) > Math.floor(epochs(done - 1)),
      async goBack(done) {
        goTo(done - 1);
        return done * batchSize > samples ? last : whole;
      },
      goOnBehind(done) {
        goTo(done);
        supply.goBack(done);
      },
      isPassing: false,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
