// NumPy's files: numpy.json holds what NumPy wrote, and what it says is in there (test/interop/python/numpy_files.py).

import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { dataset } from '../../src/data/index.ts';
import { FormatError } from '../../src/index.ts';
import { readNpy, readNpz, writeNpy, writeNpz } from '../../src/interop/index.ts';
import golden from '../goldens/interop/numpy.json' with { type: 'json' };

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const read = Object.entries(golden.read) as unknown as [string, [string, number[], (number | string)[]]][];

const kinds: Readonly<Record<string, Function>> = {
  f2: Float32Array,
  f4: Float32Array,
  f8: Float32Array,
  i1: Int32Array,
  i2: Int32Array,
  i4: Int32Array,
  i8: Int32Array,
  u1: Uint8Array,
  u2: Int32Array,
  u4: Uint32Array,
  u8: Int32Array,
  b1: Uint8Array,
};

test.each(read)('what numpy.save wrote is read: %s', (name, [file, shape, numbers]) => {
  const array = readNpy('x.npy', bytesOf(file));
  expect(array.shape).toEqual(shape);
  const isFloat = array.data instanceof Float32Array;
  expect(Array.from(array.data)).toEqual(numbers.map((one) => (isFloat ? Math.fround(Number(one)) : Number(one))));
  const kind = kinds[name.replace(/^[<>]/, '')];
  if (kind) expect(array.data).toBeInstanceOf(kind);
});

test('integers that only u32 has become u32', () => {
  expect(readNpy('x.npy', bytesOf(golden.read['beyond i32'][0] as string)).data).toBeInstanceOf(Uint32Array);
});

const says: Readonly<Record<keyof typeof golden.refused, string>> = {
  objects: '[npy] x.npy is of the type |O, Python objects, which are pickled: ',
  fields: '[npy] x.npy is of the type [(',
  texts: '[npy] x.npy is of the type <U2, texts: ',
  bytes: '[npy] x.npy is of the type |S2, texts: ',
  dates: '[npy] x.npy is of the type <M8[D], dates or times: ',
  complex: '[npy] x.npy is of the type <c16, complex numbers: ',
  extended: '[npy] x.npy is of the type <f16, numbers of extended precision: ',
  raw: '[npy] x.npy is of the type |V2, raw bytes',
  'beyond f32': '[npy] "x.npy"[0] is 1e+300, but f32 holds',
  'beyond u32': '[npy] "x.npy"[0] is 4294967296, but u32 holds',
  'below and beyond': '[npy] "x.npy"[1] is 2147483648, but i32 holds',
};

test.each(Object.entries(golden.refused))(
  'what has no numbers that are read is refused by its name: %s',
  (name, file) => {
    expect(() => readNpy('x.npy', bytesOf(file))).toThrow(says[name as keyof typeof says]);
  },
);

describe.each(Object.entries(golden.archives))('an archive of numpy.%s', (_, file) => {
  test('is read by name', () => {
    const arrays = readNpz('a.npz', bytesOf(file));
    expect(Object.keys(arrays)).toEqual(['x', 'label ä']);
    expect(Array.from(arrays['x'].data)).toEqual([0, 1, 2, 3, 100, 5]);
    expect(Array.from(arrays['label ä'].data)).toEqual([0, 1, 2, 3, 4]);
  });

  test('is refused wherever it is cut', () => {
    const bytes = bytesOf(file);
    for (let length = 0; length < bytes.length; length += 13) {
      expect(() => readNpz('a.npz', bytes.subarray(0, length))).toThrow(FormatError);
    }
  });
});

test.each([
  ['f32', Float32Array.of(0.1, -2, Infinity)],
  ['f64', Float64Array.of(0.5, -2, 3)],
  ['i32', Int32Array.of(-1, 2, 3)],
  ['u32', Uint32Array.of(1, 2, 2 ** 32 - 1)],
  ['u8', Uint8Array.of(1, 2, 255)],
])('what is written is read again: %s', (_, data) => {
  for (const shape of [[3], [1, 3], [3, 1, 1]]) {
    const bytes = writeNpy({ shape, data });
    const again = readNpy('x.npy', bytes);
    expect(again.shape).toEqual(shape);
    expect(Array.from(again.data)).toEqual(Array.from(data, (one) => one));
    // As NumPy does, so that numbers can be mapped into memory where they lie.
    expect((bytes.length - data.byteLength) % 64).toBe(0);
  }
});

test('a header is as NumPy writes it, byte for byte', () => {
  const [file, shape] = golden.read['<f4'] as unknown as [string, number[]];
  const data = Float32Array.of(0, 1, 2, 3, 100, 5);
  expect(Buffer.from(writeNpy({ shape, data })).toString('base64')).toBe(file);
  const [vector] = golden.read['scalar'] as unknown as [string];
  expect(Buffer.from(writeNpy({ shape: [], data: Float32Array.of(7) })).toString('base64')).toBe(vector);
});

test('an archive that is written is read by others, and here', () => {
  const arrays = {
    x: { shape: [2], data: Float32Array.of(1, 2) },
    'label ä': { shape: [1, 2], data: Int32Array.of(3, 4) },
  };
  const bytes = writeNpz(arrays);
  expect(readNpz('a.npz', bytes)).toEqual(arrays);
  expect(Object.keys(unzipSync(bytes))).toEqual(['x.npy', 'label ä.npy']);
  expect(writeNpz(arrays)).toEqual(bytes);
});

test('a data set is made of arrays', () => {
  const { x, label } = readNpz(
    'a.npz',
    writeNpz({
      x: { shape: [4, 2, 3], data: new Float32Array(24) },
      label: { shape: [4], data: Int32Array.of(0, 1, 2, 0) },
    }),
  );
  const set = dataset({ x: { data: x.data, shape: x.shape.slice(1) }, label: label.data });
  expect(set.length).toBe(4);
  expect(set.fields['label']).toMatchObject({ dtype: 'i32', shape: [] });
});
