import { adam, adamw, schedules, sgd, type Optimizer } from '../index.ts';
import { UsageError, type TrainCommand } from './options.ts';
import type { Subject } from './subject.ts';

/** How training goes: what the command says, and what it leaves open by the data. */
export interface Settings {
  readonly hidden: readonly number[];
  readonly batch: number;
  readonly steps: number;
  readonly optimizer: 'adam' | 'adamw' | 'sgd';
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly schedule: 'cosine' | 'constant';
}

interface Defaults extends Pick<Settings, 'hidden' | 'batch' | 'optimizer' | 'weightDecay'> {
  readonly epochs: number;
}

const imageDefaults: Defaults = { hidden: [128], batch: 128, epochs: 4, optimizer: 'adam', weightDecay: 0 };

/** One rule for tables of any size: the more rows, the more steps, but the fewer passes over them. */
const tableDefaults = (rows: number): Defaults => ({
  hidden: [64, 32],
  batch: Math.min(32, rows),
  epochs: 960 / Math.sqrt(rows),
  optimizer: 'adamw',
  weightDecay: 0.1,
});

const learningRates = { adam: 3e-3, adamw: 3e-3, sgd: 0.1 };

export function settingsOf(command: TrainCommand, { input, train }: Subject): Settings {
  const defaults = input.kind === 'image' ? imageDefaults : tableDefaults(train.length);
  const { epochs = defaults.epochs, optimizer = defaults.optimizer, batch = defaults.batch } = command;
  if (batch > train.length) {
    throw new UsageError(`--batch is ${batch} but there are only ${train.length} samples to learn from`);
  }
  const usualDecay = optimizer === defaults.optimizer ? defaults.weightDecay : optimizer === 'adamw' ? 0.01 : 0;
  return {
    hidden: command.hidden ?? defaults.hidden,
    batch,
    steps: command.steps ?? Math.ceil((epochs * train.length) / batch),
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
