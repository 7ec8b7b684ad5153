import { sizeOf } from '../core/shape.ts';
import { flatten, glorotUniform, linear, relu, sequential, zeros, type Model } from '../index.ts';
import { featureCount, outputCount, type TableForm } from '../data/index.ts';

/** Images of bytes, and the classes that they are of. */
export interface ImageForm {
  readonly kind: 'image';
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  /** What the model sees of a byte; 0 … 1 if left out. */
  readonly scaling?: { readonly scale: number; readonly offset: number };
}

/** What a model takes in and gives out. */
export type InputForm = ImageForm | { readonly kind: 'table'; readonly table: TableForm };

/** All that a model is but for its numbers. */
export interface ModelForm {
  readonly input: InputForm;
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[];
}

/** Widths from the first layer's inputs to the last one's outputs. */
function widthsOf({ input, hidden }: ModelForm): readonly number[] {
  if (input.kind === 'table') return [featureCount(input.table), ...hidden, outputCount(input.table)];
  return [sizeOf(input.shape), ...hidden, input.classes.length];
}

/** Linear layers with ReLU between them. */
export function networkOf(form: ModelForm): Model {
  const widths = widthsOf(form);
  const initial = { weightInitial: glorotUniform, biasInitial: zeros };
  const layers = widths.slice(1).map((width, at) => linear(widths[at], width, initial));
  return sequential(flatten, ...layers.flatMap((layer, at) => (at === 0 ? [layer] : [relu, layer])));
}

/** The same in words. */
export function layersOf(form: ModelForm): readonly string[] {
  const layers = widthsOf(form).slice(1);
  return ['flatten', ...layers.flatMap((width, at) => (at === 0 ? [`linear ${width}`] : ['relu', `linear ${width}`]))];
}
