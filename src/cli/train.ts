import { EXACT_TIMESTAMPS } from '../gpu/device.ts';
import { createTrainer, formatProfile, type Masks, type Profile, type Report, type Trainer } from '../index.ts';
import { checkpoints } from '../node/checkpoints.ts';
import { kernelFiles } from '../node/kernelFiles.ts';
import { UsageError } from './command/usageError.ts';
import { deviceFor } from './deviceFor.ts';
import { beginningOf, type Beginning } from './foreign/beginning.ts';
import { openFile } from './foreign/fileFormat.ts';
import { isForeign } from './foreign/foreignModel.ts';
import { requireWriter, writeForeign, writerFor } from './foreign/writers.ts';
import { whyNoGpu } from './missingAdapter.ts';
import { drawPictures } from './pictures/drawPictures.ts';
import { modelFile } from './modelFile.ts';
import type { TrainCommand } from './command/commands.ts';
import { crossValidate } from './crossValidation.ts';
import { requirePlaces, write } from './outputPaths.ts';
import { Progress } from './progress.ts';
import { optimizerOf, settingsOf, type Settings } from './settings.ts';
import type { Changes, Judgement, LearningTask, ModelForm } from './tasks/task.ts';
import { loadLearningTask, taskOf } from './tasks/tasks.ts';
import { Terminal } from './terminal.ts';

/** The exit code of a run that Ctrl-C ended early. */
export const INTERRUPTED = 130;

/** All of one run. */
interface Run {
  readonly command: TrainCommand;
  readonly learningTask: LearningTask;
  readonly settings: Settings;
  readonly form: ModelForm;
  readonly trainer: Trainer;
  /** Null says nothing. */
  readonly terminal: Terminal | null;
  readonly signal: AbortSignal;
}

/** What came of a run. */
export interface Outcome {
  readonly code: number;
  /** Not of a run that ended before it could be judged. */
  readonly report?: { readonly testAccuracy?: number | null } & Readonly<Record<string, unknown>>;
}

/** Trains, prints how it goes, and returns the exit code. */
export async function train(command: TrainCommand, signal: AbortSignal): Promise<number> {
  await requirePlaces(command);
  await requireKept(command);
  const { code, report } =
    command.folds === undefined
      ? await learn(command, signal)
      : await crossValidate(command.folds, (fold) => learn({ ...command, fold }, signal));
  if (report && command.report !== undefined) await write(command.report, `${JSON.stringify(report, null, 2)}\n`);
  return code;
}

/** Fails before anything is learned of what then could not be kept. */
async function requireKept({ from, save }: TrainCommand): Promise<void> {
  if (from === undefined) return;
  const file = await openFile(from);
  if (save !== undefined && isForeign(file)) requireWriter(save);
}

async function learn(command: TrainCommand, signal: AbortSignal): Promise<Outcome> {
  const terminal = command.quiet ? null : new Terminal(process.stdout);
  const learningTask = await loadLearningTask(command, { signal, terminal });
  const settings = settingsOf(command, learningTask);
  const form = { input: learningTask.input, model: settings.model, hidden: settings.hidden };
  const device = await timedDevice(command);
  try {
    return await trainOn(device, { command, learningTask, settings, form, terminal, signal });
  } finally {
    device?.destroy();
  }
}

