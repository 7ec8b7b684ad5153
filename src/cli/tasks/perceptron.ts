import { flatten, glorotUniform, linear, relu, sequential, zeros, type Layer } from '../../index.ts';

/* A net of linear layers with ReLU between them, by its widths from the first layer's inputs to the last one's outputs. */

export function perceptron(widths: readonly number[]): Layer {
  const initial = { weightInitial: glorotUniform, biasInitial: zeros };
  const layers = widths.slice(1).map((width, at) => linear(widths[at], width, initial));
  return sequential(flatten, ...layers.flatMap((layer, at) => (at === 0 ? [layer] : [relu, layer])));
}

/** How many weights it has. */
export const perceptronSize = (widths: readonly number[]): number =>
  widths.slice(1).reduce((sum, width, at) => sum + (widths[at] + 1) * width, 0);

/** The same in words. */
export const perceptronLayers = (widths: readonly number[]): readonly string[] => [
  'flatten',
  ...widths.slice(1).flatMap((width, at) => (at === 0 ? [`linear ${width}`] : ['relu', `linear ${width}`])),
];
