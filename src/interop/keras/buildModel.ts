import { sizeOf } from '../../core/shape.ts';
import { DataError } from '../../core/errors.ts';
import { described } from '../../core/argumentChecks.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { isValue, type Value } from '../../graph/graph.ts';
import { frozen } from '../../nn/frozen.ts';
import type { Context, Layer, ParameterDefinition, StateDefinition, Values } from '../../nn/layer.ts';
import type { ImportedModel, ImportedTensor } from '../importedModel.ts';
import type { ModelGraph } from './graph.ts';
import { isHeld, type Called, type Held, type KerasLayer, type NamedLayer, type Weight } from './kerasLayer.ts';
import { refuse } from './refusal.ts';

/* A model of ours from what a file says of its layers, and the numbers that it has for them. */

/** Where a weight belongs: the layers that it lies in, from the outermost one, and which of that layer's it is. */
export interface WeightPlace {
  /** The names of the layers. */
  readonly layers: readonly string[];
  /** Where the layer lies in Keras' own files: `layers/dense_1`. */
  readonly directory: string;
  readonly weight: Weight;
  /** Among those of the layer that lie at the same place within it, from 0. */
  readonly index: number;
}

/** What a model of Keras' takes. */
export interface KerasPort {
  readonly name: string;
  readonly dtype: 'f32' | 'i32';
  /** The samples' axis first; extents that the file leaves open are null. */
  readonly shape: readonly (number | null)[] | null;
}

/** A model out of a file of Keras' or TensorFlow.js'. */
export interface KerasModel extends ImportedModel {
  readonly inputs: readonly KerasPort[];
  /** Layers in the order of the file, those of models within it behind their own: `encoder.dense` of the class `Dense`. */
  readonly layers: readonly { readonly name: string; readonly className: string }[];
  /** Which of the weights are kept, not learned: running averages. */
  readonly kept: readonly string[];
  /** What the file says that training here does not do, a sentence for each; what the model computes is as it was there. */
  readonly notes: readonly string[];
}

type Tensors = ReadonlyMap<Weight, ImportedTensor>;

/** Keras' own name of a class, where the one that it is known by is another. */
const OWN_NAMES: Readonly<Record<string, string>> = { GroupQueryAttention: 'GroupedQueryAttention' };

/** `MaxPooling2D` as Keras' files have it: `max_pooling2d`. */
export const snakeCase = (className: string): string =>
  (OWN_NAMES[className] ?? className)
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Where the layers of a model lie: by the names of their classes, numbered from the second of a class on. */
export function directoriesOf(layers: readonly Pick<NamedLayer, 'className' | 'isOperation'>[]): readonly string[] {
  const counts = new Map<string, number>();
  return layers.map(({ className, isOperation }) => {
    if (isOperation) return '';
    const stem = snakeCase(className);
    const count = counts.get(stem) ?? 0;
    counts.set(stem, count + 1);
    return count === 0 ? stem : `${stem}_${count}`;
  });
}

/** All weights of a layer and of those in it. */
export function weightPlaces(layer: KerasLayer, names: readonly string[], directory: string): readonly WeightPlace[] {
  const counts = new Map<string | undefined, number>();
  const own = layer.weights.map((weight): WeightPlace => {
    const index = counts.get(weight.within) ?? 0;
    counts.set(weight.within, index + 1);
    return { layers: names, directory, weight, index };
  });
  const inner = layer.layers ?? [];
  const place = [directory, layer.layersWithin, 'layers'].filter(Boolean).join('/');
  const directories = directoriesOf(inner);
  return [
    ...own,
    ...inner.flatMap(({ name, layer: each }, at) =>
      weightPlaces(each, [...names, name], `${place}/${directories[at]}`),
    ),
  ];
}

/** @throws FormatError for numbers of other extents than the layer's options tell */
export function requireExtents({ layers, weight: { name, shape } }: WeightPlace, { shape: own }: ImportedTensor): void {
  const fits =
    !shape || (shape.length === own.length && shape.every((extent, at) => extent === null || extent === own[at]));
  if (fits) return;
  refuse(
    `${layers.join('.')}.${name}`,
    `has the extents [${own.join(', ')}] in the file, but the layer's options tell [${shape.map((extent) => extent ?? 'any').join(', ')}]`,
    'config and weights are of different models',
  );
}

const initialOf = ({ shape, data }: ImportedTensor): StateDefinition => ({ shape, initial: () => data.slice() });

/** What a layer is given, and the values that it gives, one by itself, several by their numbers, masks beside them. */
type Built = Layer<Called, Values>;

function valuesOf(given: Value | readonly (Value | Held)[]): Values {
  if (isValue(given)) return given;
  const held = given.map((each) => (isValue(each) ? { value: each } : each));
  if (held.length === 1 && !held[0].mask) return held[0].value;
  return Object.fromEntries(
    held.flatMap(({ value, mask }, at) => [[`${at}`, value] as const, ...(mask ? [[`mask${at}`, mask] as const] : [])]),
  );
}

