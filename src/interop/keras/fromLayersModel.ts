import { DataError } from '../../core/errors.ts';
import { described } from '../../core/argumentChecks.ts';
import { bytesOf } from '../../data/bytes.ts';
import { isRecord } from '../../data/safetensorsHeader.ts';
import { buildModel, type KerasModel } from './buildModel.ts';
import { entryOf } from './graph.ts';
import { objectIn } from './json.ts';
import type { Config, Writer } from './layerOptions.ts';
import { readModel } from './readLayers.ts';
import { manifestWeights } from './manifest.ts';
import { weightFinder } from './weightNames.ts';
import { refuse } from './refusal.ts';

const MODEL = 'model.json';

/**
 * A LayersModel of TensorFlow.js': its `model.json`, and the files of weights that this names, by their names. Also what its
 * converter made of a Keras model, of Keras 3 too; weights that it quantized are read. All else as in `fromKeras`.
 * @param files their bytes by name   @throws FormatError for a layer or an option that is not read, a graph model, files
 * that are missing or too short
 * Source: tfjs-layers 4.22, engine/serialization; tfjs-core, io/types
 */
export async function fromLayersModel(
  files: Readonly<Record<string, Uint8Array | ArrayBufferLike>>,
): Promise<KerasModel> {
  if (typeof files !== 'object' || files === null || !Object.hasOwn(files, MODEL)) {
    throw new DataError(
      `[fromLayersModel] the files are ${described(files)} but must be their bytes by name, ${MODEL} among them`,
    );
  }
  const all = new Map(Object.entries(files).map(([name, bytes]) => [name, bytesOf('fromLayersModel', name, bytes)]));
  const model = objectIn(MODEL, all.get(MODEL)!);
  const topology = topologyOf(model);
  const notes: string[] = [];
  const entry = entryOf('the model', topology['model_config'] ?? topology);
  const network = readModel('the model', entry, { writer: writerOf(topology), notes, depth: 0 });
  const weights = manifestWeights(model['weightsManifest'], all);
  const { find, requireAll } = weightFinder(weights);
  const found = buildModel(entry.className, network, entry.config['trainable'] === false, notes, find);
  requireAll();
  return found;
}

function topologyOf(model: Config): Config {
  const { format, modelTopology: topology } = model;
  if (format === 'graph-model' || (isRecord(topology) && Array.isArray(topology['node']))) {
    refuse(
      MODEL,
      "is of a graph model, a list of TensorFlow's operations",
      'convert the Keras model with --output_format tfjs_layers_model, or the graph to ONNX for fromOnnx',
    );
  }
  if (isRecord(topology)) return topology;
  refuse(MODEL, 'has no modelTopology', 'a LayersModel is wanted, as model.save of TensorFlow.js writes one');
}

/** Who wrote the layers' options. */
function writerOf({ keras_version: version }: Config): Writer {
  if (typeof version !== 'string' || version.includes('tfjs')) return 'tensorflow.js';
  return version.startsWith('3') ? 'keras 3' : 'keras 2';
}
