import {
  augmentSequences,
  conv1d,
  crossEntropy,
  linear,
  max,
  maxPool1d,
  relu,
  sequential,
  type AugmentSequencesOptions,
  type Context,
  type Layer,
  type Model,
  type Value,
} from '../../index.ts';
import { isRecurrent, recurrentNames, type RecurrentName } from '../command/commands.ts';
import { classLines, judgeClasses } from './classification.ts';
import { readSoundForm, readSpeech, type SoundForm } from './recordings.ts';
import { stepReader } from './stepReader.ts';
import type { Changes, Defaults, Task } from './task.ts';
import { transcriberRoles, type Spoken } from './transcriber.ts';

/* Spoken words, one in a recording. */

/** Features of a sound in each of two layers, and frames that one sees. */
const [FEATURES, TAPS] = [64, 5];

/** Two convolutions over time, of whose features the largest over all frames tell the class. */
function soundNetwork({ statistics, classes }: SoundForm): Layer {
  const padding = 'same';
  return sequential(
    conv1d(statistics.mean.length, FEATURES, TAPS, { padding }),
    relu,
    maxPool1d(2),
    conv1d(FEATURES, FEATURES, TAPS, { padding }),
    relu,
    (x: Value) => max(x, { axes: 1 }),
    linear(FEATURES, classes.length),
  );
}

/** A recurrent net, which ends where the silence behind a sound begins. */
function soundReader(name: RecurrentName, { statistics, classes }: SoundForm): Model {
  const network = stepReader(name, statistics.mean.length, classes.length);
  return ({ x, length }: Spoken, context: Context) => context.apply(network, { x, lengths: length }, '');
}

/** A model that is told where sounds end, which are changed in training. @param changes null: they stay as they are */
export function augmentedSpoken(network: Model, changes: Changes | null): Model {
  if (!changes) return network;
  const augmented = augmentSequences(changes as AugmentSequencesOptions);
  return ({ x, length }: Spoken, context: Context) =>
    context.apply(network, { x: context.apply(augmented, x, 'augment'), length }, '');
}

/** The same for a model of frames alone. */
function augmentedFrames(network: Layer, changes: Changes | null): Model {
  if (!changes) return network;
  const augmented = augmentSequences(changes as AugmentSequencesOptions);
  return (x: Value, context: Context) => context.apply(network, context.apply(augmented, x, 'augment'), '');
}

/** In frames of 10 ms, and of 40 pitches. After Park et al. 2019, for sounds as short as words. */
export const speaking: AugmentSequencesOptions = {
  shift: 5,
  timeMasks: { count: 2, longest: 8 },
  featureMasks: { count: 2, longest: 6 },
};

/** Twenty passes over what little there usually is. */
const defaults = (recordings: number): Defaults => ({
  batch: Math.min(32, recordings),
  epochs: 20,
  optimizer: 'adamw',
  weightDecay: 0.01,
});

export const words: Task<SoundForm> = {
  models: ['mlp', ...recurrentNames],
  network: ({ input, model }, changes) =>
    isRecurrent(model)
      ? augmentedSpoken(soundReader(model, input), changes)
      : augmentedFrames(soundNetwork(input), changes),
  layersOf: ({ model }) =>
    isRecurrent(model) ? [model, 'linear'] : ['conv1d', 'relu', 'maxPool1d', 'conv1d', 'relu', 'max', 'linear'],
  learnedBy: () => ({ loss: crossEntropy }),
  classes: ({ classes }) => classes,
  inputs: ({ model }) => (isRecurrent(model) ? transcriberRoles.inputs : undefined),
  defaults: (_, recordings) => defaults(recordings),
  changes: ({ augment }) => ((augment ?? true) ? speaking : null),
  judge: (judged, evaluation) => judgeClasses(judged, judged.learningTask.input.classes, evaluation),
  read: readSoundForm,
  predict: {
    async question(command, { input, model }) {
      const fields = isRecurrent(model) ? transcriberRoles.inputs : undefined;
      return { data: await readSpeech(command, input, fields), notes: [] };
    },
    answer: async ({ input: { classes } }, data, predictor) =>
      classLines('class', classes, (await predictor.predict(data)).data),
  },
};
