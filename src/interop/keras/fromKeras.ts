import { optionsOf } from '../../core/argumentChecks.ts';
import { bytesOf } from '../../data/bytes.ts';
import { readHdf5, type Hdf5Array } from '../hdf5/readHdf5.ts';
import type { ImportedTensor } from '../importedModel.ts';
import { readZip } from '../zip.ts';
import { buildModel, type KerasModel, type WeightPlace } from './buildModel.ts';
import { entryOf } from './graph.ts';
import { objectIn } from './json.ts';
import { readModel } from './readLayers.ts';
import { refuse } from './refusal.ts';

const CONFIG = 'config.json';
const WEIGHTS = 'model.weights.h5';
const PICKLED = 'model.weights.npz';

/** Where a weight lies in a file of weights. */
export const pathOf = ({ directory, weight: { within }, index }: WeightPlace): string =>
  [directory, within, 'vars', `${index}`].filter(Boolean).join('/');

/** What draws numbers by chance keeps its own, which are no part of a model here. */
const SEEDS = /\/(?:_?seed_generator|random_generator)\/vars\/0$/;

/** What `fromKeras` may be told. */
export interface FromKerasOptions {
  /**
   * The bytes of a `.weights.h5` file, as `save_weights` writes it: in place of the weights in the `.keras` file, or of a
   * model of which there is only what `model.to_json()` gives.
   */
  readonly weights?: Uint8Array | ArrayBufferLike | undefined;
}

/**
 * A model that Keras 3 saved as a `.keras` file: of Sequential and functional models, of models within each other, of
 * layers that are used several times, of several inputs and outputs by name. What it was compiled with stays behind. A layer
 * whose `trainable` is false is frozen. Parameters are named by layer and weight, as `dense.kernel`, and lie as they do there.
 * @param file its bytes, or those of the text of `model.to_json()`
 * @throws FormatError for a layer or an option that is not read, which it names
 * Source: keras.src.saving.saving_lib, Keras 3.15
 */
export async function fromKeras(file: Uint8Array | ArrayBufferLike, options?: FromKerasOptions): Promise<KerasModel> {
  const { weights } = optionsOf<FromKerasOptions, { weights: undefined }>('fromKeras', options, { weights: undefined });
  const files = membersOf(bytesOf('fromKeras', 'file', file));
  if (weights !== undefined) files.set(WEIGHTS, bytesOf('fromKeras', 'weights', weights));
  const config = memberOf(files, CONFIG);
  if (files.has(PICKLED) && !files.has(WEIGHTS)) {
    refuse(
      'the .keras file',
      `has its weights in ${PICKLED}, as objects of Python's that Keras does not read either`,
      `save the model again, with ${WEIGHTS}`,
    );
  }
  const arrays = readHdf5(memberOf(files, WEIGHTS));
  const notes: string[] = [];
  const entry = entryOf('the model', objectIn(CONFIG, config));
  const network = readModel('the model', entry, { writer: 'keras 3', notes, depth: 0 });
  const read = new Set<string>();
  const found = buildModel(entry.className, network, entry.config['trainable'] === false, notes, (place) => {
    const path = pathOf(place);
    read.add(path);
    return arrayAt(arrays, path, place);
  });
  const left = [...arrays.keys()].find((path) => path.startsWith('layers/') && !read.has(path) && !SEEDS.test(path));
  if (left === undefined) return found;
  refuse(
    WEIGHTS,
    `has ${left}, of which the layers in ${CONFIG} know nothing`,
    'config and weights are of different models',
  );
}

const BRACE = '{'.charCodeAt(0);

/** What a file has by name: a config by itself is the only one. */
const membersOf = (bytes: Uint8Array): Map<string, Uint8Array> =>
  bytes[0] === BRACE ? new Map([[CONFIG, bytes]]) : new Map(readZip('keras', 'the .keras file', bytes));

function memberOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const found = files.get(name);
  if (found) return found;
  refuse(
    'the file',
    `has no ${name} but ${[...files.keys()].slice(0, 4).join(', ') || 'nothing'}`,
    'a .keras file is wanted, as model.save("model.keras") writes one',
  );
}

function arrayAt(
  arrays: ReadonlyMap<string, Hdf5Array>,
  path: string,
  { layers, weight }: WeightPlace,
): ImportedTensor {
  const found = arrays.get(path);
  if (found) return { shape: found.shape, data: found.numbers() };
  refuse(
    WEIGHTS,
    `has no ${path}, the ${weight.name} of ${layers.join('.')}`,
    'config and weights are of different models',
  );
}
