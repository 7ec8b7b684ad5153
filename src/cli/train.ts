import { EXACT_TIMESTAMPS } from '../gpu/device.ts';
import { formatProfile, type Profile, type Report, type Trainer } from '../index.ts';
import { checkpoints } from '../node/checkpoints.ts';
import { deviceFor } from './deviceFor.ts';
import { drawPictures } from './pictures/drawPictures.ts';
import type { TrainCommand } from './command/commands.ts';
import { crossValidate } from './crossValidation.ts';
import { learningTaskOf, reportOfLearner, requireKept, saveModel, withLearner, type Learner } from './learner.ts';
import { requirePlaces, write } from './outputPaths.ts';
import { Progress } from './progress.ts';
import { settingsOf, type Settings } from './settings.ts';
import type { Judgement } from './tasks/task.ts';
import { taskOf } from './tasks/tasks.ts';
import { Terminal } from './terminal.ts';

/** The exit code of a run that Ctrl-C ended early. */
export const INTERRUPTED = 130;

/** All of one run. */
interface Run extends Learner {
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
  await requirePlaces('train', command);
  await requireKept(command);
  const { code, report } =
    command.folds === undefined
      ? await learn(command, signal)
      : await crossValidate(command.folds, (fold) => learn({ ...command, fold }, signal));
  if (report && command.report !== undefined)
    await write('train', command.report, `${JSON.stringify(report, null, 2)}\n`);
  return code;
}

async function learn(command: TrainCommand, signal: AbortSignal): Promise<Outcome> {
  const terminal = command.quiet ? null : new Terminal(process.stdout);
  const learningTask = await learningTaskOf(command, { signal, terminal });
  const settings = settingsOf(command, learningTask);
  const device = await timedDevice(command);
  try {
    return await withLearner({ command, learningTask, settings, terminal, device }, (learner) =>
      run({ ...learner, signal }),
    );
  } finally {
    device?.destroy();
  }
}

/** A device for a profile, whose timestamps are exact. Where there is none, the trainer says so, or does without. */
const timedDevice = async ({ profile, backend }: TrainCommand): Promise<GPUDevice | undefined> =>
  profile === undefined ? undefined : deviceFor(backend, [EXACT_TIMESTAMPS]);

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
  await saveModel('train', all);
  if (command.pictures !== undefined) await drawPictures(command.pictures, all, judgement.said);
  return { code: isWhole ? 0 : INTERRUPTED, report: reportOf(all, curve, judgement, profile) };
}

/** What `--report` writes. */
function reportOf(
  learner: Run,
  curve: Curve,
  { figures }: Judgement,
  profile: Profile | undefined,
): NonNullable<Outcome['report']> {
  const { trainer } = learner;
  return {
    ...reportOfLearner(learner),
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
