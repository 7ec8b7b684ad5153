import { sizeOf } from '../core/shape.ts';
import {
  augment,
  augmentSequences,
  cnn,
  conv1d,
  flatten,
  forecaster,
  glorotUniform,
  gru,
  lenet,
  linear,
  lstm,
  max,
  maxPool1d,
  relu,
  resnet,
  sequential,
  zeros,
  type AugmentOptions,
  type AugmentSequencesOptions,
  type Context,
  type Layer,
  type Model,
  type Sequences,
  type Value,
} from '../index.ts';
import { featureCount, outputCount, type SeriesForm, type Statistics, type TableForm } from '../data/index.ts';
import type { Levels } from './pictures/negatives.ts';
import { isRecurrent, type ModelName, type RecurrentName } from './command/commands.ts';
import { transcriber, transcriberLayers, transcriberRoles, type Spoken } from './transcription.ts';

/** Images of bytes, and the classes that they are of. */
export interface ImageForm {
  readonly kind: 'image';
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  /** What the model sees of a byte; 0 … 1 if left out. */
  readonly scaling?: { readonly scale: number; readonly offset: number };
  /** How light those are that it was trained on; not in files of old. */
  readonly levels?: Levels;
}

/** Sounds, as what `logMel` hears in them, and the classes that they are of. */
export interface SoundForm {
  readonly kind: 'sound';
  readonly classes: readonly string[];
  readonly sampleRate: number;
  /** Of a sample: what is longer loses its end. */
  readonly frames: number;
  /** Of the features that were learned from. */
  readonly statistics: Statistics;
  /** Whether words follow each other in a sound, and all are told; else it is of one class. */
  readonly transcribes?: true;
}

/** What a model takes in and gives out. */
export type InputForm = ImageForm | SoundForm | { readonly kind: 'table'; readonly table: TableForm } | SeriesInput;

/** Windows of a series. */
export interface SeriesInput {
  readonly kind: 'series';
  readonly series: SeriesForm;
  /** After so many steps the series repeats itself best. */
  readonly season: number;
}

/** All that a model is but for its numbers. */
export interface ModelForm {
  readonly input: InputForm;
  /** `mlp` if left out, as in files of old. */
  readonly model?: ModelName;
  /** Widths of an mlp's hidden layers. */
  readonly hidden: readonly number[];
}

/** Widths from the first layer's inputs to the last one's outputs, of an mlp. */
function widthsOf({ input, hidden }: ModelForm): readonly number[] {
  if (input.kind === 'sound') return [];
  if (input.kind === 'table') return [featureCount(input.table), ...hidden, outputCount(input.table)];
  if (input.kind === 'series') {
    const { length, horizon, columns } = input.series;
    return [length * columns.length, ...hidden, horizon];
  }
  return [sizeOf(input.shape), ...hidden, input.classes.length];
}

/** How many weights the mlp of a form has; 0 for other models, whose size is none of the form's. */
export function mlpSize(form: ModelForm): number {
  if (form.input.kind !== 'table' && form.model !== undefined && form.model !== 'mlp') return 0;
  const widths = widthsOf(form);
  return widths.slice(1).reduce((sum, width, at) => sum + (widths[at] + 1) * width, 0);
}

/** Linear layers with ReLU between them. */
function mlp(form: ModelForm): Layer {
  const widths = widthsOf(form);
  const initial = { weightInitial: glorotUniform, biasInitial: zeros };
  const layers = widths.slice(1).map((width, at) => linear(widths[at], width, initial));
  return sequential(flatten, ...layers.flatMap((layer, at) => (at === 0 ? [layer] : [relu, layer])));
}

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

/** Units of each direction of a recurrent net. */
const UNITS = 64;

/** A recurrent net of both directions, of each of which the last h tells. */
function reader(name: RecurrentName, features: number, outputs: number): Layer<Value | Sequences> {
  const net = { lstm, gru }[name](features, UNITS, { bidirectional: true, returns: 'last' });
  return sequential(net, linear(2 * UNITS, outputs));
}

/** The same of a sound, which ends where the silence behind it begins. */
function soundReader(name: RecurrentName, { statistics, classes }: SoundForm): Model {
  const network = reader(name, statistics.mean.length, classes.length);
  return ({ x, length }: Spoken, context: Context) => context.apply(network, { x, lengths: length }, '');
}

const targetAt = ({ columns, target }: SeriesForm): number => columns.findIndex(({ name }) => name === target);

/** The model of a form that takes one value in, without what happens to its images in training. */
function plainNetwork(form: ModelForm): Layer {
  const { input, model = 'mlp' } = form;
  if (input.kind === 'sound') return soundNetwork(input);
  if (input.kind === 'series') {
    const { columns, horizon } = input.series;
    const network = isRecurrent(model) ? reader(model, columns.length, horizon) : mlp(form);
    return forecaster(network, targetAt(input.series));
  }
  if (input.kind === 'table' || model === 'mlp') return mlp(form);
  const [rows, columns, channels = 1] = input.shape;
  const options = { channels, classes: input.classes.length };
  if (model === 'cnn') return cnn({ ...options, size: [rows, columns] });
  if (model === 'lenet') return lenet({ ...options, size: [rows, columns] });
  return resnet(Number(model.slice('resnet'.length)), options);
}

/** What happens to samples in training. */
export type Changes = AugmentOptions | AugmentSequencesOptions;

/**
 * The model of a form. Its parameters have the same names whether or not images are changed in front of it.
 * @param changes what happens to images in training; null: nothing
 */
export function networkOf(form: ModelForm, changes: Changes | null = null): Model {
  const spoken = spokenModel(form);
  if (spoken) return augmentedSpoken(spoken, changes);
  const network = plainNetwork(form);
  if (!changes) return network;
  const augmented =
    form.input.kind === 'sound'
      ? augmentSequences(changes as AugmentSequencesOptions)
      : augment(changes as AugmentOptions);
  return (x: Value, context: Context) => context.apply(network, context.apply(augmented, x, 'augment'), '');
}

/** A model of sounds that is told where they end; null for others. */
function spokenModel({ input, model }: ModelForm): Model | null {
  if (input.kind !== 'sound') return null;
  if (input.transcribes) return transcriber(input);
  return isRecurrent(model) ? soundReader(model, input) : null;
}

/** The fields that go into a form's model, where there are several. */
export const spokenInputs = (form: ModelForm): typeof transcriberRoles.inputs | undefined =>
  spokenModel(form) ? transcriberRoles.inputs : undefined;

function augmentedSpoken(network: Model, changes: Changes | null): Model {
  if (!changes) return network;
  const augmented = augmentSequences(changes as AugmentSequencesOptions);
  return ({ x, length }: Spoken, context: Context) =>
    context.apply(network, { x: context.apply(augmented, x, 'augment'), length }, '');
}

/** The same in words. */
export function layersOf(form: ModelForm): readonly string[] {
  if (form.input.kind === 'sound' && form.input.transcribes) return transcriberLayers;
  if (isRecurrent(form.model)) return [form.model, 'linear'];
  if (form.input.kind === 'sound') return ['conv1d', 'relu', 'maxPool1d', 'conv1d', 'relu', 'max', 'linear'];
  if (form.model !== undefined && form.model !== 'mlp') return [form.model];
  const layers = widthsOf(form).slice(1);
  return ['flatten', ...layers.flatMap((width, at) => (at === 0 ? [`linear ${width}`] : ['relu', `linear ${width}`]))];
}
