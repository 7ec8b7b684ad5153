// What is written for TensorFlow.js, it opens, and gives the same; what it has no layer of is refused.

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromLayersModel, toLayersModel } from '../../src/interop/index.ts';
import { createPredictor, gru, linear, lstm } from '../../src/index.ts';
import { computed, drawn, withDrawnWeights, writtenModels } from './writtenModels.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const SAMPLES = 3;
const models = writtenModels();

/** A handler that gives TensorFlow.js some files. */
function handlerOf(files: Readonly<Record<string, Uint8Array>>): tf.io.IOHandler {
  const model = JSON.parse(new TextDecoder().decode(files['model.json'])) as {
    modelTopology: object;
    weightsManifest: { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
  };
  const [{ paths, weights }] = model.weightsManifest;
  const all = Buffer.concat(paths.map((path) => files[path]));
  return tf.io.fromMemory({
    modelTopology: model.modelTopology,
    weightSpecs: weights,
    weightData: new Uint8Array(all).buffer,
  });
}

/** Every layer that TensorFlow.js has. */
const written = [
  'linear',
  'linearSteps',
  'conv2d',
  'convSingle',
  'convDepthwise',
  'convTranspose',
  'maxPool',
  'globalPools',
  'upsample',
  'batchNorm',
  'batchNormImages',
  'layerNorm',
  'softmax',
  'logSoftmax',
  'embedding',
  'embeddingPadded',
  'lstm',
  'bidirectional',
  'ends',
  'absent',
  'byName',
  'pictures',
  'cnn',
  'resnet',
  'frozen',
  'lora',
];

const sequence = { x: { shape: [6, 3] } };
const others: typeof models = {
  ...models,
  bidirectional: { model: lstm(3, 5, { bidirectional: true, layers: 2 }) as never, fields: sequence },
  ends: { model: lstm(3, 5, { bidirectional: true, returns: 'last' }) as never, fields: sequence },
  gruSteps: { model: gru(3, 5) as never, fields: sequence },
};

test.each(written)('%s gives in TensorFlow.js what it gives here', async (name) => {
  const given = others[name];
  const own = await withDrawnWeights(given);
  const model = await layers.loadLayersModel(handlerOf(await toLayersModel(own)));
  const batch = drawn(given, SAMPLES);
  const tensors = model.inputNames.map((field, at) => {
    const { dtype } = model.inputs[at];
    return tf.tensor(Array.from(batch[field]), [SAMPLES, ...given.fields[field].shape], dtype);
  });
  const theirs = [model.predict(tensors.length > 1 ? tensors : tensors[0])].flat();
  const ours = computed(await own.forward(), SAMPLES, batch);
  expect(theirs).toHaveLength(ours.length);
  ours.forEach(({ shape, numbers }, at) => {
    expect(theirs[at].shape).toEqual(shape);
    const far = Array.from(
      theirs[at].dataSync(),
      (value, i) => Math.abs(value - numbers[i]) / Math.max(1, Math.abs(value)),
    );
    expect(Math.max(...far)).toBeLessThan(1e-4);
  });
});

describe('what TensorFlow.js has no layer of', () => {
  test.each(['gruSteps', 'groupNorm', 'rmsNorm', 'convGroups', 'multiHead', 'rotary', 'reductions'])(
    '%s is refused by name',
    async (name) => {
      await expect(toLayersModel(await withDrawnWeights(others[name]))).rejects.toThrow(
        /^\[toLayersModel\] the model uses .+, which cannot be written/,
      );
    },
  );
});

test('weights are cut into files of 4 MiB, which are read again as one', async () => {
  const own = await createPredictor({
    model: linear(1100, 1000),
    data: { x: { shape: [1100], dtype: 'f32' } },
    backend: 'cpu',
  });
  const files = await toLayersModel(own);
  expect(Object.keys(files)).toEqual(['model.json', 'group1-shard1of2.bin', 'group1-shard2of2.bin']);
  expect(files['group1-shard1of2.bin']).toHaveLength(4 * 1024 * 1024);
  const { weights } = await fromLayersModel(files);
  expect(weights.length).toBeGreaterThan(4 * 1101 * 1000);
});
