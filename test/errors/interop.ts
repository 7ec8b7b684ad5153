import { zipSync } from 'fflate';
import { readNpy, readNpz, writeNpy, writeNpz } from '../../src/interop/index.ts';
import { readZip, writeZip } from '../../src/interop/zip.ts';
import type { Case } from '../support/provoke.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const array = { shape: [2], data: Float32Array.of(1, 2) };
const npy = (changes: Readonly<Record<number, number>> = {}): Uint8Array => Object.assign(writeNpy(array), changes);
/** An array whose header has another text in a place. */
const headed = (from: string, to: string): Uint8Array =>
  new Uint8Array(Buffer.from(Buffer.from(npy()).toString('latin1').replace(from, to), 'latin1'));

/** An archive with other bytes in the directory's only entry. */
const archive = (changes: Readonly<Record<number, number>> = {}): Uint8Array => {
  const bytes = zipSync({ a: text('content') }, { level: 0 });
  const entry = 30 + 1 + 7;
  return Object.assign(
    bytes,
    Object.fromEntries(Object.entries(changes).map(([at, byte]) => [entry + Number(at), byte])),
  );
};

/** What would have more bytes than an archive holds. */
class Large extends Uint8Array {
  override get length(): number {
    return 2 ** 32;
  }
}

const read = (bytes: Uint8Array) => (): unknown => readZip('npz', 'a.npz', bytes);

export const interop: readonly Case[] = [
  ['[npy] <file> does not begin', () => readNpy('x.npy', text('<html>'))],
  ['[npy] <file> is of version', () => readNpy('x.npy', npy({ 6: 9 }))],
  ['[npy] <file> has <n> bytes and announces', () => readNpy('x.npy', npy().subarray(0, 20))],
  ['[npy] <file> has a header', () => readNpy('x.npy', headed('shape', 'shade'))],
  ['[npy] <file> is of the type <type>', () => readNpy('x.npy', headed('<f4', '<c8'))],
  ['[npy] <file> is <type>[<shape>]', () => readNpy('x.npy', npy().subarray(0, -1))],
  ['[npy] an array of', () => writeNpy({ ...array, shape: [3] })],
  ['[npz] <file> is a single array', () => readNpz('x.npz', npy())],
  ['[npz] <file> holds "<member>"', () => readNpz('x.npz', archive())],
  ['[<reader>] <file> has no zip directory', () => readNpz('x.npz', writeNpz({ array }).subarray(0, -1))],
  ['[<reader>] <file> has a zip directory', read(archive({ 0: 0 }))],
  ['[<reader>] <file> has "<member>" at', read(archive({ 42: 1 }))],
  ['[<reader>] "<member>" of <file> is encrypted', read(archive({ 8: 1 }))],
  ['[<reader>] "<member>" of <file> is packed', read(archive({ 10: 14 }))],
  ['[<reader>] "<member>" of <file>, which', read(archive({ 27: 5 }))],
  ['[<reader>] "<member>" of <file> is not what', read(archive({ 16: 1 }))],
  ['[<writer>] the archive would have', () => writeZip('npz', [['a', new Large(1)]])],
];
