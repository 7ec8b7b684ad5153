import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DataError, FormatError } from '../../src/core/errors.ts';
import { mnist, readIdx, type Source } from '../../src/data/index.ts';

/** An IDX file of bytes: its header, then 0, 1, 2, … */
function idx(shape: readonly number[], data = counting(shape)): Uint8Array {
  const file = new Uint8Array(4 + 4 * shape.length + data.length);
  file.set([0, 0, 8, shape.length]);
  const view = new DataView(file.buffer);
  shape.forEach((extent, axis) => view.setUint32(4 + 4 * axis, extent));
  file.set(data, 4 + 4 * shape.length);
  return file;
}

function counting(shape: readonly number[]): Uint8Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Uint8Array.from({ length: size }, (_, at) => at);
}

/** Bytes in the middle of a larger buffer, as a file reader may hand them out. */
function inLargerBuffer(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 16).fill(99);
  buffer.set(bytes, 5);
  return buffer.subarray(5, 5 + bytes.length);
}

describe('an IDX file is read', () => {
  test.each([[[5]], [[2, 3]], [[2, 3, 4]], [[2, 1, 3, 2]]])('with the axes %j', async (shape) => {
    expect(await readIdx('file', idx(shape))).toEqual({ shape, data: counting(shape) });
  });
  test('gzipped', async () => {
    expect(await readIdx('file.gz', gzipSync(idx([2, 3])))).toEqual({ shape: [2, 3], data: counting([2, 3]) });
  });
  test('from the middle of a larger buffer', async () => {
    const file = inLargerBuffer(idx([2, 3]));
    expect(await readIdx('file', file)).toEqual({ shape: [2, 3], data: counting([2, 3]) });
  });
  test('with more rows than a byte counts', async () => {
    expect((await readIdx('file', idx([70_000]))).shape).toEqual([70_000]);
  });
});

const whole = idx([2, 3]);
const packed = new Uint8Array(gzipSync(whole));
const flipped = packed.map((byte, at) => (at === packed.length - 12 ? byte ^ 0xff : byte));
const withBytes = (at: number, ...bytes: number[]): Uint8Array => {
  const file = whole.slice();
  file.set(bytes, at);
  return file;
};

const broken: readonly (readonly [string, Uint8Array, string])[] = [
  ['that is empty', new Uint8Array(0), 'has 0 bytes, too few for a header'],
  ['that is shorter than any header', whole.slice(0, 3), 'has 3 bytes, too few for a header'],
  ['that ends inside its header', whole.slice(0, 9), 'ends inside its header'],
  ['that is cut short', whole.slice(0, -1), 'announces [2, 3], 6 bytes, but holds 5'],
  ['that goes on after its end', Uint8Array.of(...whole, 0), 'announces [2, 3], 6 bytes, but holds 7'],
  ['whose count is wrong', withBytes(7, 3), 'announces [3, 3], 9 bytes, but holds 6'],
  ['that begins otherwise', withBytes(0, 0x50, 0x4b), 'begins with 50 4b 08 02, but an IDX file of bytes begins with'],
  ['of floats', withBytes(2, 0x0d), 'begins with 00 00 0d 02'],
  ['without axes', withBytes(3, 0), 'begins with 00 00 08 00'],
  ['of five axes', withBytes(3, 5), 'begins with 00 00 08 05'],
  ['whose gzip stream is cut short', packed.slice(0, -9), 'the gzip stream is broken or cut short'],
  ['whose gzip stream has a wrong bit', flipped, 'the gzip stream is broken or cut short'],
  ['that is only the start of a gzip stream', packed.slice(0, 2), 'the gzip stream is broken or cut short'],
  ['that is gzipped and then cut short', gzipSync(whole.slice(0, -2)), 'announces [2, 3], 6 bytes, but holds 4'],
];

describe('readIdx refuses a file', () => {
  test.each(broken)('%s, and says so', async (_, file, message) => {
    await expect(readIdx('some-file', file)).rejects.toThrow(message);
  });
  test.each(broken)('%s, and names it', async (_, file) => {
    await expect(readIdx('some-file', file)).rejects.toThrow('[idx] some-file');
  });
  test.each(broken)('%s by a FormatError', async (_, file) => {
    await expect(readIdx('some-file', file)).rejects.toBeInstanceOf(FormatError);
  });
});