async function trainOn(device: GPUDevice | undefined, given: Omit<Run, 'trainer'>): Promise<Outcome> {
  const { command, settings, form, terminal } = given;
  const task = taskOf(form.input);
  const inputs = task.inputs?.(form);
  const beginning = await beginningFor(given);
  const learningTask = beginning?.takesBytes ? unscaled(given.learningTask, task.seen!) : given.learningTask;
  const all = { ...given, learningTask };
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
    return await run({ ...all, trainer });
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
async function beginningFor({
  command,
  learningTask,
  form,
  terminal,
}: Omit<Run, 'trainer'>): Promise<Beginning | null> {
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

/** A device for a profile, whose timestamps are exact. Where there is none, the trainer says so, or does without. */
const timedDevice = async ({ profile, backend }: TrainCommand): Promise<GPUDevice | undefined> =>
  profile === undefined ? undefined : deviceFor(backend, [EXACT_TIMESTAMPS]);

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

/** What came of the steps. */
interface Curve {
  /** Steps that were taken before, by a run that this one goes on with. */
  readonly before: number;
  readonly losses: readonly number[];
  /** Of the last step that was not left out. */
  readonly last: number;
  /** How many of these steps were left out, since a number in them was NaN or infinite. */
  readonly skipped: number;
  readonly seconds: number;
  readonly submitsPerStep: number;
}

/** Trains until all steps are done, the signal ends it, or a loss is no number, which is then the last unless it is left out. */
async function fit({ command, learningTask, settings, trainer, terminal, signal }: Run): Promise<Curve> {
  const { checkpoint: folder, onNaN } = command;
  const saved = folder === undefined ? undefined : checkpoints({ folder });
  const newest = command.resume ? await saved!.newest() : null;
  let before = newest ? await goOn(trainer, newest, terminal) : 0;
  if (command.resume && !newest) terminal?.line(`There is no checkpoint in ${folder} yet: training begins.`);
  const progress = new Progress(settings.steps, terminal);
  const losses: number[] = [];
  const submits = trainer.submits;
  let [seconds, last, skipped] = [0, 0, 0];
  try {
    for await (const report of trainer.fit(learningTask.batches ?? learningTask.train, {
      steps: settings.steps,
      signal,
      onNaN,
      ...(saved && { checkpoints: saved }),
    })) {
      // Some steps of a checkpoint may not have been reported.
      if (losses.length === 0) before = report.step - 1;
      losses.push(report.loss);
      if (report.skipped && onNaN !== 'stop') skipped++;
      else last = report.loss;
      if (!Number.isFinite(last)) break;
      seconds = report.seconds;
      progress.show(report);
      if (report.rewoundTo !== undefined) sayRewound(report, progress, terminal);
    }
  } finally {
    progress.close();
  }
  return {
    before,
    losses,
    last,
    skipped,
    seconds,
    submitsPerStep: (trainer.submits - submits) / Math.max(1, losses.length),
  };
}

/** Where a checkpoint was saved. @returns the steps that were taken by then */
async function goOn(trainer: Trainer, newest: Uint8Array, terminal: Terminal | null): Promise<number> {
  const { step, why } = await trainer.load(newest, { file: 'the newest checkpoint' });
  terminal?.line(`Goes on behind step ${step}${why.length > 0 ? `, with other roundings: ${why.join('; ')}` : ''}.`);
  return step;
}

function sayRewound({ step, rewoundTo }: Report, progress: Progress, terminal: Terminal | null): void {
  progress.close();
  terminal?.line(`Step ${step} was bad: training goes on behind it from what was learned by step ${rewoundTo}.`);
}

function sayDiverged(what: string, { learningRate }: Settings): Outcome {
  process.stderr.write(`${what}: training has diverged. A smaller --lr than ${learningRate} may help.\n`);
  return { code: 1 };
}

async function run(all: Run): Promise<Outcome> {
  const { command, settings, form, trainer, terminal } = all;
  const curve = await fit(all);
  const { before, losses, last, skipped, seconds } = curve;
  const steps = before + losses.length;
  const done = `${steps} of ${settings.steps} steps`;
  if (losses.length === 0 && steps < settings.steps) {
    process.stdout.write(`Stopped after ${done}.\n`);
    return { code: INTERRUPTED };
  }
  if (!Number.isFinite(last)) return sayDiverged(`The loss is ${last} at step ${steps}`, settings);
  if (skipped > 0)
    terminal?.line(`${skipped} of ${losses.length} steps were left out: numbers in them were NaN or infinite.`);
  const judgement = await taskOf(form.input).judge(all, await trainer.evaluate(all.learningTask.test));
  const { testLoss } = judgement.figures;
  if (!Number.isFinite(testLoss)) return sayDiverged(`The test loss is ${testLoss}`, settings);

  const isWhole = steps === settings.steps;
  const ended = isWhole ? `${settings.steps} steps` : `Stopped after ${done}`;
  process.stdout.write(`${ended} in ${seconds.toFixed(1)} s. ${judgement.sentence}\n`);
  const profile = command.profile !== undefined && isWhole ? await trainer.profile(command.profile) : undefined;
  if (profile) terminal?.line(`\n${formatProfile(profile)}\n`);
  if (command.save !== undefined) {
    if (writerFor(command.save)) await writeForeign(trainer, command.save, undefined);
    else await write(command.save, await modelFile(form, trainer));
    terminal?.line(`The model is in ${command.save}.`);
  }
  if (command.pictures !== undefined) await drawPictures(command.pictures, all, judgement.said);
  return { code: isWhole ? 0 : INTERRUPTED, report: reportOf(all, curve, judgement, profile) };
}

/** What `--report` writes. */
function reportOf(
  { command, learningTask, settings, form, trainer }: Run,
  curve: Curve,
  { figures }: Judgement,
  profile: Profile | undefined,
): NonNullable<Outcome['report']> {
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
    steps: curve.before + curve.losses.length,
    skippedSteps: curve.skipped,
    seconds: curve.seconds,
    ...figures,
    lossCurve: curve.losses,
    launchesPerStep: trainer.launchesPerStep,
    submitsPerStep: curve.submitsPerStep,
    peakGpuBytes: trainer.backend === 'webgpu' ? trainer.bytes : 0,
    profile,
  };
}
