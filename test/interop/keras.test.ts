// Models that Keras saved: they give here what they gave there.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { dataset, readSafetensors } from '../../src/data/index.ts';
import { createPredictor, createTrainer, mean, sgd, type Value } from '../../src/index.ts';
import { fromKeras } from '../../src/interop/index.ts';
import { kerasFile, layer, numbers, sequential } from '../support/kerasFile.ts';

const folder = fileURLToPath(new URL('../goldens/interop/keras/', import.meta.url));
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.keras') ? [file.slice(0, -6)] : []));

/** f32 in base64. */
interface Told {
  readonly shape: readonly number[];
  readonly base64: string;
}

type Made = { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

interface Golden {
  readonly inputs: Readonly<Record<string, Told>>;
  readonly outputs: Readonly<Record<string, Told>>;
}

const golden = (name: string): Golden => JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as Golden;

const numbersOf = ({ base64 }: Told): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

/** Whole numbers where all are. */
const fieldOf = (told: Told) => {
  const data = numbersOf(told);
  return { data: data.every(Number.isInteger) ? Int32Array.from(data) : data, shape: told.shape.slice(1) };
};

test.each(names)('%s gives what it gave in Keras', async (name) => {
  const { inputs, outputs } = golden(name);
  const { model, weights } = await fromKeras(readFileSync(`${folder}${name}.keras`));
  const set = dataset(Object.fromEntries(Object.entries(inputs).map(([field, told]) => [field, fieldOf(told)])));
  const predictor = await createPredictor({ model, weights, data: set, inputs: Object.keys(inputs), backend: 'cpu' });
  const made = await predictor.predict(set);
  for (const [output, told] of Object.entries(outputs)) {
    const data = numbersOf(told);
    const own = (made.outputs as Readonly<Record<string, Made>>)[output || 'output'];
    expect.soft(own?.shape, output).toEqual(told.shape);
    const far = data.map((value, at) => Math.abs(value - own.data[at]) / Math.max(1, Math.abs(value)));
    expect.soft(Math.max(...far), output).toBeLessThan(1e-4);
  }
});

/** A net of one layer, and what it learned in a step at a rate. */
async function afterAStep(
  className: string,
  config: Readonly<Record<string, unknown>>,
  arrays: Parameters<typeof kerasFile>[1],
  learningRate: number,
) {
  const { model } = await fromKeras(kerasFile(sequential(2, layer(className, config)), arrays));
  const data = dataset({
    x: { data: Float32Array.of(1, 2, 3, 4, 5, 6, 9, 8), shape: [2] },
    target: new Float32Array(4),
  });
  const loss = (y: Value): Value => mean(y);
  const trainer = await createTrainer({
    model,
    data,
    loss,
    optimizer: sgd({ learningRate }),
    batchSize: 4,
    backend: 'cpu',
  });
  await trainer.step(data);
  return (await trainer.forward()).tensors;
}

const norm = {
  'layers/batch_normalization/vars/0': numbers(2),
  'layers/batch_normalization/vars/1': numbers(2),
  'layers/batch_normalization/vars/2': numbers(2),
  'layers/batch_normalization/vars/3': numbers(2),
};

test('batch norm keeps averages as Keras does: momentum stays, of variances that are divided by all', async () => {
  const kept = await afterAStep('BatchNormalization', { momentum: 0.9, name: 'norm' }, norm, 0.1);
  // Columns 1, 3, 5, 9 and 2, 4, 6, 8: means 4.5 and 5, variances 8.75 and 5.
  const near = (name: string, wanted: readonly number[]): void => {
    Array.from(kept[name].data).forEach((value, at) => expect.soft(value, name).toBeCloseTo(wanted[at], 5));
  };
  near('norm.moving_mean', [0.9 * 0.5 + 0.1 * 4.5, 0.9 * 1 + 0.1 * 5]);
  near('norm.moving_variance', [0.9 * 0.5 + 0.1 * 8.75, 0.9 * 1 + 0.1 * 5]);
});

test('a layer that Keras does not train stays as it is, with its averages', async () => {
  const layers = [
    layer('BatchNormalization', { name: 'norm', trainable: false }),
    layer('Dense', { units: 2, name: 'last' }),
  ];
  const arrays = { ...norm, 'layers/dense/vars/0': numbers(2, 2), 'layers/dense/vars/1': numbers(2) };
  const { model } = await fromKeras(kerasFile(sequential(2, ...layers), arrays));
  const data = dataset({ x: { data: Float32Array.of(1, 2, 3, 4), shape: [2] }, target: new Float32Array(2) });
  const loss = (y: Value): Value => mean(y);
  const trainer = await createTrainer({
    model,
    data,
    loss,
    optimizer: sgd({ learningRate: 1 }),
    batchSize: 2,
    backend: 'cpu',
  });
  await trainer.step(data);
  const { tensors } = await trainer.forward();
  for (const name of ['gamma', 'beta', 'moving_mean', 'moving_variance']) {
    expect.soft(Array.from(tensors[`norm.${name}`].data), name).toEqual([0.5, 1]);
  }
  expect(Array.from(tensors['last.bias'].data)).not.toEqual([0.5, 1]);
});

test('numbers are found by the order of their class, not of their names', async () => {
  const dense = Array.from({ length: 12 }, (_, at) => layer('Dense', { units: 1, use_bias: false, name: `n${at}` }));
  const arrays = Object.fromEntries(
    dense.map((_, at) => [
      `layers/dense${at === 0 ? '' : `_${at}`}/vars/0`,
      { shape: [1, 1], data: Float32Array.of(at + 1) },
    ]),
  );
  const { weights } = await fromKeras(kerasFile(sequential(1, ...dense), arrays));
  const { tensors } = readSafetensors('weights', weights);
  expect(dense.map((_, at) => tensors[`n${at}.kernel`].data[0])).toEqual(dense.map((_, at) => at + 1));
});

test.each([
  ['no archive', new Uint8Array(30), 'zip'],
  [
    'weights that are missing',
    kerasFile(sequential(2, layer('Dense', { units: 2 })), {}),
    'has no layers/dense/vars/0',
  ],
  [
    'other extents',
    kerasFile(sequential(2, layer('BatchNormalization', {})), {
      ...norm,
      'layers/batch_normalization/vars/2': numbers(2, 1),
    }),
    'has the extents [2, 1]',
  ],
  [
    'weights of nobody',
    kerasFile(sequential(2), { 'layers/dense/vars/0': numbers(2) }),
    'has layers/dense/vars/0, of which',
  ],
  ['a class of a package', kerasFile({ ...layer('Net', {}), registered_name: 'mine>Net' }, {}), 'which is code'],
])('%s is refused by name', async (_, file, message) => {
  await expect(fromKeras(file)).rejects.toThrow(message);
});
