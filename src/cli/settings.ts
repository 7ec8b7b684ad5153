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
  const usualDecay = optimizer === defaults.optimizer ? defaults.weightDecay : optimizer === 'adamw' ? 0.01 : 0;
  return {
    model: command.model,
    hidden: command.hidden ?? defaults.hidden ?? [],
    augment: task.changes?.(command) ?? null,
    batch,
    steps: command.steps ?? usualSteps ?? Math.ceil((epochs * train.length) / batch),
    optimizer,
    learningRate: command.learningRate ?? learningRates[optimizer],
    weightDecay: command.weightDecay ?? usualDecay,
    schedule: command.schedule,
  };
}

export function optimizerOf({ optimizer, schedule, learningRate: rate, steps, weightDecay }: Settings): Optimizer {
  const learningRate = schedule === 'cosine' ? schedules.cosine(rate, { steps }) : rate;
  switch (optimizer) {
    case 'adam':
      return adam({ learningRate });
    case 'adamw':
      return adamw({ learningRate, weightDecay });
    case 'sgd':
      return sgd({ learningRate, weightDecay, momentum: 0.9 });
  }
}
