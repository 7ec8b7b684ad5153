// What toOnnx writes is taken by ONNX' checker and by onnxruntime, which gives the same outputs, for any number of samples.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const OPSETS = Array.from({ length: 11 }, (_, at) => 13 + at);
const BATCHES = [1, 3, 7];

/** @param {import('../live.mjs').Live} live */
export async function run({ python, folder, load, interop }) {
  /** @type {typeof import('../writtenModels.ts')} */
  const { computed, drawn, withDrawnWeights, writtenModels } = await load('/test/interop/writtenModels.ts');
  const models = Object.entries(writtenModels());
  for (const [name, written] of models) {
    const { samples, fields, tolerance = 1e-4 } = written;
    const own = await withDrawnWeights(written);
    const forward = await own.forward();
    /** @type {Record<string, import('../../../src/interop/index.ts').NumpyInput>} */
    const arrays = { tolerance: { shape: [], data: [tolerance] } };
    for (const count of samples === undefined ? BATCHES : [samples]) {
      const batch = drawn(written, count, count);
      for (const [field, data] of Object.entries(batch)) {
        arrays[`${count}/in/${field}`] = { shape: [count, ...fields[field].shape], data };
      }
      for (const { name: output, shape, numbers } of computed(forward, count, batch)) {
        arrays[`${count}/out/${output in fields ? `${output} out` : output}`] = { shape, data: numbers };
      }
    }
    await writeFile(join(folder, `${name}.npz`), interop.writeNpz(arrays));
    for (const opset of OPSETS) {
      const bytes = await interop.toOnnx(own, { opset, ...(samples !== undefined && { samples }) });
      await writeFile(join(folder, `${name}.${opset}.onnx`), bytes);
    }
  }
  return python('onnx_out.py', folder);
}
