// Models that TensorFlow.js made and saved: they give here what they give there.

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { dataset } from '../../src/data/index.ts';
import { createPredictor } from '../../src/index.ts';
import { fromLayersModel } from '../../src/interop/index.ts';
import { layer, layersModel, leastLayersModel, sequential, text } from '../support/kerasFile.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const SAMPLES = 3;
const l = layers.layers;

/** Weights by chance, of which none is 0 or 1. */
function fill(model: layers.LayersModel): void {
  const random = new Random(3, 'weights');
  const own = model.weights.map(({ name, shape }) => {
    const draws = tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape as number[]) }, () => random.uniform() - 0.45),
      shape as number[],
    );
    return /variance|gamma/.test(name) ? tf.add(tf.abs(draws), 0.3) : draws;
  });
  model.setWeights(own);
}

/** What TensorFlow.js saves, as files. */
async function saved(model: layers.LayersModel): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      const { modelTopology, weightSpecs, weightData } = artifacts;
      const weightsManifest = [{ paths: ['a.bin', 'b.bin'], weights: weightSpecs }];
      const bytes = new Uint8Array(weightData as ArrayBuffer);
      files['model.json'] = text(JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }));
      files['a.bin'] = bytes.slice(0, 10);
      files['b.bin'] = bytes.slice(10);
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } });
    }),
  );
  return files;
}

const relu = { activation: 'relu' } as const;

const models: Readonly<Record<string, () => layers.LayersModel>> = {
  vectors: () =>
    layers.sequential({
      layers: [
        l.dense({ units: 5, inputShape: [4], activation: 'hardSigmoid' }),
        l.dense({ units: 4 }),
        l.leakyReLU({ alpha: 0.2 }),
        l.batchNormalization(),
        l.dense({ units: 4, activation: 'elu', useBias: false }),
        l.prelu(),
        l.reLU({ maxValue: 0.5 }),
        l.dropout({ rate: 0.5 }),
        l.dense({ units: 3, activation: 'softmax' }),
      ],
    }),
  images() {
    const x = layers.input({ shape: [7, 6, 3] });
    const y = l.conv2d({ filters: 4, kernelSize: 3, padding: 'same', ...relu }).apply(x);
    const z = l.separableConv2d({ filters: 4, kernelSize: [3, 2], depthMultiplier: 2, padding: 'same' }).apply(y);
    const sum = l.add().apply([y, z] as layers.SymbolicTensor[]);
    const d = l.depthwiseConv2d({ kernelSize: 3, strides: 2 }).apply(sum);
    const up = l.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same' }).apply(d);
    const pooled = l.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(up);
    const flat = l
      .flatten()
      .apply(l.maxPooling2d({ poolSize: 2 }).apply(l.zeroPadding2d({ padding: [1, 2] }).apply(pooled)));
    const mean = l
      .globalAveragePooling2d({})
      .apply(l.upSampling2d({ size: [2, 2] }).apply(l.cropping2D({ cropping: 1 }).apply(y)));
    return layers.model({ inputs: x, outputs: [flat, mean] as layers.SymbolicTensor[] });
  },
  steps() {
    const x = layers.input({ shape: [5, 3], name: 'steps' });
    const y = l.bidirectional({ layer: l.lstm({ units: 3, returnSequences: true }), mergeMode: 'concat' }).apply(x);
    const g = l.gru({ units: 2, recurrentActivation: 'sigmoid' }).apply(y);
    const r = l.simpleRNN({ units: 2, returnSequences: true }).apply(y);
    const t = l.timeDistributed({ layer: l.dense({ units: 2 }) }).apply(l.layerNormalization().apply(r));
    return layers.model({ inputs: x, outputs: [g, t] as layers.SymbolicTensor[] });
  },
  tokens: () =>
    layers.sequential({
      layers: [
        l.embedding({ inputDim: 9, outputDim: 4, inputLength: 6, maskZero: true }),
        l.lstm({ units: 3, recurrentActivation: 'sigmoid' }),
        l.dense({ units: 2 }),
      ],
    }),
};

/** Numbers of some extents; whole where a model looks them up. */
function givenTo(model: layers.LayersModel): { readonly data: Float32Array | Int32Array; readonly shape: number[] } {
  const shape = model.inputs[0].shape.slice(1) as number[];
  const random = new Random(5, 'given');
  const length = SAMPLES * tf.util.sizeFromShape(shape);
  if (model.layers[0].getClassName() !== 'Embedding') {
    return { shape, data: Float32Array.from({ length }, () => 2 * random.uniform() - 1) };
  }
  // Zeros in front of some, and behind others.
  return { shape, data: Int32Array.from({ length }, (_, at) => (at % 7 < 2 ? 0 : 1 + (random.word() % 8))) };
}

