import { refuse } from './refusal.ts';

/** What HDF5 files begin with. */
export const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** Messages of an object's header, by number. */
export const MESSAGES = {
  dataspace: 1,
  datatype: 3,
  fillValue: 5,
  layout: 8,
  filters: 11,
  attribute: 12,
  continuation: 16,
  symbolTable: 17,
} as const;

/** What an address is that stands for nothing. */
export const UNDEFINED = -1;

/** Numbers of a file, each of which lies within it. */
export interface Fields {
  readonly length: number;
  has(at: number, bytes: number): boolean;
  byte(at: number): number;
  short(at: number): number;
  word(at: number): number;
  /** Eight bytes, as far as a number holds them. */
  number(at: number): number;
  /** A number that is a place in the file. */
  place(at: number): number;
  isUndefined(at: number): boolean;
  text(at: number, bytes: number): string;
  slice(at: number, bytes: number): Uint8Array;
}

/** @throws FormatError where a number does not lie in the file */
export function fieldsOf({ buffer, byteOffset, byteLength }: Uint8Array): Fields {
  // Of a Buffer of Node's a slice would be a view.
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const view = new DataView(buffer, byteOffset, byteLength);
  const { length } = bytes;
  const has = (at: number, count: number): boolean => at >= 0 && at + count <= length;
  const within = (at: number, count: number): number => {
    if (has(at, count)) return at;
    refuse(`byte ${at} is asked for, but the file has ${length}`, 'it was cut short, or damaged');
  };
  const number = (at: number): number => Number(view.getBigUint64(within(at, 8), true));
  return {
    length,
    has,
    byte: (at) => view.getUint8(within(at, 1)),
    short: (at) => view.getUint16(within(at, 2), true),
    word: (at) => view.getUint32(within(at, 4), true),
    number,
    place: (at) => within(number(at), 0),
    isUndefined: (at) => view.getBigUint64(within(at, 8), true) === 0xffffffffffffffffn,
    text: (at, count) => new TextDecoder().decode(bytes.subarray(within(at, count), at + count)),
    slice: (at, count) => bytes.slice(within(at, count), at + count),
  };
}
