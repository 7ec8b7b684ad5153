// Classifiers whose training is timed, and the shapes that they come with.

import { sizeOf } from '../src/core/shape.ts';

/** Dense layers with ReLU between them. */
export interface Mlp {
  readonly kind: 'mlp';
  readonly layers: readonly [inputs: number, hidden: number, classes: number];
}

/** Convolutions with padding `same`, each followed by ReLU and max pooling, then one dense layer. */
export interface Cnn {
  readonly kind: 'cnn';
  readonly image: readonly [rows: number, columns: number, channels: number];
  /** Of each convolution. */
  readonly features: readonly number[];
  readonly classes: number;
}

/** An LSTM with PyTorch's equations, two biases among them, then one dense layer on its last h. */
export interface Lstm {
  readonly kind: 'lstm';
  readonly sequence: readonly [steps: number, features: number];
  readonly units: number;
  readonly classes: number;
}

/** nanoGPT's model: a logit for each character that may follow each of a text's. */
export interface Gpt {
  readonly kind: 'gpt';
  readonly vocabulary: number;
  /** Characters of a text. */
  readonly context: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}

export type Network = Mlp | Cnn | Lstm | Gpt;

/** Rows and columns of a Cnn's kernels, and of its pooling. */
export const WINDOW = 3;
export const POOLED = 2;

/** Of an Lstm: input, forget, cell, output. */
export const GATES = 4;

/** Of one sample. */
export function sampleShape(network: Network): readonly number[] {
  switch (network.kind) {
    case 'mlp':
      return [network.layers[0]];
    case 'cnn':
      return network.image;
    case 'lstm':
      return network.sequence;
    case 'gpt':
      return [network.context];
  }
}

/** Numbers of one sample, and classes. */
export const featuresOf = (network: Network): number => sizeOf(sampleShape(network));
export function classesOf(network: Network): number {
  if (network.kind === 'gpt') return network.vocabulary;
  return network.kind === 'mlp' ? network.layers[2] : network.classes;
}

/** How many logits' rows, and labels, a sample has. */
export const answersOf = (network: Network): number => (network.kind === 'gpt' ? network.context : 1);

/** Rows, columns and channels of what a Cnn's dense layer is given, which takes them flattened in this order. */
export function pooledShape({ image: [rows, columns, channels], features }: Cnn): [number, number, number] {
  const shrunk = POOLED ** features.length;
  return [rows / shrunk, columns / shrunk, features.at(-1) ?? channels];
}

/**
 * Of weight, bias, weight, bias and so on; of a Gpt, which has no biases, in the order in which they are used. An Lstm's first pair is of what comes from x, its second of what comes from h; of
 * both, the last axis has a unit's gates side by side.
 */
export function parameterShapes(network: Network): number[][] {
  switch (network.kind) {
    case 'mlp': {
      const [inputs, hidden, classes] = network.layers;
      return [[inputs, hidden], [hidden], [hidden, classes], [classes]];
    }
    case 'cnn': {
      const { image, features, classes } = network;
      const convolutions = features.flatMap((own, i) => [
        [WINDOW, WINDOW, i === 0 ? image[2] : features[i - 1], own],
        [own],
      ]);
      return [...convolutions, [sizeOf(pooledShape(network)), classes], [classes]];
    }
    case 'lstm': {
      const { sequence, units, classes } = network;
      const width = units * GATES;
      return [[sequence[1], width], [width], [units, width], [width], [units, classes], [classes]];
    }
    case 'gpt': {
      const { vocabulary, context, width, layers } = network;
      const block = [[width], [width, 3 * width], [width, width], [width], [width, 4 * width], [4 * width, width]];
      const blocks = Array.from({ length: layers }, () => block);
      return [[vocabulary, width], [context, width], ...blocks.flat(), [width]];
    }
  }
}
