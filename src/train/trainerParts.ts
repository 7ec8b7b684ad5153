import type { Backend } from '../scheduler/backend.ts';
import { Saver } from './checkpoints/saver.ts';
import { Evaluator } from './evaluation/evaluator.ts';
import { prepare, type Prepared } from './graphs/preparedModel.ts';
import { Inspector } from './inspection/inspector.ts';
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
  readonly evaluator: Evaluator;
  readonly inspector: Inspector;
  readonly submitter: StepSubmitter;
  readonly stateCopy: StateCopy;
  readonly saver: Saver;
  /** Where a single batch is brought, and the step that reads it there. */
  readonly table: Source;
  readonly single: readonly StepProgram[];
}

/** Traces a model for the fields of its data, and compiles a step, unless there are no phases. @throws ShapeError where it does not fit them */
export async function trainerParts(
  backend: Backend,
  options: TrainerOptions,
  phases: readonly Phase[],
  fields: Fields,
  warn: Warn,
): Promise<TrainerParts> {
  const { batchSize, seed = 0 } = options;
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
      evaluator: new Evaluator(backend, prepared, programs, batchSize, warn),
      inspector: new Inspector(backend, prepared, programs),
      submitter,
      stateCopy,
      saver: new Saver({ backend, prepared, submitter, stateCopy, single, batchSize, seed }),
      table,
      single,
    };
  } catch (error) {
    programs.destroy();
    throw error;
  }
}