function heldOf(values: Values): readonly Held[] {
  if (isValue(values)) return [{ value: values }];
  const count = Object.keys(values).filter((name) => !name.startsWith('mask')).length;
  return Array.from({ length: count }, (_, at) => ({ value: values[`${at}`], mask: values[`mask${at}`] }));
}

/** What runs the layers of a model, each built once. */
function usesOf(
  layers: readonly NamedLayer[],
  tensors: Tensors,
): (context: Context) => (name: string, given: Called) => readonly Held[] {
  const built = new Map(
    layers.map(({ name, className, layer, isFrozen }) => {
      const own = layerOf(className, layer, tensors);
      return [name, isFrozen ? (frozen(own as unknown as Layer) as unknown as Built) : own];
    }),
  );
  return (context) => (name, given) => heldOf(context.apply<Called, Built>(built.get(name)!, given, name));
}

/** A layer of ours that begins with a file's numbers. */
function layerOf(className: string, layer: KerasLayer, tensors: Tensors): Built {
  const of = (isKept: boolean): [string, ImportedTensor][] =>
    layer.weights
      .filter((weight) => (weight.isKept ?? false) === isKept)
      .map((weight) => [weight.name, tensors.get(weight)!]);
  const parameters = of(false).map(([name, tensor]): [string, ParameterDefinition] => [
    name,
    { ...initialOf(tensor), decays: tensor.shape.length > 1 && sizeOf(tensor.shape) > 1 },
  ]);
  const use = usesOf(layer.layers ?? [], tensors);
  return {
    name: className,
    parameters: Object.fromEntries(parameters),
    state: Object.fromEntries(of(true).map(([name, tensor]) => [name, initialOf(tensor)])),
    apply: (given, weights, context) =>
      valuesOf(layer.apply({ ...given, x: given.inputs[0]?.value, weights, context, use: use(context) })),
  };
}

/** A model's values by the names of its inputs. */
function inputsOf({ inputs }: ModelGraph, given: Values): readonly Held[] {
  if (isValue(given)) {
    if (inputs.length === 1) return [{ value: given }];
    const names = inputs.map(({ name }) => name).join(', ');
    throw new DataError(`[keras] the model is given one value but takes several, by name: ${names}`);
  }
  return inputs.map(({ name }) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (isValue(value)) return { value };
    throw new DataError(
      `[keras] the model is given ${described(given)} but takes ${inputs.map((each) => each.name).join(', ')}`,
    );
  });
}

/** A model and its numbers. @param find gives what the file has for a weight */
export function buildModel(
  className: string,
  network: KerasLayer & { readonly graph: ModelGraph },
  isFrozen: boolean,
  notes: readonly string[],
  find: (place: WeightPlace) => ImportedTensor,
): KerasModel {
  const places = weightPlaces(network, [], '').map((place) => ({
    ...place,
    directory: place.directory.replace(/^\//, ''),
  }));
  const tensors = new Map(
    places.map((place) => {
      const tensor = find(place);
      requireExtents(place, tensor);
      return [place.weight, tensor];
    }),
  );
  const named = places.map(
    ({ layers, weight }) => [`${layers.join('.')}.${weight.name}`, tensors.get(weight)!] as const,
  );
  const { graph } = network;
  const use = usesOf(network.layers ?? [], tensors);
  const model: Layer<Values, Values> = {
    name: className,
    parameters: {},
    ...(isFrozen && { frozen: true }),
    // As Keras' get_weights lists them: layer by layer, what is learned in front of what is kept.
    order: named.map(([name]) => name),
    apply(given, weights, context) {
      const inputs = inputsOf(graph, given);
      const x = inputs[0]?.value;
      const outputs = network.apply({ inputs, x, args: [], named: {}, weights, context, use: use(context) });
      const values = (outputs as readonly Held[]).map((each) => (isHeld(each) ? each.value : each));
      return graph.isNamed ? Object.fromEntries(graph.outputs.map(({ name }, at) => [name, values[at]])) : values[0];
    },
  };
  return {
    model: model as ImportedModel['model'],
    weights: writeSafetensors({ tensors: Object.fromEntries(named), metadata: {} }),
    inputs: graph.inputs.map(({ name, shape, isWhole }) => ({
      name,
      dtype: isWhole ? 'i32' : 'f32',
      shape: shape ?? null,
    })),
    layers: layersIn(network, ''),
    kept: named.flatMap(([name], at) => (places[at].weight.isKept ? [name] : [])),
    notes,
  };
}

/** A model's layers by their paths. */
function layersIn({ layers = [] }: KerasLayer, path: string): KerasModel['layers'][number][] {
  return layers.flatMap(({ name, className, layer }) => [
    { name: `${path}${name}`, className },
    ...layersIn(layer, `${path}${name}.`),
  ]);
}
