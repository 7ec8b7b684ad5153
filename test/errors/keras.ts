import {
  createTrainer,
  input,
  linear,
  lstm,
  mean,
  sgd,
  type Context,
  type FloatLayer,
  type Value,
} from '../../src/index.ts';
import { fromKeras, fromLayersModel, toKeras } from '../../src/interop/index.ts';
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

/** Writes a model of two samples at a time. */
const written = async (net: FloatLayer, shape: readonly number[], after: (y: Value) => Value) => {
  const model = (given: Value, context: Context): Value => after(context.apply(net, given));
  const data = { x: { shape, dtype: 'f32' } } as const;
  const loss = (y: Value): Value => mean(y);
  const optimizer = sgd({ learningRate: 1 });
  return toKeras(await createTrainer({ model, data, inputs: 'x', loss, optimizer, batchSize: 2, backend: 'cpu' }));
};

export const keras: readonly Case[] = [
  ['[keras] <layer or file> cannot be read', () => fromKeras(kerasFile(sequential(3, layer('Lambda', {})), {}))],
  ['[keras] <model> is given <value>', used(leastKeras(), x(4))],
  ['[keras] the model is given one value', used(two, x(3))],
  ['[keras] the model is given <what>', used(two, { left: x(3) })],
  ['[fromLayersModel] the files are', () => fromLayersModel({ 'model.js': new Uint8Array(3) })],
  [
    '[<writer>] the model uses <op>, which cannot',
    () => written(linear(3, 2), [3], (y) => mean(y, { axes: 0, keepDimensions: true })),
  ],
  ['[<writer>] the model does not take', () => written(lstm(3, 2, { stateful: 2 }), [4, 3], (y) => y)],
  ['[hdf5] the file cannot be read', () => readHdf5(new Uint8Array(200))],
];
