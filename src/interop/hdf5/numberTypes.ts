import { fromHalves } from '../../core/halves.ts';
import type { Fields } from './fields.ts';

/** A kind of numbers. */
export interface NumberType {
  readonly kind: 'float' | 'signed' | 'unsigned';
  readonly bytes: number;
  readonly isBigEndian: boolean;
}

const FIXED = 0;
const FLOAT = 1;
const SIGNED_BIT = 8;
/** Bits of the exponent of IEEE 754's formats, by bytes. */
const exponents: Readonly<Record<number, number>> = { 2: 5, 4: 8, 8: 11 };

/** What a datatype message says; of what is no such number, in words. */
export function typeIn(fields: Fields, at: number): NumberType | string {
  const [kind, bits, bytes] = [fields.byte(at) & 15, fields.byte(at + 1), fields.word(at + 4)];
  const isBigEndian = (bits & 1) === 1;
  if (kind === FIXED && [1, 2, 4, 8].includes(bytes)) {
    return { kind: (bits & SIGNED_BIT) !== 0 ? 'signed' : 'unsigned', bytes, isBigEndian };
  }
  if (kind === FLOAT && exponents[bytes] === fields.byte(at + 13)) return { kind: 'float', bytes, isBigEndian };
  return kind === FLOAT
    ? `of floats of ${bytes} bytes with an exponent of ${fields.byte(at + 13)} bits`
    : `of datatype class ${kind}`;
}

/** Numbers as f32. */
export function numbersIn(
  bytes: Uint8Array,
  { kind, bytes: width, isBigEndian }: NumberType,
  count: number,
): Float32Array {
  if (kind === 'float' && width === 4 && !isBigEndian) return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = !isBigEndian;
  const at = (i: number): number => i * width;
  if (kind === 'float' && width === 2) {
    return fromHalves(Uint16Array.from({ length: count }, (_, i) => view.getUint16(at(i), little)));
  }
  const readers: Readonly<Record<string, (i: number) => number>> = {
    float4: (i) => view.getFloat32(at(i), little),
    float8: (i) => view.getFloat64(at(i), little),
    signed1: (i) => view.getInt8(at(i)),
    signed2: (i) => view.getInt16(at(i), little),
    signed4: (i) => view.getInt32(at(i), little),
    signed8: (i) => Number(view.getBigInt64(at(i), little)),
    unsigned1: (i) => view.getUint8(at(i)),
    unsigned2: (i) => view.getUint16(at(i), little),
    unsigned4: (i) => view.getUint32(at(i), little),
    unsigned8: (i) => Number(view.getBigUint64(at(i), little)),
  };
  const read = readers[`${kind}${width}`];
  return Float32Array.from({ length: count }, (_, i) => read(i));
}
