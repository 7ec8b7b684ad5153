// What is written as .keras says the same: read again it gives the same numbers. That Keras takes it and gives them too is
// shown by test/interop/live.

import { describe, expect, test } from 'vitest';
import { createPredictor, definePointwise, gru, lstm, pointwise, type Value } from '../../src/index.ts';
import { dataset } from '../../src/data/index.ts';
import { fromKeras, toKeras } from '../../src/interop/index.ts';
import { readZip } from '../../src/interop/zip.ts';
import { computed, drawn, withDrawnWeights, writtenModels } from './writtenModels.ts';

const SAMPLES = 3;
const sequence = { x: { shape: [6, 3] } };
const models: ReturnType<typeof writtenModels> = {
  ...writtenModels(),
  bidirectional: { model: lstm(3, 5, { bidirectional: true, layers: 2 }) as never, fields: sequence },
  ends: { model: gru(3, 5, { bidirectional: true, returns: 'last' }) as never, fields: sequence },
  gruSteps: { model: gru(3, 5, { layers: 2 }) as never, fields: sequence },
};

/** What Keras has no layer nor operation of, or what moves the axis of the samples. */
const unwritten: readonly string[] = [
  'pointwise',
  'integers',
  'unsigned',
  'products',
  'reductions',
  'shapes',
  'convPadded',
  'conv1d',
  'convTransposeSame',
  'averagePool',
  'batchOwn',
  'rows',
  'lstmDeep',
  'lstmLengths',
  'lstmInitial',
  'gru',
  'rnn',
  'stateful',
  'attention',
  'attentionGrouped',
  'rotary',
  'multiHeadCausal',
  'logMel',
  'translator',
];
/** What is compared: layers and operations of all kinds. */
const written = [
  'linear',
  'linearSteps',
  'conv2d',
  'convGroups',
  'convDepthwise',
  'convSingle',
  'convTranspose',
  'betweenConvolutions',
  'maxPool',
  'pools1d',
  'globalPools',
  'upsample',
  'upsampleBilinear',
  'batchNorm',
  'batchNormImages',
  'layerNorm',
  'layerNormAxes',
  'rmsNorm',
  'groupNorm',
  'groupNormSteps',
  'groupNormRows',
  'softmax',
  'logSoftmax',
  'embedding',
  'embeddingPadded',
  'tied',
  'lstm',
  'gruLengths',
  'rnnRelu',
  'unrolled',
  'multiHead',
  'multiHeadMemory',
  'encoder',
  'encoderSwiglu',
  'decoder',
  'positions',
  'fourierFeatures',
  'lora',
  'frozen',
  'absent',
  'byName',
  'pictures',
  'cnn',
  'resnet',
  'gpt',
  'gptBias',
  'forecaster',
  'bidirectional',
  'ends',
  'gruSteps',
];

test.each(written)('%s is written, and read again with the same outputs', async (name) => {
  const given = models[name];
  const own = await withDrawnWeights(given);
  const { model, weights, notes } = await fromKeras(await toKeras(own));
  expect(notes).toEqual([]);
  const batch = drawn(given, SAMPLES);
  // Bytes are scaled within the model that was written.
  const fields = Object.entries(batch).map(([field, data]) => {
    const numbers = data instanceof Uint8Array ? Int32Array.from(data) : data;
    return [field, { data: numbers as Float32Array, shape: given.fields[field].shape }] as const;
  });
  const set = dataset(Object.fromEntries(fields));
  const inputs = Object.keys(given.fields);
  const predictor = await createPredictor({ model, weights, data: set, inputs, backend: 'cpu' });
  const { outputs } = await predictor.predict(set);
  for (const { name: output, shape, numbers } of computed(await own.forward(), SAMPLES, batch)) {
    const again = (outputs as Readonly<Record<string, { shape: readonly number[]; data: ArrayLike<number> }>>)[output];
    expect.soft(again.shape, output).toEqual(shape);
    const far = Array.from(numbers, (value, at) => Math.abs(value - again.data[at]) / Math.max(1, Math.abs(value)));
    expect.soft(Math.max(...far), output).toBeLessThan(1e-4);
  }
});

test('weights go by themselves, into a model that was written before', async () => {
  const first = await withDrawnWeights(models['cnn']);
  const trained = await withDrawnWeights(models['cnn'], 8);
  const file = await toKeras(first);
  const weights = await toKeras(trained, { only: 'weights' });
  const whole = await fromKeras(await toKeras(trained));
  expect((await fromKeras(file, { weights })).weights).toEqual(whole.weights);
  const config = readZip('keras', 'model.keras', file).get('config.json')!;
  expect((await fromKeras(config, { weights })).weights).toEqual(whole.weights);
  await expect(fromKeras(config)).rejects.toThrow('has no model.weights.h5');
  expect((await fromKeras(file)).weights).not.toEqual(whole.weights);
});

describe('what Keras has no like of', () => {
  test.each(unwritten)('%s is refused by name', async (name) => {
    await expect(toKeras(await withDrawnWeights(models[name]))).rejects.toThrow(
      /^\[toKeras\] the model (?:uses .+, which cannot be written, as|does not take any number of samples)/,
    );
  });

  test('an op of a user with the name of one of ours', async () => {
    const op = definePointwise({ name: 'relu', arity: 1, wgsl: { expression: 'a * 2.0' }, f: (a) => 2 * a });
    const model = (x: Value): Value => pointwise(op, [x]);
    const own = await createPredictor({ model, data: { x: { shape: [2], dtype: 'f32' } }, backend: 'cpu' });
    await expect(toKeras(own)).rejects.toThrow('the model uses relu, which cannot be written');
  });
});

const configOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(readZip('test', 'a', bytes).get('config.json'));

test('two directions are one Bidirectional layer, and tables that are shared one layer', async () => {
  const both = configOf(await toKeras(await withDrawnWeights(models['bidirectional'])));
  expect(both.match(/"class_name":"Bidirectional"/g)).toHaveLength(2);
  expect(both).not.toContain('Flip');
});
