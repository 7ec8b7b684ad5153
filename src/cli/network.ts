import { sizeOf } from '../core/shape.ts';
import {
  augment,
  cnn,
  flatten,
  glorotUniform,
  lenet,
  linear,
  relu,
  resnet,
  sequential,
  zeros,
  type AugmentOptions,
  type Context,
  type Layer,
  type Model,
  type Value,
} from '../index.ts';
import { featureCount, outputCount, type TableForm } from '../data/index.ts';
import type { Levels } from './negatives.ts';
import type { ModelName } from './options.ts';

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

/** What a model takes in and gives out. */
export type InputForm = ImageForm | { readonly kind: 'table'; readonly table: TableForm };

/** All that a model is but for its numbers. */
export interface ModelForm {
  readonly input: InputForm;
  /** `mlp` if left out, as in files of old. */
  readonly model?: ModelName;
  /** Widths of an mlp's hidden layers. */
  readonly hidden: readonly number[];
}

/** Widths from the first layer's inputs to the last one's outputs. */
function widthsOf({ input, hidden }: ModelForm): readonly number[] {
  if (input.kind === 'table') return [featureCount(input.table), ...hidden, outputCount(input.table)];
  return [sizeOf(input.shape), ...hidden, input.classes.length];
}

/** How many weights the mlp of a form has; 0 for other models, whose size is none of the form's. */
export function mlpSize(form: ModelForm): number {
  if (form.input.kind === 'image' && form.model !== undefined && form.model !== 'mlp') return 0;
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

/** The model of a form, without what happens to its images in training. */
function plainNetwork(form: ModelForm): Layer {
  const { input, model = 'mlp' } = form;
  if (input.kind === 'table' || model === 'mlp') return mlp(form);
  const [rows, columns, channels = 1] = input.shape;
  const options = { channels, classes: input.classes.length };
  if (model === 'cnn') return cnn({ ...options, size: [rows, columns] });
  if (model === 'lenet') return lenet({ ...options, size: [rows, columns] });
  return resnet(Number(model.slice('resnet'.length)), options);
}

/**
 * The model of a form. Its parameters have the same names whether or not images are changed in front of it.
 * @param changes what happens to images in training; null: nothing
 */
export function networkOf(form: ModelForm, changes: AugmentOptions | null = null): Model {
  const network = plainNetwork(form);
  if (!changes) return network;
  const augmented = augment(changes);
  return (x: Value, context: Context) => context.apply(network, context.apply(augmented, x, 'augment'), '');
}

/** The same in words. */
export function layersOf(form: ModelForm): readonly string[] {
  if (form.model !== undefined && form.model !== 'mlp') return [form.model];
  const layers = widthsOf(form).slice(1);
  return ['flatten', ...layers.flatMap((width, at) => (at === 0 ? [`linear ${width}`] : ['relu', `linear ${width}`]))];
}
