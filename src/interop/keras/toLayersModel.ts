import type { Bytes } from '../../core/globalTypes.ts';
import type { Config } from './layerOptions.ts';
import { resultsIn, type Result, type WrittenLayer } from './write/kerasWriter.ts';
import { layerOrder } from './write/layerOrder.ts';
import { writtenModel } from './write/writeModel.ts';
import type { Computing } from '../computing.ts';

/** As TensorFlow.js cuts them. */
const SHARD_BYTES = 4 * 1024 * 1024;

const referenceOf = ({ layer, call, tensor }: Result): readonly unknown[] => [layer.name, call, tensor];

const configOf = ({ name, className, config, calls }: WrittenLayer): Config => ({
  class_name: className,
  config,
  name,
  inbound_nodes: calls.map(({ args }) => args.flatMap(resultsIn).map((result) => [...referenceOf(result), {}])),
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** All numbers one behind the other, cut into files. */
function shardsOf(parts: readonly Uint8Array[]): readonly Bytes[] {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const count = Math.max(1, Math.ceil(all.length / SHARD_BYTES));
  return Array.from({ length: count }, (_, shard) => all.slice(shard * SHARD_BYTES, (shard + 1) * SHARD_BYTES));
}

/**
 * What a model computes in evaluation, as a LayersModel that TensorFlow.js opens by tf.loadLayersModel: `model.json`, and the
 * files of weights that it names, of 4 MiB at most. Of models that TensorFlow.js' layers can say; more is said by `toKeras`.
 * @param trainer or predictor, or whatever else has `forward`   @returns the files' bytes by name
 * @throws FormatError for an op that TensorFlow.js has no layer of, which it names
 */
export async function toLayersModel(trainer: Computing): Promise<Readonly<Record<string, Bytes>>> {
  const { inputs, outputs } = await writtenModel('tensorflow.js', trainer);
  const layers = layerOrder(Object.values(outputs), inputs);
  const weights = layers.flatMap(({ name, weights: own }) =>
    own.map((weight) => ({ name: `${name}/${weight.name}`, shape: weight.shape, data: weight.data })),
  );
  const shards = shardsOf(weights.map(({ data }) => bytesOf(data)));
  const paths = shards.map((_, at) => `group1-shard${at + 1}of${shards.length}.bin`);
  const model = {
    format: 'layers-model',
    generatedBy: 'millrace',
    convertedBy: null,
    modelTopology: {
      class_name: 'Functional',
      config: {
        name: 'millrace',
        layers: layers.map(configOf),
        input_layers: inputs.map(referenceOf),
        output_layers: Object.values(outputs).map(referenceOf),
      },
      keras_version: 'tfjs-layers 4.22.0',
      backend: 'tensor_flow.js',
    },
    weightsManifest: [{ paths, weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })) }],
  };
  return {
    'model.json': new TextEncoder().encode(JSON.stringify(model)),
    ...Object.fromEntries(paths.map((path, at) => [path, shards[at]])),
  };
}
