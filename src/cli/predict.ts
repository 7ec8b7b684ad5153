import { adam, createTrainer, mean, type Value } from '../index.ts';
import { isValue } from '../graph/graph.ts';
import { kernelFiles } from '../node/kernelFiles.ts';
import type { PredictCommand } from './command/commands.ts';
import { readModel } from './modelFile.ts';
import type { Transcript } from './tasks/transcriber.ts';
import { taskOf } from './tasks/tasks.ts';
import { harmless } from './terminal.ts';

/** Prints one line for each sample, as CSV: what the model says, and for classes how sure it is. Returns the exit code. */
export async function predict(command: PredictCommand): Promise<number> {
  const model = await readModel(command.model);
  const { form, bytes } = model;
  const task = taskOf(form.input);
  const { data, notes } = await task.question(command, form);
  for (const note of [...model.notes, ...notes]) process.stderr.write(`${harmless(note)}\n`);
  const inputs = task.inputs?.(form);
  const trainer = await createTrainer({
    model: task.network(form, null),
    // A trainer must have them; nothing is learned here.
    loss: (outputs: Value | Transcript) => mean(isValue(outputs) ? outputs : outputs.logits),
    ...(inputs && { inputs }),
    optimizer: adam(),
    batchSize: 1,
    backend: command.backend,
    kernels: kernelFiles(),
    data,
  });
  try {
    await trainer.loadWeights(bytes, command.model);
    const answers = (await task.answer(form, data, trainer)).join('\n');
    // A file gets the names of classes as they are.
    process.stdout.write(`${process.stdout.isTTY ? harmless(answers) : answers}\n`);
    return 0;
  } finally {
    trainer.destroy();
  }
}
