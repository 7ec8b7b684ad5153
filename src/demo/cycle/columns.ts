// The layers of a glance as a person would draw them: the digit, then one column for each layer with weights, which holds
// what its norm and its activation function made of it.

import type { Glance, LayerGlance, ParameterGlance } from '../protocol.ts';

/** What is drawn above one another. */
export interface Column {
  /** `pixels`, `layer 1` …, `output` */
  readonly name: string;
  /** Of the layer with the weights; empty for the pixels. */
  readonly path: string;
  /** `pixels`, `linear`, `conv2d` */
  readonly kind: string;
  /** The function behind it, if there is one. */
  readonly activation: string | null;
  /** `[n]`, or `[height, width, channels]` */
  readonly shape: readonly number[];
  /** What the activation function gave; the logits in the last column. */
  readonly values: Float32Array;
  /** ∂loss / ∂values; null for the pixels. */
  readonly gradient: Float32Array | null;
  /** What leads here from the column before. */
  readonly weight: ParameterGlance | null;
}

/** What hands on its numbers as they are, or fewer of them, has no column. */
const HANDS_ON = new Set(['sequential', 'layer', 'dropout', 'spatialDropout', 'gaussianNoise', 'flatten']);

/** The weights of a layer itself, not of those within it. */
function weightOf({ path }: LayerGlance, parameters: readonly ParameterGlance[]): ParameterGlance | undefined {
  const own = (name: string): boolean => name.startsWith(`${path}.`) && !name.slice(path.length + 1).includes('.');
  return parameters.find(({ name, shape }) => shape.length >= 2 && own(name));
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);

function pixelsOf({ pixels }: Glance): Column {
  const side = Math.sqrt(pixels.length);
  const nothing = { path: '', activation: null, gradient: null, weight: null };
  return { ...nothing, name: 'pixels', kind: 'pixels', shape: [side, side], values: pixels };
}

/** Columns from left to right, the pixels first, the logits last. */
export function columnsOf(glance: Glance): Column[] {
  const columns = [pixelsOf(glance)];
  let before: readonly number[] = [];
  for (const layer of glance.layers) {
    const { path, kind, shape, output: values, gradient } = layer;
    const weight = weightOf(layer, glance.parameters);
    if (weight) {
      const name = `layer ${columns.length}`;
      columns.push({ name, path, kind, activation: null, shape, values, gradient, weight });
    } else if (columns.length > 1 && sameShape(shape, before) && !HANDS_ON.has(kind)) {
      // A norm has parameters of its own, an activation function has none: it is what a column is named by.
      const isNorm = kind.endsWith('Norm');
      const column = columns.at(-1)!;
      const activation = isNorm ? column.activation : kind;
      columns[columns.length - 1] = { ...column, activation, shape, values, gradient };
    }
    before = shape;
  }
  if (columns.length > 1) columns[columns.length - 1] = { ...columns.at(-1)!, name: 'output' };
  return columns;
}

/** Whether every neuron can have a circle, and edges to its neighbours. */
export const isSmall = (columns: readonly Column[]): boolean =>
  columns.slice(1).every(({ shape }) => shape.length === 1 && shape[0] <= MOST_CIRCLES);

const MOST_CIRCLES = 32;

/** `28×28×8` */
export const formatShape = (shape: readonly number[]): string => shape.join('×');

const FUNCTIONS: Readonly<Record<string, string>> = {
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  softplus: 'softplus',
  relu: 'ReLU',
  leakyRelu: 'leaky ReLU',
  elu: 'ELU',
  selu: 'SELU',
  gelu: 'GELU',
  silu: 'SiLU',
};

/** How an activation function is called: `ReLU`, `sigmoid`. A build may have shortened the names of functions. */
export const functionName = (kind: string): string => FUNCTIONS[kind] ?? 'activation';

const LAYERS: Readonly<Record<string, string>> = { linear: 'dense', conv2d: 'convolution' };

/** How a layer is called: `dense`, `convolution`. */
export const layerName = (kind: string): string => LAYERS[kind] ?? kind;
