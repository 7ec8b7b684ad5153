import { unzipSync, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { readZip, writeZip } from '../../src/interop/zip.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const files = { 'a/b.txt': text('to be '.repeat(40)), ä: Uint8Array.of(1, 2, 3), '': text('no name'), none: text('') };
const read = (bytes: Uint8Array) => Object.fromEntries(readZip('npz', 'f', bytes));

/** Where in an archive a signature stands. */
const placeOf = (bytes: Uint8Array, last: number, next: number): number =>
  bytes.findIndex(
    (byte, at) => byte === 0x50 && bytes[at + 1] === 0x4b && bytes[at + 2] === last && bytes[at + 3] === next,
  );

function changed(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

test.each([0, 1, 9] as const)('an archive of another writer is read, packed at level %s', (level) => {
  expect(read(zipSync(files, { level }))).toEqual(files);
});

test('an archive is read by another reader, and the same files give the same bytes', () => {
  const bytes = writeZip('npz', Object.entries(files));
  expect(unzipSync(bytes)).toEqual(files);
  expect(read(bytes)).toEqual(files);
  expect(writeZip('npz', Object.entries(files))).toEqual(bytes);
  expect(read(writeZip('npz', []))).toEqual({});
});

test('what is stored is not copied', () => {
  const bytes = writeZip('npz', Object.entries(files));
  for (const content of readZip('npz', 'f', bytes).values()) expect(content.buffer).toBe(bytes.buffer);
});

test('a text behind the directory is passed over, and folders are', () => {
  const bytes = writeZip('npz', [
    ['folder/', text('')],
    ['folder/a', text('x')],
  ]);
  const commented = new Uint8Array(bytes.length + 30).fill(0x50);
  commented.set(bytes);
  commented[bytes.length - 2] = 30;
  expect(Object.keys(read(commented))).toEqual(['folder/a']);
});

/** The same archive with its numbers in fields of 64 bits. */
function wide(bytes: Uint8Array): Uint8Array {
  const at = placeOf(bytes, 1, 2);
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  const [packed, size, name] = [
    view.getUint32(at + 20, true),
    view.getUint32(at + 24, true),
    view.getUint16(at + 28, true),
  ];
  const entry = new Uint8Array(46 + name + 28);
  const entryView = new DataView(entry.buffer);
  entry.set(bytes.subarray(at, at + 46 + name));
  entry.set([255, 255, 255, 255, 255, 255, 255, 255], 20);
  entry.set([28, 0], 30);
  entry.set([255, 255, 255, 255], 42);
  entry.set([1, 0, 24, 0], 46 + name);
  entryView.setBigUint64(50 + name, BigInt(size), true);
  entryView.setBigUint64(58 + name, BigInt(packed), true);
  const tail = new Uint8Array(56 + 20);
  const tailView = new DataView(tail.buffer);
  tail.set([0x50, 0x4b, 6, 6]);
  tailView.setBigUint64(32, 1n, true);
  tailView.setBigUint64(40, BigInt(entry.length), true);
  tailView.setBigUint64(48, BigInt(at), true);
  tail.set([0x50, 0x4b, 6, 7], 56);
  tailView.setBigUint64(64, BigInt(at + entry.length), true);
  const last = changed(bytes.subarray(end), 8, ...new Array<number>(12).fill(255));
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), entry, tail, last]));
}

test('numbers of 64 bits are read', () => {
  const packed = zipSync({ a: text('to be '.repeat(40)) });
  expect(read(wide(packed))).toEqual({ a: text('to be '.repeat(40)) });
});

describe('refused is', () => {
  const bytes = writeZip('npz', [
    ['a', text('content')],
    ['b', text('other')],
  ]);
  const entry = placeOf(bytes, 1, 2);
  test.each([
    ['what is no archive', text('<html>'), '[npz] f has no zip directory at its end'],
    ['an archive that is cut', bytes.subarray(0, -1), '[npz] f has no zip directory at its end'],
    ['an archive behind other bytes', new Uint8Array([0, ...bytes]), '[npz] f has no zip directory at its end'],
    ['a directory of other entries', changed(bytes, bytes.length - 14, 3, 0, 3), 'does not say what it holds'],
    ['an archive of several parts', changed(bytes, bytes.length - 14, 1), 'has no zip directory at its end'],
    ['a name twice', changed(bytes, entry + 46 + 1 + 46, 0x61), 'does not say what it holds'],
    [
      'members that overlap',
      changed(bytes, entry + 46 + 1 + 42, 0),
      'has "b" at 0, of 5 bytes, which are not all its own, behind "a"',
    ],
    ['a member without a header', changed(bytes, 0, 0), 'has "a" at 0, of 7 bytes'],
    ['a member beyond the directory', changed(bytes, entry + 20, 255), 'has "a" at 0, of 255 bytes'],
    ['another method', changed(bytes, entry + 10, 14), '"a" of f is packed by method 14'],
    ['what is encrypted', changed(bytes, entry + 8, 1), '"a" of f is encrypted'],
    ['a member of another size', changed(bytes, entry + 24, 8), '"a" of f is not what'],
    ['a member of another sum', changed(bytes, 31, 0x62), '"a" of f is not what'],
    ['a size that fills the memory', changed(bytes, entry + 24, 0, 0, 0, 5), '"a" of f, which has'],
  ])('%s', (_, given, says) => {
    expect(() => read(given)).toThrow(says);
  });

  test('packed bytes that become more or less than is said, or end early', () => {
    const packed = zipSync({ a: text('to be '.repeat(40)) });
    const at = placeOf(packed, 1, 2);
    for (const size of [239, 241]) expect(() => read(changed(packed, at + 24, size))).toThrow('is not what');
    const [length] = packed.subarray(at + 20);
    expect(() => read(changed(packed, at + 20, length - 1))).toThrow('is not what');
  });
});
