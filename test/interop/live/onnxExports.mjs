// What PyTorch and scikit-learn export gives here what onnxruntime gives, trains on, and goes back to onnxruntime as it is here.

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Relative to the largest output, or 1. */
const NEAR = 1e-4;

/** @param {import('../live.mjs').Live} live */
export async function run({ python, folder, millrace, interop }) {
  await python('onnx_exports.py', 'write', folder);
  const names = (await readdir(folder)).flatMap((file) => (file.endsWith('.onnx') ? file.slice(0, -5) : []));
  let [worst, count] = [0, 0];
  for (const name of names) {
    const told = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
    const { model } = await interop.fromOnnx(await readFile(join(folder, `${name}.onnx`)));
    const [{ dtype, shape, data }] = Object.values(told.inputs);
    const [wanted] = Object.values(told.outputs);
    const x = dtype.startsWith('float') ? Float32Array.from(data) : Int32Array.from(data);
    const target = { data: new Float32Array(wanted.data.length).fill(0.5), shape: wanted.shape.slice(1) };
    const set = millrace.dataset({ x: { data: x, shape: shape.slice(1) }, target });
    const options = { loss: millrace.meanSquaredError, optimizer: millrace.sgd({ learningRate: 1e-3 }) };
    const trainer = await millrace.createTrainer({
      model,
      ...options,
      batchSize: shape[0],
      data: set,
      backend: 'wasm',
    });
    try {
      const { data: first } = await trainer.predict({ x });
      worst = Math.max(worst, requireNear(name, first, wanted.data));
      await trainer.fit(set, { steps: 3 });
      const { data: last } = await trainer.predict({ x });
      await writeFile(join(folder, `${name}.back.onnx`), await interop.toOnnx(trainer));
      const back = { shape, input: Array.from(x), output: Array.from(last) };
      await writeFile(join(folder, `${name}.back.json`), JSON.stringify(back));
    } finally {
      trainer.destroy();
    }
    count++;
  }
  const said = (await python('onnx_exports.py', 'judge', folder)).trim().split('\n');
  const strays = said.map((line) => Number(line.split(' ')[1]));
  const largest = Math.max(...strays);
  if (strays.length !== count || !(largest < NEAR))
    throw new Error(`onnxruntime of what was written: ${said.join(', ')}`);
  return `${count} models read, ${worst.toPrecision(2)} from onnxruntime; trained and written, ${largest.toPrecision(2)}`;
}

/**
 * @param {string} name
 * @param {ArrayLike<number>} given
 * @param {readonly number[]} wanted
 */
function requireNear(name, given, wanted) {
  const scale = Math.max(1, ...wanted.map(Math.abs));
  const stray = Math.max(...wanted.map((number, at) => Math.abs(given[at] - number) / scale));
  if (!(stray < NEAR)) throw new Error(`${name} is ${stray} from what onnxruntime gives`);
  return stray;
}