const good: Readonly<Record<string, Uint8Array>> = {
  'train-images-idx3-ubyte': idx([3, 2, 4]),
  'train-labels-idx1-ubyte': idx([3], Uint8Array.of(0, 9, 4)),
  't10k-images-idx3-ubyte': idx([2, 2, 4]),
  't10k-labels-idx1-ubyte': idx([2], Uint8Array.of(7, 1)),
};

/** The good files, with some replaced, or null where one is missing. */
const sourceOf =
  (replaced: Readonly<Record<string, Uint8Array | null>> = {}): Source =>
  async (file) =>
    ({ ...good, ...replaced })[file] ?? null;

describe('mnist reads', () => {
  test('images with their labels', async () => {
    const { image, label } = (await mnist(sourceOf())).train.fields;
    expect([image.shape, image.data, label.data]).toEqual([[2, 4], counting([3, 2, 4]), Uint8Array.of(0, 9, 4)]);
  });
  test('both halves', async () => {
    const { train, test: testSet } = await mnist(sourceOf());
    expect([train.length, testSet.length]).toEqual([3, 2]);
  });
  test('gzipped files by their names', async () => {
    const source: Source = async (file) => (file.endsWith('.gz') ? gzipSync(good[file.slice(0, -3)]) : null);
    expect((await mnist(source)).test.fields['label'].data).toEqual(Uint8Array.of(7, 1));
  });
  test('files with a dot in their names', async () => {
    const source: Source = async (file) => good[file.replace('.idx', '-idx')] ?? null;
    const dotted: Source = async (file) => (file.includes('.idx') ? source(file) : null);
    expect((await mnist(dotted)).train.length).toBe(3);
  });
});

describe('mnist refuses, and names the file:', () => {
  const rejects = (replaced: Readonly<Record<string, Uint8Array | null>>, message: string): Promise<void> =>
    expect(mnist(sourceOf(replaced))).rejects.toThrow(message);

  test('a file that is missing', () =>
    rejects(
      { 't10k-labels-idx1-ubyte': null },
      '[mnist] there is no t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz',
    ));
  test('a file that is broken', () =>
    rejects({ 't10k-images-idx3-ubyte': whole.slice(0, 6) }, '[idx] t10k-images-idx3-ubyte'));
  test('more labels than images', () =>
    rejects(
      { 'train-labels-idx1-ubyte': idx([4]) },
      '[mnist] train-images-idx3-ubyte holds 3 images but train-labels-idx1-ubyte holds [4] labels',
    ));
  test('images in place of labels', () =>
    rejects({ 'train-labels-idx1-ubyte': idx([3, 2, 4]) }, 'train-labels-idx1-ubyte holds [3, 2, 4] labels'));
  test('labels in place of images', () =>
    rejects({ 'train-images-idx3-ubyte': idx([3]) }, '[mnist] train-images-idx3-ubyte holds [3], not images'));
  test('a label beyond 9', () =>
    rejects(
      { 't10k-labels-idx1-ubyte': idx([2], Uint8Array.of(7, 10)) },
      '[mnist] t10k-labels-idx1-ubyte: label 1 is 10',
    ));
  test('a label beyond 9, by a DataError', async () => {
    const source = sourceOf({ 't10k-labels-idx1-ubyte': idx([2], Uint8Array.of(7, 10)) });
    await expect(mnist(source)).rejects.toBeInstanceOf(DataError);
  });
});

test.each([
  ['a file that is missing', { 't10k-labels-idx1-ubyte': null }, 'four files are needed'],
  ['more labels than images', { 'train-labels-idx1-ubyte': idx([4]) }, 'take both from one set'],
  ['labels in place of images', { 'train-images-idx3-ubyte': idx([3]) }, 'give the file of images'],
  ['a label beyond 9', { 't10k-labels-idx1-ubyte': idx([2], Uint8Array.of(7, 10)) }, 'get the file again'],
])('mnist says what to do about %s', async (_, replaced, remedy) => {
  await expect(mnist(sourceOf(replaced))).rejects.toThrow(remedy);
});

test('mnist refuses a set without images, and names the file', async () => {
  const source = sourceOf({ 't10k-images-idx3-ubyte': idx([0, 2, 4]), 't10k-labels-idx1-ubyte': idx([0]) });
  await expect(mnist(source)).rejects.toThrow('[mnist] t10k-images-idx3-ubyte holds no image');
});
