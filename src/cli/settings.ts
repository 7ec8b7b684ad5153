import { adam, adamw, schedules, sgd, type Optimizer } from '../index.ts';
import type { ModelName, TrainCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import type { Changes, LearningTask } from './tasks/task.ts';
import { taskOf } from './tasks/tasks.ts';

/** How training goes: what the command says, and what it leaves open by the data. */
export interface Settings {
  readonly model: ModelName;
  /** Of an mlp. */
  readonly hidden: readonly number[];
  /** What happens to images or sounds in training; null: nothing. */
  readonly augment: Changes | null;
  readonly batch: number;
  readonly steps: number;
  readonly optimizer: 'adam' | 'adamw' | 'sgd';
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly schedule: 'cosine' | 'constant';
  readonly warmUp: number;
  /** The share of the learning rate that a cosine ends at. */
  readonly least: number;
  readonly beta2: number | undefined;
  /** The longest that the gradient may be. */
  readonly clip: number | undefined;
}

const learningRates = { adam: 3e-3, adamw: 3e-3, sgd: 0.1 };

export function settingsOf(command: TrainCommand, { input, train }: LearningTask): Settings {
  const task = taskOf(input);
  const defaults = task.defaults(command, train.length);
  const { epochs = defaults.epochs, optimizer = defaults.optimizer, batch = defaults.batch } = command;
  const usualSteps = command.epochs === undefined ? defaults.steps : undefined;
  if (batch > train.length) {
    throw new UsageError(`--batch is ${batch} but there are only ${train.length} samples to learn from`);
  }
  const steps = command.steps ?? usualSteps ?? Math.ceil((epochs * train.length) / batch);
  const isUsual = optimizer === defaults.optimizer;
  const usualDecay = isUsual ? defaults.weightDecay : optimizer === 'adamw' ? 0.01 : 0;
  return {
    model: command.model,
    hidden: command.hidden ?? defaults.hidden ?? [],
    augment: task.changes?.(command) ?? null,
    batch,
    steps,
    optimizer,
    learningRate: command.learningRate ?? (isUsual ? defaults.learningRate : undefined) ?? learningRates[optimizer],
    weightDecay: command.weightDecay ?? usualDecay,
    schedule: command.schedule,
    // Of few steps, a tenth.
    warmUp: Math.min(defaults.warmUp ?? 0, Math.floor(steps / 10)),
    least: defaults.least ?? 0,
    beta2: defaults.beta2,
    clip: defaults.clip,
  };
}

function rateOf({ schedule, learningRate: rate, steps, warmUp, least }: Settings): number | schedules.Schedule {
  const later = schedule === 'cosine' ? schedules.cosine(rate, { steps: steps - warmUp, minimum: least * rate }) : rate;
  return warmUp > 0 ? schedules.warmUp(later, { steps: warmUp, from: 1 / warmUp }) : later;
}

export function optimizerOf(settings: Settings): Optimizer {
  const { optimizer, weightDecay, clip, beta2 } = settings;
  const usual = { learningRate: rateOf(settings), ...(clip !== undefined && { clip: { globalNorm: clip } }) };
  const remembered = beta2 === undefined ? usual : { ...usual, beta2 };
  switch (optimizer) {
    case 'adam':
      return adam(remembered);
    case 'adamw':
      return adamw({ ...remembered, weightDecay });
    case 'sgd':
      return sgd({ ...usual, weightDecay, momentum: 0.9 });
  }
}