test.each(Object.keys(models))('%s of TensorFlow.js give the same here', async (name) => {
  const model = models[name]();
  fill(model);
  const { data, shape } = givenTo(model);
  const theirs = [
    model.predict(tf.tensor(data, [SAMPLES, ...shape], data instanceof Int32Array ? 'int32' : 'float32')),
  ].flat();
  const imported = await fromLayersModel(await saved(model));
  const set = dataset({ x: { data, shape } });
  const predictor = await createPredictor({
    model: imported.model,
    weights: imported.weights,
    data: set,
    backend: 'cpu',
  });
  const { outputs } = await predictor.predict(set);
  const ours = Object.values(outputs);
  expect(ours).toHaveLength(theirs.length);
  theirs.forEach((tensor, at) => {
    expect(ours[at].shape).toEqual(tensor.shape);
    const expected = tensor.dataSync();
    const far = Array.from(expected, (value, i) => Math.abs(value - ours[at].data[i]));
    expect.soft(Math.max(...far), `output ${at}`).toBeLessThan(1e-5);
  });
});

const predicted = async (files: Record<string, Uint8Array>, x: readonly number[]): Promise<number[]> => {
  const { model, weights } = await fromLayersModel(files);
  const data = { x: { shape: [x.length], dtype: 'f32', scale: null } } as const;
  const predictor = await createPredictor({ model, weights, data, backend: 'cpu' });
  return Array.from((await predictor.predict({ x: Float32Array.from(x) })).data);
};

/** The least model with another manifest, or what else. */
const changed = (
  change: (model: Record<string, unknown>, weights: Record<string, unknown>[]) => void,
): Record<string, Uint8Array> => {
  const files = leastLayersModel();
  const model = JSON.parse(new TextDecoder().decode(files['model.json'])) as Record<string, unknown>;
  change(model, (model['weightsManifest'] as { weights: Record<string, unknown>[] }[])[0].weights);
  return { ...files, 'model.json': text(JSON.stringify(model)) };
};

test('weights that were quantised are read as they were meant', async () => {
  const files = changed((_, [kernel, bias]) => {
    kernel['quantization'] = { dtype: 'uint8', scale: 0.5, min: -1, original_dtype: 'float32' };
    bias['quantization'] = { dtype: 'float16', original_dtype: 'float32' };
  });
  // 0.5, 1, 1.5 … by kernels; 1 and −2 in halves.
  files['weights.bin'] = Uint8Array.of(3, 4, 5, 6, 7, 8, 0, 0x3c, 0, 0xc0);
  expect(await predicted(files, [1, 0, 2])).toEqual([0.5 + 2 * 2.5 + 1, 1 + 2 * 3 - 2]);
});

test('a sigmoid of straight lines is that of who wrote the file', async () => {
  const steep = layer('Activation', { activation: 'hard_sigmoid' });
  const at = async (version: string) =>
    predicted(layersModel({ keras_version: version, model_config: sequential(1, steep) }, []), [1]);
  const [tensorFlow, two, three] = await Promise.all(['tfjs-layers 4.22.0', '2.15.0', '3.15.1'].map(at));
  expect([tensorFlow[0], two[0]]).toEqual([Math.fround(0.7), Math.fround(0.7)]);
  expect(three[0]).toBeCloseTo(4 / 6, 6);
});

test('a slope is read by either of its names', async () => {
  const of = (config: object) => predicted(layersModel(sequential(1, layer('LeakyReLU', { ...config })), []), [-1]);
  const slopes = await Promise.all([of({ negative_slope: 0.25 }), of({ alpha: 0.5 }), of({})]);
  expect(slopes.flat()).toEqual([-0.25, -0.5, Math.fround(-0.3)]);
});

const topology = (model: Record<string, unknown>) => model['modelTopology'] as Record<string, unknown>;
const manifest = (model: Record<string, unknown>) => (model['weightsManifest'] as { paths: string[] }[])[0];

test.each([
  ['a graph model', changed((model) => (model['format'] = 'graph-model')), 'a graph model'],
  ['a file that is missing', { 'model.json': leastLayersModel()['model.json'] }, 'names the file "weights.bin"'],
  [
    'a path that leads out',
    changed((model) => (manifest(model).paths = ['../weights.bin'])),
    'leads out of its folder',
  ],
  ['an address', changed((model) => (manifest(model).paths = ['file:weights.bin'])), 'leads out of its folder'],
  ['a file that was cut', { ...leastLayersModel(), 'weights.bin': new Uint8Array(20) }, 'a file was cut short'],
  ['bytes that are left', { ...leastLayersModel(), 'weights.bin': new Uint8Array(40) }, 'its weights end at 32'],
  ['a weight of nobody', changed((_, [kernel]) => (kernel['name'] = 'other/kernel')), 'no weight for dense/kernel'],
  ['other extents', changed((_, [kernel]) => (kernel['shape'] = [2, 3])), 'has the extents [2, 3]'],
  ['a text', changed((_, [kernel]) => (kernel['dtype'] = 'string')), 'has the weight dense/kernel in string'],
  ['no layers', changed((model) => (topology(model)['config'] = {})), 'has no list of layers'],
])('%s is refused by name', async (_, files, message) => {
  await expect(fromLayersModel(files)).rejects.toThrow(message);
});
