import { input, type Value } from '../../src/index.ts';
import { fromKeras, fromLayersModel } from '../../src/interop/index.ts';
import { readHdf5 } from '../../src/interop/hdf5/readHdf5.ts';
import type { Values } from '../../src/nn/layer.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { kerasFile, layer, leastKeras, sequential } from '../support/kerasFile.ts';
import type { Case } from '../support/provoke.ts';

const x = (features: number): Value => input('x', { shape: [2, features], dtype: 'f32' });

const used = (file: Uint8Array, given: Values) => async () => {
  const { model } = await fromKeras(file);
  return new Tracer(new Registry(0), 'evaluate', null).apply(model, given, '');
};

const inputs = ['left', 'right'].map((name) => ({
  ...layer('InputLayer', { name, batch_shape: [null, 3] }, { name, inbound_nodes: [] }),
}));
const ends = ['left', 'right'].map((name) => [name, 0, 0]);
/** What is given is what comes out. */
const two = kerasFile(layer('Functional', { layers: inputs, input_layers: ends, output_layers: ends }), {});

export const keras: readonly Case[] = [
  ['[keras] <layer or file> cannot be read', () => fromKeras(kerasFile(sequential(3, layer('Lambda', {})), {}))],
  ['[keras] <model> is given <value>', used(leastKeras(), x(4))],
  ['[keras] the model is given one value', used(two, x(3))],
  ['[keras] the model is given <what>', used(two, { left: x(3) })],
  ['[fromLayersModel] the files are', () => fromLayersModel({ 'model.js': new Uint8Array(3) })],
  ['[hdf5] the file cannot be read', () => readHdf5(new Uint8Array(200))],
];
