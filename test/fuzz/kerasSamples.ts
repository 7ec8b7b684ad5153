// Files of Keras' and TensorFlow.js', by a seed.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DataError, FormatError, ShapeError } from '../../src/core/errors.ts';
import type { Random } from '../../src/core/random.ts';
import { spec, type Dtype } from '../../src/core/shape.ts';
import { input, type Value } from '../../src/index.ts';
import { fromKeras, fromLayersModel, type KerasModel } from '../../src/interop/index.ts';
import { readHdf5 } from '../../src/interop/hdf5/readHdf5.ts';
import { writeHdf5 } from '../../src/interop/hdf5/writeHdf5.ts';
import { readZip, writeZip } from '../../src/interop/zip.ts';
import type { Values } from '../../src/nn/layer.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { leastLayersModel, numbers } from '../support/kerasFile.ts';
import { oneOf, type Sample } from './mutate.ts';

const folder = new URL('../goldens/interop/keras/', import.meta.url);
const fileIn = (name: string): Uint8Array => readFileSync(fileURLToPath(new URL(name, folder)));

interface Model {
  readonly config: Uint8Array;
  readonly weights: Uint8Array;
  readonly given: Readonly<Record<string, Value>>;
}

/** Whole numbers are called so in these models. */
const dtypeOf = (name: string): Dtype => (name === 'tokens' ? 'i32' : 'f32');

function modelOf(name: string): Model {
  const files = readZip('fuzz', name, fileIn(`${name}.keras`));
  const told = JSON.parse(Buffer.from(fileIn(`${name}.json`)).toString()) as {
    inputs: Record<string, { shape: number[] }>;
  };
  const given = Object.entries(told.inputs).map(([field, { shape }]) => [
    field,
    input(field, spec(shape, dtypeOf(field))),
  ]);
  return {
    config: files.get('config.json')!,
    weights: files.get('model.weights.h5')!,
    given: Object.fromEntries(given) as Model['given'],
  };
}

/** What stands in one config alone. */
const marks = {
  masked: '"attended"',
  transformer: '"TimeDistributed"',
  branches: '"tower"',
  gru: '"GRU"',
  lenet: '"MaxPooling2D"',
  mlp: '',
};
const models = Object.entries(marks).map(([name, mark]) => ({ mark, ...modelOf(name) }));

const written = writeHdf5(
  Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`layers/dense_${at}/vars/0`, numbers(2, 3)])),
);

/** Of Keras' own, and of ours. */
export const hdf5 = (random: Random): Sample => {
  return { bytes: oneOf(random, [models[0].weights, models[3].weights, written]) };
};

export const kerasConfig = (random: Random): Sample => ({ bytes: oneOf(random, models).config });

/** A config in an archive, with the weights of the model that it is likeliest of. */
export async function readConfig(bytes: Uint8Array): Promise<void> {
  const config = Buffer.from(bytes).toString('latin1');
  const { weights, given } = models.find(({ mark }) => config.includes(mark))!;
  const file = writeZip('fuzz', [
    ['config.json', bytes],
    ['model.weights.h5', weights],
  ]);
  traced(await fromKeras(file), given);
}

/** Traces a model, which may say that what it is given does not fit. */
function traced({ model }: KerasModel, given: Values): void {
  try {
    new Tracer(new Registry(0), 'evaluate', null).apply(model, given, '');
  } catch (error) {
    if (![FormatError, DataError, ShapeError].some((kind) => error instanceof kind)) throw error;
  }
}

export const layersModel = (): Sample => ({ bytes: leastLayersModel()['model.json'] });

export async function readLayersModel(bytes: Uint8Array): Promise<void> {
  const x = input('x', spec([2, 3], 'f32'));
  traced(await fromLayersModel({ ...leastLayersModel(), 'model.json': bytes }), x);
}

export function readArrays(bytes: Uint8Array): void {
  for (const [path, { shape, numbers: read }] of readHdf5(bytes)) {
    const { length } = read();
    if (length !== shape.reduce((product, extent) => product * extent, 1)) throw new Error(`"${path}" has ${length}`);
  }
}
