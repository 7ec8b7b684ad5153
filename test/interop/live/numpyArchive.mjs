// What is written for NumPy, and what NumPy writes.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @param {import('../live.mjs').Live} live */
export async function run({ python, folder, interop }) {
  const arrays = {
    f32: { shape: [2, 3], data: Float32Array.of(0.1, -2, 3, 1e-30, 5, 6) },
    i32: { shape: [3], data: Int32Array.of(-1, 2, 3) },
    u32: { shape: [], data: Uint32Array.of(2 ** 32 - 1) },
    u8: { shape: [1, 2], data: Uint8Array.of(7, 255) },
    none: { shape: [0, 3], data: new Float32Array(0) },
  };
  const [own, theirs] = [join(folder, 'own.npz'), join(folder, 'theirs.npz')];
  await writeFile(own, interop.writeNpz(arrays));
  const told = JSON.parse(await python('numpy_archive.py', own, theirs));
  const dtypes = { f32: 'float32', i32: 'int32', u32: 'uint32', u8: 'uint8', none: 'float32' };
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    assert.deepEqual(told[name], [dtypes[/** @type {keyof typeof dtypes} */ (name)], shape, Array.from(data)], name);
  }
  const read = interop.readNpz('theirs.npz', await readFile(theirs));
  assert.deepEqual(Object.keys(read), ['halves', 'columns', 'big', 'sums']);
  assert.deepEqual(read['big'], { shape: [2, 3], data: Int32Array.of(0, 1, 2, 3, 4, 5) });
  assert.deepEqual(read['columns'].shape, [2, 3, 5]);
  return 'arrays of five types are the same numbers there, and four of theirs here';
}
