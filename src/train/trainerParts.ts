import { whenAsked } from '../core/whenAsked.ts';
import type { Backend } from '../scheduler/backend.ts';
import type { Saver } from './checkpoints/saver.ts';
import type { Evaluator } from './evaluation/evaluator.ts';
import { prepare, type Prepared } from './graphs/preparedModel.ts';
import type { EncodedPredictions } from './hosting/encodedPredictions.ts';
import type { Inspector } from './inspection/inspector.ts';
import type { Phase } from './model.ts';
import type { TrainerOptions, Warn } from './options.ts';
import { Programs } from './programs/programs.ts';
import type { StepProgram } from './programs/sourcePrograms.ts';
import { StateCopy } from './runs/stateCopy.ts';
import { StepSubmitter } from './runs/stepSubmitter.ts';
import type { Fields, Source } from './samples/sampleSource.ts';

/** What there is of a trainer once the model was traced. */
export interface TrainerParts {
  readonly prepared: Prepared;
  readonly programs: Programs;
  readonly submitter: StepSubmitter;
  readonly stateCopy: StateCopy;
  /** Where a single batch is brought, and the step that reads it there. */
  readonly table: Source;
  readonly single: readonly StepProgram[];
  /* What not every trainer needs: loaded when it is asked for. */
  readonly evaluator: () => Promise<Evaluator>;
  readonly inspector: () => Promise<Inspector>;
  readonly encodedPredictions: () => Promise<EncodedPredictions>;
  readonly saver: () => Promise<Saver>;
}

/** What a trainer is opened with: also how many samples it predicts at once, where its model takes no other number. */
export type OpenOptions = TrainerOptions & { readonly predicts?: number | undefined };

/** Traces a model for the fields of its data, and compiles a step, unless there are no phases. @throws ShapeError where it does not fit them */
export async function trainerParts(
  backend: Backend,
  options: OpenOptions,
  phases: readonly Phase[],
  fields: Fields,
  warn: Warn,
): Promise<TrainerParts> {
  const { batchSize, seed = 0, predicts } = options;
  const prepared = prepare(options, phases, fields, backend.largestBinding);
  const programs = new Programs(backend, prepared);
  try {
    const table = programs.table(batchSize);
    const single = phases.length > 0 ? await programs.step(batchSize, { source: table, shuffle: false }) : [];
    const submitter = new StepSubmitter(backend, prepared);
    const stateCopy = new StateCopy(backend, prepared.traced);
    return {
      prepared,
      programs,
      submitter,
      stateCopy,
      table,
      single,
      evaluator: whenAsked(async () => {
        const { Evaluator } = await import('./inquiries.ts');
        return new Evaluator(backend, prepared, programs, batchSize, warn, predicts);
      }),
      inspector: whenAsked(async () => {
        const { Inspector } = await import('./inquiries.ts');
        return new Inspector(backend, prepared, programs);
      }),
      encodedPredictions: whenAsked(async () => {
        const { EncodedPredictions } = await import('./inquiries.ts');
        return new EncodedPredictions(backend, prepared, programs);
      }),
      saver: whenAsked(async () => {
        const { Saver } = await import('./checkpoints/files.ts');
        return new Saver({ backend, prepared, submitter, stateCopy, single, batchSize, seed });
      }),
    };
  } catch (error) {
    programs.destroy();
    throw error;
  }
}
