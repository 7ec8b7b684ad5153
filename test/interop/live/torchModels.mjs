// PyTorch's models, taken over, trained on here, and given back: an MLP, LeNet, recurrent nets, transformers, norms.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const SCALE = 4;
/** Outputs are of the size of one; the rest is f32's. */
const TOLERANCE = 1e-4;

/** @param {import('../live.mjs').Live} live */
export async function run({ python, folder, root, load, millrace, data, interop }) {
  const script = join(root, 'test/interop/python/torch_models.py');
  await python(script, 'write', folder, String(SCALE));
  const { twins } = await load('/test/interop/torchModels.ts');
  /** @type {(a: ArrayLike<number>, b: ArrayLike<number>) => number} */
  const apart = (a, b) =>
    Array.from(a, (one, at) => Math.abs(one - b[at])).reduce((most, one) => Math.max(most, one), 0);
  /** @type {Record<string, number>} */
  const read = {};
  for (const [name, { model, options = {} }] of Object.entries(twins(SCALE))) {
    const { x, y } = interop.readNpz(`${name}.npz`, await readFile(join(folder, `${name}.npz`)));
    const target = { data: y.data.map(Math.cos), shape: y.shape.slice(1) };
    const set = data.dataset({ x: { data: x.data, shape: x.shape.slice(1) }, target });
    const trainer = await millrace.createTrainer({
      model,
      loss: millrace.meanSquaredError,
      optimizer: millrace.adam({ learningRate: 0.01 }),
      batchSize: set.length,
      data: set,
      backend: 'cpu',
    });
    const bytes = await readFile(join(folder, `${name}.safetensors`));
    await trainer.loadWeights((await interop.fromTorch(trainer, bytes, options)).weights);
    read[name] = apart((await trainer.predict(set)).data, y.data);
    assert.ok(read[name] < TOLERANCE, `${name} differs by ${read[name]} as it was read`);
    const { loss } = await trainer.evaluate(set);
    const report = await trainer.fit(set, { steps: 10 });
    assert.ok(report.loss < loss, `${name} did not learn: ${loss} became ${report.loss}`);
    const { names = {} } = options;
    await writeFile(join(folder, `${name}.own.safetensors`), await interop.toTorch(trainer, { names }));
    const own = /** @type {Float32Array} */ ((await trainer.predict(set)).data);
    await writeFile(join(folder, `${name}.own.npy`), interop.writeNpy({ shape: y.shape, data: own }));
    trainer.destroy();
  }
  /** @type {Record<string, number>} */
  const written = JSON.parse(await python(script, 'check', folder, String(SCALE)));
  assert.deepEqual(Object.keys(written).toSorted(), Object.keys(read).toSorted());
  for (const [name, difference] of Object.entries(written)) {
    assert.ok(difference < TOLERANCE, `${name} differs by ${difference} as it was written`);
  }
  /** @param {Record<string, number>} all */
  const worst = (all) => Math.max(...Object.values(all)).toExponential(1);
  return `${Object.keys(read).length} models of PyTorch's give the same here, to ${worst(read)}, and trained on and given back, to ${worst(written)}`;
}
