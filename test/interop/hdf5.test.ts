// HDF5 in its plain form: what is written here, another reader reads, and what is damaged is told.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as jsfive from 'jsfive';
import { expect, test } from 'vitest';
import { readHdf5 } from '../../src/interop/hdf5/readHdf5.ts';
import { writeHdf5 } from '../../src/interop/hdf5/writeHdf5.ts';
import { readZip } from '../../src/interop/zip.ts';
import { numbers } from '../support/kerasFile.ts';

/** More members than a leaf of a tree holds, more leaves than a small tree, and names that are no order of numbers. */
const arrays = {
  ...Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [`layers/dense_${at}/vars/0`, numbers(2, 1 + (at % 3))]),
  ),
  scalar: numbers(),
  nothing: { shape: [0, 3], data: new Float32Array(0) },
};
const file = writeHdf5(arrays);

test('what is written is read again', () => {
  const read = readHdf5(file);
  expect([...read.keys()].toSorted()).toEqual(Object.keys(arrays).toSorted());
  for (const [path, { shape, data }] of Object.entries(arrays)) {
    const own = read.get(path)!;
    expect(own.shape).toEqual(shape);
    expect(own.numbers()).toEqual(data);
  }
});

test('jsfive reads what is written here', () => {
  const other = new jsfive.File(file.slice().buffer, 'x.h5');
  for (const [path, { shape, data }] of Object.entries(arrays)) {
    if (data.length === 0) continue;
    const own = other.get(path);
    expect(own.shape).toEqual(shape);
    expect(Array.from(own.value)).toEqual(Array.from(data));
  }
});

test("Keras' own weights are those that jsfive reads", () => {
  const path = fileURLToPath(new URL('../goldens/interop/keras/branches.keras', import.meta.url));
  const bytes = readZip('test', 'branches', readFileSync(path)).get('model.weights.h5')!;
  const other = new jsfive.File(new Uint8Array(bytes).buffer, 'x.h5');
  const read = readHdf5(bytes);
  expect(read.size).toBeGreaterThan(5);
  for (const [at, own] of read) {
    expect(Array.from(own.numbers())).toEqual(Array.from(other.get(at).value));
  }
});

const changed = (...bytes: readonly (readonly [at: number, byte: number])[]): Uint8Array => {
  const copy = file.slice();
  for (const [at, byte] of bytes) copy[at] = byte;
  return copy;
};

test.each([
  ['another kind of file', new Uint8Array(100), 'does not begin as HDF5 does'],
  ['a newer superblock', changed([8, 2]), 'superblock 2'],
  ['a file that was cut', file.slice(0, -40), 'the file has'],
  ['a root that is no group', changed([65, 1]), 'header of version'],
])('%s is refused by name', (_, bytes, message) => {
  expect(() => readHdf5(bytes)).toThrow(message);
});
