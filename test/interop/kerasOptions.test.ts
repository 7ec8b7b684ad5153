// Every option that a layer's config holds is read, or refused by its name: none is passed over.

import { expect, test } from 'vitest';
import { layerDefinitions } from '../../src/interop/keras/layers/index.ts';
import { readLayer } from '../../src/interop/keras/readLayers.ts';
import { layer } from '../support/kerasFile.ts';

const rnn = { units: 2 };
/** What a layer cannot do without. */
const least: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Dense: { units: 2 },
  Activation: { activation: 'relu' },
  Reshape: { target_shape: [2] },
  Permute: { dims: [1] },
  RepeatVector: { n: 2 },
  Embedding: { input_dim: 3, output_dim: 2 },
  Conv1D: { filters: 2, kernel_size: [3] },
  Conv2D: { filters: 2, kernel_size: [3, 3] },
  Conv1DTranspose: { filters: 2, kernel_size: [3] },
  Conv2DTranspose: { filters: 2, kernel_size: 3 },
  DepthwiseConv1D: { kernel_size: 3 },
  DepthwiseConv2D: { kernel_size: 3 },
  SeparableConv1D: { filters: 2, kernel_size: 3 },
  SeparableConv2D: { filters: 2, kernel_size: 3 },
  Rescaling: { scale: 2 },
  SimpleRNN: rnn,
  LSTM: rnn,
  GRU: rnn,
  Bidirectional: { layer: layer('LSTM', rnn) },
  Dot: { axes: 1 },
  MultiHeadAttention: { num_heads: 2, key_dim: 3 },
  GroupQueryAttention: { head_dim: 2, num_query_heads: 2, num_key_value_heads: 1 },
  Dropout: { rate: 0.5 },
  SpatialDropout1D: { rate: 0.5 },
  SpatialDropout2D: { rate: 0.5 },
  GaussianDropout: { rate: 0.5 },
  GaussianNoise: { stddev: 1 },
  TimeDistributed: { layer: layer('Dense', { units: 2 }) },
};

const read = (className: string, config: Readonly<Record<string, unknown>>, notes: string[] = []) => {
  const entry = { name: 'own', className, config, module: 'keras.layers', registeredName: undefined };
  return readLayer('layer "own"', entry, { writer: 'keras 3', notes, depth: 0 });
};

const classes = Object.keys(layerDefinitions);

test.each(classes)('%s is read with what it cannot do without', (className) => {
  expect(read(className, least[className] ?? {}).weights).toBeInstanceOf(Array);
});

test.each(classes)('%s refuses an option of which nothing is known, by its name', (className) => {
  const config = { ...least[className], unheard_of: 0.25 };
  expect(() => read(className, config)).toThrow('has the option unheard_of 0.25');
});

test.each(classes)('%s refuses to compute in integers', (className) => {
  const policy = { class_name: 'DTypePolicy', config: { name: 'int8' } };
  expect(() => read(className, { ...least[className], dtype: policy })).toThrow('has dtype the text "int8"');
});

test('what training here does not do is said, and what is nothing is not', () => {
  const notes: string[] = [];
  const regularizer = { class_name: 'L2', config: { l2: 0.01 } };
  read('Dense', { units: 2, kernel_regularizer: regularizer, bias_regularizer: null, dtype: 'mixed_float16' }, notes);
  expect(notes).toEqual([
    'layer "own": computes in mixed_float16 there, in float32 here',
    'layer "own": kernel_regularizer L2 is no part of training here',
  ]);
});

test.each([
  ['Dense', { units: 2.5 }, 'has units 2.5'],
  ['Dense', { units: 2, use_bias: 1 }, 'has use_bias 1'],
  ['Dense', { units: 2, lora_rank: 4 }, 'has lora_rank 4'],
  ['Conv2D', { filters: 1, kernel_size: [3, 3, 3] }, 'has kernel_size [3,3,3]'],
  ['Conv2D', { filters: 1, kernel_size: 3, padding: 'full' }, 'has padding "full"'],
  ['Conv1D', { filters: 1, kernel_size: 3, data_format: 'channels_middle' }, 'has data_format "channels_middle"'],
  ['LSTM', { units: 2, stateful: true }, 'has stateful true'],
  ['BatchNormalization', { renorm: true }, 'has renorm true'],
  ['MultiHeadAttention', { num_heads: 1, key_dim: 2, output_shape: 5 }, 'has output_shape 5'],
  ['LayerNormalization', { rms_scaling: true }, 'has rms_scaling true'],
  ['Dropout', { rate: 1 }, 'has rate 1'],
  ['Bidirectional', { layer: layer('Dense', { units: 2 }) }, 'has a layer that is Dense'],
  [
    'Bidirectional',
    { layer: layer('LSTM', { units: 2, unknown: 1 }) },
    'layer LSTM cannot be read, as it has the option unknown 1',
  ],
  ['Activation', { activation: 'sparsemax' }, 'has the activation "sparsemax"'],
])('%s with %o is refused by name', (className, config, message) => {
  expect(() => read(className, config)).toThrow(message);
});

test('a class of another package is not taken for the one of its name', () => {
  const entry = {
    name: 'own',
    className: 'Dense',
    config: { units: 2 },
    module: 'models',
    registeredName: 'mine>Dense',
  };
  const reading = { writer: 'keras 3', depth: 0 } as const;
  expect(() => readLayer('layer "own"', entry, { ...reading, notes: [] })).toThrow(
    'is a Dense of mine>Dense, which is code',
  );
});

test('code of Python is refused as such', () => {
  expect(() => read('Lambda', { function: {} })).toThrow('is a Lambda, which is code');
});
