import {
  adam,
  adamw,
  schedules,
  sgd,
  type AugmentOptions,
  type AugmentSequencesOptions,
  type Optimizer,
} from '../index.ts';
import type { ImageModelName, ImageSet, ModelName, TrainCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import type { Changes, InputForm } from './network.ts';
import type { LearningTask } from './learningTask.ts';

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

interface Defaults extends Pick<Settings, 'batch' | 'optimizer' | 'weightDecay'> {
  readonly hidden?: readonly number[];
  readonly epochs: number;
  /** In place of epochs. */
  readonly steps?: number;
}

/** As He et al. 2015, 4.2, but for fewer steps. */
const resnetDefaults: Defaults = { batch: 128, epochs: 30, optimizer: 'sgd', weightDecay: 5e-4 };

const imageDefaults: Readonly<Record<ImageModelName, Defaults>> = {
  mlp: { hidden: [128], batch: 128, epochs: 4, optimizer: 'adam', weightDecay: 0 },
  lenet: { batch: 128, epochs: 8, optimizer: 'adamw', weightDecay: 0.01 },
  cnn: { batch: 64, epochs: 12, optimizer: 'adamw', weightDecay: 0.05 },
  resnet8: resnetDefaults,
  resnet14: resnetDefaults,
  resnet18: resnetDefaults,
};

/** One rule for tables of any size: the more rows, the more steps, but the fewer passes over them. */
const tableDefaults = (rows: number): Defaults => ({
  hidden: [64, 32],
  batch: Math.min(32, rows),
  epochs: 960 / Math.sqrt(rows),
  optimizer: 'adamw',
  weightDecay: 0.1,
});

/** As tables, but of few weights, since windows overlap: what they have in common is little. */
const seriesDefaults = (windows: number): Defaults => ({
  hidden: [64],
  batch: Math.min(32, windows),
  epochs: 0,
  steps: 1000,
  optimizer: 'adamw',
  weightDecay: 1,
});

/** Twenty passes over what little there usually is. */
const soundDefaults = (recordings: number): Defaults => ({
  batch: Math.min(32, recordings),
  epochs: 20,
  optimizer: 'adamw',
  weightDecay: 0.01,
});

/** Strings take longer than words, and are longer. */
const transcriptionDefaults = (strings: number): Defaults => ({
  batch: Math.min(16, strings),
  epochs: 10,
  optimizer: 'adamw',
  weightDecay: 0.01,
});

/** In frames of 10 ms, and of 40 pitches. After Park et al. 2019, for sounds as short as words. */
const speaking: AugmentSequencesOptions = {
  shift: 5,
  timeMasks: { count: 2, longest: 8 },
  featureMasks: { count: 2, longest: 6 },
};

/** Writing varies in place, slant and size. */
const writing: AugmentOptions = { shift: 2, rotate: 10, scale: 0.1 };

/**
 * What usually happens to the images of a set, whosever files it is read from. What may vary without becoming something
 * else is known of what they show, not of their pixels: a mirrored digit is none, and clothes lie as straight as they fit.
 */
const changesOf: Readonly<Record<ImageSet, AugmentOptions>> = {
  mnist: writing,
  digits: writing,
  'fashion-mnist': { shift: 1, flip: true },
  // As He et al. 2015, 4.2.
  cifar10: { shift: 4, flip: true },
};

/** What is to happen to images or sounds: if it is not said, what is usual for the set, with convolutional models only. */
function augmentationOf({ augment, model, dataset }: TrainCommand, input: InputForm): Changes | null {
  if (input.kind === 'sound') return (augment ?? true) ? speaking : null;
  if (input.kind !== 'image' || !(augment ?? model !== 'mlp')) return null;
  return changesOf[dataset as ImageSet];
}

const learningRates = { adam: 3e-3, adamw: 3e-3, sgd: 0.1 };

function defaultsOf({ model, transcribe }: TrainCommand, { kind }: InputForm, samples: number): Defaults {
  if (kind === 'sound') return transcribe ? transcriptionDefaults(samples) : soundDefaults(samples);
  if (kind === 'series') return seriesDefaults(samples);
  return kind === 'image' ? imageDefaults[model as ImageModelName] : tableDefaults(samples);
}

export function settingsOf(command: TrainCommand, { input, train }: LearningTask): Settings {
  const defaults = defaultsOf(command, input, train.length);
  const { epochs = defaults.epochs, optimizer = defaults.optimizer, batch = defaults.batch } = command;
  const usualSteps = command.epochs === undefined ? defaults.steps : undefined;
  if (batch > train.length) {
    throw new UsageError(`--batch is ${batch} but there are only ${train.length} samples to learn from`);
  }
  const usualDecay = optimizer === defaults.optimizer ? defaults.weightDecay : optimizer === 'adamw' ? 0.01 : 0;
  return {
    model: command.model,
    hidden: command.hidden ?? defaults.hidden ?? [],
    augment: augmentationOf(command, input),
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
