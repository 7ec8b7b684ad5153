// Files as Keras and TensorFlow.js write them, of layers as a test wants them.

import { writeHdf5, type Hdf5Numbers } from '../../src/interop/hdf5/writeHdf5.ts';
import { writeZip } from '../../src/interop/zip.ts';

type Config = Readonly<Record<string, unknown>>;

export const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A layer of a config. */
export const layer = (className: string, config: Config, more: Config = {}): Config => ({
  class_name: className,
  config: { name: className.toLowerCase(), ...config },
  ...more,
});

/** A chain of layers behind an input of some features. */
export const sequential = (features: number, ...layers: readonly Config[]): Config =>
  layer('Sequential', { layers: [layer('InputLayer', { batch_shape: [null, features] }), ...layers] });

/** A `.keras` file. */
export const kerasFile = (config: Config, arrays: Readonly<Record<string, Hdf5Numbers>>): Uint8Array =>
  writeZip('test', [
    ['config.json', text(JSON.stringify(config))],
    ['model.weights.h5', writeHdf5(arrays)],
  ]);

/** Numbers of some extents: 0.5, 1, 1.5 … */
export const numbers = (...shape: readonly number[]): Hdf5Numbers => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => (at + 1) / 2),
});

const dense = layer('Dense', { units: 2, activation: 'relu' });

/** The least one: a product of three features. */
export const leastKeras = (): Uint8Array =>
  kerasFile(sequential(3, dense), { 'layers/dense/vars/0': numbers(3, 2), 'layers/dense/vars/1': numbers(2) });

/** A LayersModel's files. */
export const layersModel = (
  topology: Config,
  weights: readonly (readonly [name: string, numbers: Hdf5Numbers])[],
  more: Config = {},
): Record<string, Uint8Array> => ({
  'model.json': text(
    JSON.stringify({
      format: 'layers-model',
      modelTopology: topology,
      weightsManifest: [
        {
          paths: ['weights.bin'],
          weights: weights.map(([name, { shape }]) => ({ name, shape, dtype: 'float32' })),
        },
      ],
      ...more,
    }),
  ),
  'weights.bin': new Uint8Array(Buffer.concat(weights.map(([, { data }]) => Buffer.from(data.buffer)))),
});

/** The least one. */
export const leastLayersModel = (): Record<string, Uint8Array> =>
  layersModel(sequential(3, dense), [
    ['dense/kernel', numbers(3, 2)],
    ['dense/bias', numbers(2)],
  ]);
