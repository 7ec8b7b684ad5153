import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { writeHdf5, type Hdf5Numbers } from '../hdf5/writeHdf5.ts';
import { writeZip } from '../zip.ts';
import { directoriesOf } from './buildModel.ts';
import type { Config } from './layerOptions.ts';
import type { Argument, Result, WrittenLayer } from './write/kerasWriter.ts';
import { layerOrder } from './write/layerOrder.ts';
import { writtenModel } from './write/writeModel.ts';
import type { Computing } from '../computing.ts';

/** Whose files these are like. */
const VERSION = '3.15.1';

/** JSON has no infinity: f32's largest number stands for it. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

const finite = (_: string, given: unknown): unknown =>
  given === Infinity || given === -Infinity ? Math.sign(given) * LARGEST : given;

const text = (given: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(given, finite));

const referenceOf = ({ layer, call, tensor }: Result): readonly unknown[] => [layer.name, call, tensor];

/** An argument as Keras 3 writes it. */
function argumentOf(given: Argument): unknown {
  if (Array.isArray(given)) return (given as readonly Argument[]).map(argumentOf);
  if ('plain' in given) return given.plain;
  const result = given as Result;
  return {
    class_name: '__keras_tensor__',
    config: { shape: [null, ...result.shape.slice(1)], dtype: 'float32', keras_history: referenceOf(result) },
  };
}

/** The extents of what a layer is given first, by which Keras makes room for its weights. */
function builtBy({ calls, isOperation }: WrittenLayer): Config {
  const [first] = calls[0]?.args ?? [];
  const given = first && 'layer' in first ? [first] : Array.isArray(first) ? (first as readonly Result[]) : [];
  const shapes = given.map(({ shape }) => [null, ...shape.slice(1)]);
  if (isOperation || shapes.length === 0) return {};
  return { build_config: { input_shape: shapes.length === 1 ? shapes[0] : shapes } };
}

const configOf = (layer: WrittenLayer): Config => ({
  module: layer.module,
  class_name: layer.className,
  config: layer.config,
  registered_name: layer.isOperation ? layer.className : null,
  ...builtBy(layer),
  name: layer.name,
  inbound_nodes: layer.calls.map(({ args, named }) => ({
    args: args.map(argumentOf),
    kwargs: Object.fromEntries(Object.entries(named).map(([name, each]) => [name, argumentOf(each)])),
  })),
});

/** Numbers by where Keras looks for them. */
function arraysOf(layers: readonly WrittenLayer[]): Readonly<Record<string, Hdf5Numbers>> {
  const directories = directoriesOf(layers);
  const arrays: Record<string, Hdf5Numbers> = {};
  layers.forEach(({ weights }, at) => {
    const counts = new Map<string | undefined, number>();
    for (const { within, shape, data } of weights) {
      const index = counts.get(within) ?? 0;
      counts.set(within, index + 1);
      arrays[['layers', directories[at], within, 'vars', `${index}`].filter(Boolean).join('/')] = { shape, data };
    }
  });
  return arrays;
}

/** What `toKeras` may be told. */
export interface ToKerasOptions {
  /** `weights`: a `.weights.h5` file, which `load_weights` takes into a model that was written before. All, if left out. */
  readonly only?: 'weights' | undefined;
}

/**
 * What a model computes in evaluation, as a `.keras` file, which Keras 3 opens by keras.saving.load_model: a functional model
 * of its layers, named after ours, and of its operations where it has no layer. A layer that is used twice is one there.
 * Inputs are the fields of the batch, images [N, H, W, C] in both. Parameters that no layer of Keras' holds, as learned
 * positions, are written as constants: they compute the same there, and do not train on.
 * @param trainer or predictor, or whatever else has `forward`   @returns the file's bytes
 * @throws FormatError for an op that Keras has no like of, which it names
 */
export async function toKeras(trainer: Computing, options?: ToKerasOptions): Promise<Bytes> {
  const { only } = optionsOf<ToKerasOptions, { only: undefined }>('toKeras', options, { only: undefined });
  requireKind('toKeras', 'only', only, only === undefined || only === 'weights', '"weights", or left out');
  const { inputs, outputs } = await writtenModel('keras', trainer);
  const layers = layerOrder(Object.values(outputs), inputs);
  const weights = writeHdf5(arraysOf(layers));
  if (only === 'weights') return weights;
  const names = Object.keys(outputs);
  const isSingle = names.length === 1 && names[0] === 'output';
  const config = {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: {
      name: 'millrace',
      trainable: true,
      layers: layers.map(configOf),
      input_layers: inputs.map(referenceOf),
      output_layers: isSingle
        ? referenceOf(outputs['output'])
        : Object.fromEntries(names.map((name) => [name, referenceOf(outputs[name])])),
    },
    registered_name: 'Functional',
  };
  return writeZip('toKeras', [
    ['metadata.json', text({ keras_version: VERSION, date_saved: '1980-01-01@00:00:00' })],
    ['config.json', text(config)],
    ['model.weights.h5', weights],
  ]);
}
