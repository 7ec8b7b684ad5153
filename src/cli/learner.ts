import { createTrainer, type Masks, type Trainer } from '../index.ts';
import { kernelFiles } from '../node/kernelFiles.ts';
import type { TrainCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { beginningOf, inputOf, type Beginning } from './foreign/beginning.ts';
import { openFile } from './foreign/fileFormat.ts';
import { isForeign } from './foreign/foreignModel.ts';
import { requireWriter, writeForeign, writerFor } from './foreign/writers.ts';
import { whyNoGpu } from './missingAdapter.ts';
import { modelFile } from './modelFile.ts';
import { write, type Writing } from './outputPaths.ts';
import { optimizerOf, type Settings } from './settings.ts';
import type { Changes, LearningTask, Loading, ModelForm } from './tasks/task.ts';
import { loadLearningTask, taskOf } from './tasks/tasks.ts';
import type { Terminal } from './terminal.ts';

/* A model of what a command names, and what it learns from. */

/** What is to be learned, and how. */
export interface Lesson {
  readonly command: TrainCommand;
  readonly learningTask: LearningTask;
  readonly settings: Settings;
  /** Null says nothing. */
  readonly terminal: Terminal | null;
  /** One is acquired if it is left out. */
  readonly device?: GPUDevice | undefined;
}

/** The same with a model that learns it. */
export interface Learner extends Lesson {
  readonly form: ModelForm;
  readonly trainer: Trainer;
}

/** Fails before anything is learned of what then could not be kept. */
export async function requireKept({ from, save }: TrainCommand): Promise<void> {
  if (from === undefined) return;
  const file = await openFile(from);
  if (save !== undefined && isForeign(file)) requireWriter(save);
}

/** Reads what is to be learned, as the model sees it that training goes on with, if it does. */
export const learningTaskOf = async (command: TrainCommand, loading: Loading): Promise<LearningTask> =>
  loadLearningTask(command, loading, await inputOf(command.from));

/** Makes a model, says what it is, and has it used until that is done. */
export async function withLearner<T>(given: Lesson, use: (learner: Learner) => Promise<T>): Promise<T> {
  const { command, settings, terminal, device } = given;
  const form = { input: given.learningTask.input, model: settings.model, hidden: settings.hidden };
  const task = taskOf(form.input);
  const inputs = task.inputs?.(form);
  const beginning = await beginningFor(given, form);
  const learningTask = beginning?.takesBytes ? unscaled(given.learningTask, task.seen!) : given.learningTask;
  const trainer = await createTrainer({
    model: task.network(form, settings.augment, beginning?.network),
    ...task.learnedBy(form.input),
    ...(inputs && { inputs }),
    optimizer: optimizerOf(settings),
    batchSize: settings.batch,
    seed: command.seed,
    backend: command.backend,
    kernels: kernelFiles(),
    device,
    data: learningTask.train,
  });
  try {
    await beginning?.load?.(trainer);
    if (terminal) await introduce(learningTask, settings, trainer, terminal);
    return await use({ ...given, learningTask, form, trainer });
  } finally {
    trainer.destroy();
  }
}

/** The same samples with a field's numbers as they are, for a model that scales them itself. */
function unscaled(learningTask: LearningTask, name: string): LearningTask {
  const asItIs = ({ length, fields }: LearningTask['train']): LearningTask['train'] => ({
    length,
    fields: { ...fields, [name]: { ...fields[name], scale: { scale: 1, offset: 0 } } },
  });
  return { ...learningTask, train: asItIs(learningTask.train), test: asItIs(learningTask.test) };
}

/** What training begins with, if it was said. @throws UsageError where no other model can take the place of ours */
async function beginningFor({ command, learningTask, terminal }: Lesson, form: ModelForm): Promise<Beginning | null> {
  const { from, dataset } = command;
  if (from === undefined) return null;
  const { seen } = taskOf(form.input);
  if (seen === undefined)
    throw new UsageError(`--from is for images and tables, and ${dataset} is neither: leave it out`);
  const beginning = await beginningOf(from, form, learningTask.train.fields[seen].shape);
  terminal?.line(`Begins with ${beginning.about}`);
  for (const note of beginning.notes) terminal?.line(`  ${note}`);
  return beginning;
}

async function introduce(
  learningTask: LearningTask,
  { augment }: Settings,
  trainer: Trainer,
  terminal: Terminal,
): Promise<void> {
  terminal.line(learningTask.about);
  for (const note of learningTask.notes) terminal.line(`  ${note}`);
  if (augment) terminal.line(`  Augmented in training: ${changesIn(augment)}`);
  if (trainer.backend === 'webgpu') terminal.line(`WebGPU on ${trainer.adapter}`);
  else terminal.line(`On the CPU: ${trainer.adapter}.${trainer.fallback ? ` ${await whyNoGpu()}` : ''}`);
  terminal.line(`\n${await trainer.summary()}\n`);
}

/** `shift 2, rotate 10`; of masks `timeMasks 2 of 8` */
const changesIn = (changes: Changes): string =>
  Object.entries(changes as Readonly<Record<string, number | true | Masks>>)
    .map(([name, most]) => {
      if (typeof most === 'object') return `${name} ${most.count} of ${most.longest}`;
      return most === true ? name : `${name} ${most}`;
    })
    .join(', ');

/** Keeps what was learned, where that was asked for. */
export async function saveModel(by: Writing, { command: { save }, form, trainer, terminal }: Learner): Promise<void> {
  if (save === undefined) return;
  if (writerFor(save)) await writeForeign(by, trainer, save, undefined);
  else await write(by, save, await modelFile(form, trainer));
  terminal?.line(`The model is in ${save}.`);
}

/** What a report says of who learned, and from what. */
export function reportOfLearner({ command, learningTask, settings, form, trainer }: Learner) {
  const { augment, batch, optimizer, learningRate, weightDecay, schedule } = settings;
  return {
    adapter: trainer.adapter,
    backend: trainer.backend,
    data: learningTask.from,
    notes: learningTask.notes,
    model: taskOf(form.input).layersOf(form),
    augment,
    batch,
    optimizer,
    learningRate,
    weightDecay,
    schedule,
    seed: command.seed,
  };
}
