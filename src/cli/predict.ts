import type { PredictCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { readModel } from './modelFile.ts';
import { openModel } from './openModel.ts';
import { taskOf } from './tasks/tasks.ts';
import { harmless } from './terminal.ts';

/** @throws UsageError where options are of pictures, and the model takes none */
function requireNoPictures({ model, pictures }: PredictCommand): void {
  if (pictures.ground === undefined && pictures.invert === undefined) return;
  throw new UsageError(`--ground and --invert are for pictures, and ${model} takes none: leave them out`);
}

/** Prints one line for each sample, as CSV: what the model says, and for classes how sure it is. Returns the exit code. */
export async function predict(command: PredictCommand): Promise<number> {
  const model = await readModel(command.model);
  const { predict: asks } = taskOf(model.form.input);
  if ('instead' in asks) {
    throw new UsageError(`predict is not for such a model: use millrace ${asks.instead} ${command.model}`);
  }
  if (!asks.takesPictures) requireNoPictures(command);
  const { data, notes } = await asks.question(command, model.form);
  for (const note of [...model.notes, ...notes]) process.stderr.write(`${harmless(note)}\n`);
  const predictor = await openModel(command.model, model, { backend: command.backend, data });
  try {
    const answers = (await asks.answer(model.form, data, predictor)).join('\n');
    // A file gets the names of classes as they are.
    process.stdout.write(`${process.stdout.isTTY ? harmless(answers) : answers}\n`);
    return 0;
  } finally {
    predictor.destroy();
  }
}
