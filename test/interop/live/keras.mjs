// What toKeras writes, Keras opens, and gives the same outputs; its get_weights() are listed here as they are there. And a model of Keras' comes in, is trained here as it is there,
// by ten steps of Adam on the same batches, and goes out again.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const SAMPLES = 3;
const TOLERANCE = 1e-4;
/** An index below 0, of numbers that are drawn, is another row in Keras. */
const OTHERWISE = ['gatherComputed'];

/** @param {import('../live.mjs').Live} live */
export async function run({ python, folder, load, interop, millrace, data }) {
  /** @type {typeof import('../writtenModels.ts')} */
  const { computed, drawn, withDrawnWeights, writtenModels } = await load('/test/interop/writtenModels.ts');
  /** @type {typeof import('../../../src/interop/keras/weightList.ts')} */
  const { layersListed } = await load('/src/interop/keras/weightList.ts');
  /** @type {typeof import('../../../src/interop/keras/listedWeights.ts')} */
  const { listed } = await load('/src/interop/keras/listedWeights.ts');
  const sequence = { x: { shape: [6, 3] } };
  /** @type {[string, import('../writtenModels.ts').WrittenModel][]} */
  const models = Object.entries({
    ...writtenModels(),
    bidirectional: {
      model: /** @type {never} */ (millrace.lstm(3, 5, { bidirectional: true, layers: 2 })),
      fields: sequence,
    },
    ends: {
      model: /** @type {never} */ (millrace.gru(3, 5, { bidirectional: true, returns: 'last' })),
      fields: sequence,
    },
  });
  let written = 0;
  for (const [name, given] of models) {
    if (OTHERWISE.includes(name)) continue;
    const own = await withDrawnWeights(given);
    const bytes = await interop.toKeras(own).catch((error) => {
      // What is not written is told, and by test/interop/toKeras.test.ts which that is.
      if (error instanceof Error && error.name === 'FormatError') return undefined;
      throw error;
    });
    if (!bytes) continue;
    written++;
    const batch = drawn(given, SAMPLES);
    /** @type {Record<string, import('../../../src/interop/index.ts').NumpyInput>} */
    const arrays = {};
    for (const [field, numbers] of Object.entries(batch)) {
      arrays[`in/${field}`] = { shape: [SAMPLES, ...given.fields[field].shape], data: numbers };
    }
    const forward = await own.forward();
    for (const { name: output, shape, numbers } of computed(forward, SAMPLES, batch)) {
      arrays[`out/${output}`] = { shape, data: numbers };
    }
    const layers = await layersListed('live', forward).catch((error) => {
      // What learns where Keras has a constant has no list.
      if (error instanceof Error && error.name === 'FormatError') return [];
      throw error;
    });
    const list = layers.flatMap(({ weights }) => weights);
    for (const [at, tensor] of listed(list, forward.tensors).entries()) arrays[`list/${at}`] = tensor;
    await writeFile(join(folder, `${name}.keras`), bytes);
    await writeFile(join(folder, `${name}.npz`), interop.writeNpz(arrays));
  }
  const opened = await python('keras_models.py', 'open', folder);
  const trained = await trainsAlike({ python, folder, interop, millrace, data });
  return `${written} models of ours: ${opened.trim()}; ${trained}`;
}

/** @param {Pick<import('../live.mjs').Live, 'python' | 'folder' | 'interop' | 'millrace' | 'data'>} live */
async function trainsAlike({ python, folder, interop, millrace, data }) {
  await python('keras_models.py', 'train', folder);
  const told = interop.readNpz('batches.npz', await readFile(join(folder, 'train/batches.npz')));
  const file = await readFile(join(folder, 'train/before.keras'));
  const { model } = await interop.fromKeras(file);
  const [count, ...shape] = told['x'].shape;
  const fields = {
    x: { data: /** @type {Float32Array} */ (told['x'].data), shape },
    target: { data: /** @type {Float32Array} */ (told['y'].data), shape: told['y'].shape.slice(1) },
  };
  const set = data.dataset(fields);
  const batchSize = count / 10;
  const trainer = await millrace.createTrainer({
    model,
    data: set,
    targets: 'target',
    batchSize,
    backend: 'cpu',
    loss: millrace.meanSquaredError,
    optimizer: millrace.adam({ learningRate: 0.01, epsilon: 1e-7 }),
  });
  for (let step = 0; step < 10; step++) await trainer.step(data.take(set, step * batchSize, (step + 1) * batchSize));
  const asked = data.take(set, 0, batchSize);
  const { data: ours } = await trainer.predict(asked);
  const theirs = told['after'].data;
  const far = Math.max(...Array.from(ours, (value, at) => Math.abs(value - theirs[at])));
  assert.ok(far < TOLERANCE, `after ten steps outputs differ by ${far}`);
  await writeFile(join(folder, 'train/back.keras'), await interop.toKeras(trainer));
  await writeFile(join(folder, 'train/back.npy'), interop.writeNpy({ shape: told['after'].shape, data: ours }));
  const back = await python('keras_models.py', 'back', folder);
  trainer.destroy();
  return `ten steps of Adam here and there ${far.toPrecision(2)} apart, and back there ${back.trim()}`;
}
