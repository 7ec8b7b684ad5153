import { fromHalves } from '../core/halves.ts';
import type { Numbers } from '../core/shape.ts';
import { kindOf } from './numbers.ts';

/*
 * The number types of a safetensors file, and how they become f32: halves and small integers as they are, f64 rounded,
 * larger integers where f32 has them exactly.
 */

/** Numbers as a file has them; halves by their bits. */
export type StoredNumbers = Numbers | Int8Array | Int16Array | Uint16Array | BigInt64Array | BigUint64Array;

interface TensorType {
  /** What holds its numbers. */
  readonly Kind: { new (buffer: ArrayBuffer): StoredNumbers; readonly BYTES_PER_ELEMENT: number };
  /** An integer is exact or nothing: it counts or names something. */
  readonly integer?: true;
}

/** By the names that files give them. Source: huggingface.co/docs/safetensors */
const tensorTypes: Readonly<Record<string, TensorType>> = {
  F32: { Kind: Float32Array },
  F64: { Kind: Float64Array },
  F16: { Kind: Uint16Array },
  BF16: { Kind: Uint16Array },
  I64: { Kind: BigInt64Array, integer: true },
  U64: { Kind: BigUint64Array, integer: true },
  I32: { Kind: Int32Array, integer: true },
  U32: { Kind: Uint32Array, integer: true },
  I16: { Kind: Int16Array, integer: true },
  U16: { Kind: Uint16Array, integer: true },
  I8: { Kind: Int8Array, integer: true },
  U8: { Kind: Uint8Array, integer: true },
  BOOL: { Kind: Uint8Array, integer: true },
};

/** A name of a file's may be one of every object's, as `constructor`. */
const typeOf = (dtype: string): TensorType | undefined =>
  Object.hasOwn(tensorTypes, dtype) ? tensorTypes[dtype] : undefined;

/** Bytes of a number, or undefined for a type that is not known. */
export const bytesOfType = (dtype: string): number | undefined => typeOf(dtype)?.Kind.BYTES_PER_ELEMENT;

/** Whether a type counts or names, rather than measures: no weight is of it. */
export const isInteger = (dtype: string): boolean => typeOf(dtype)?.integer ?? false;

/** Whether a type is an integer of 8 bits: as a weight it is a quantised one, which means nothing without its scale. */
export const isQuantised = (dtype: string): boolean => isInteger(dtype) && bytesOfType(dtype) === 1;

/** The types in which arrays are written; in 64 bits counts, which others keep so. */
const ownTypes: Readonly<Record<string, string>> = {
  Float32Array: 'F32',
  Float64Array: 'F64',
  Int32Array: 'I32',
  BigInt64Array: 'I64',
  Uint32Array: 'U32',
  Uint8Array: 'U8',
};

/** The type of an array's own, or undefined where numbers have none. */
export const ownTypeOf = (numbers: unknown): string | undefined => ownTypes[kindOf(numbers)];

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Turns numbers of a file, which are little-endian, into the machine's, or back, where they lie. */
export function swapped(bytes: Uint8Array, width: number, isNeeded = !isLittleEndian): Uint8Array {
  if (isNeeded) for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return bytes;
}

/** A tensor's numbers as they are in a file; bytes where the type is not known. */
export function storedIn(dtype: string, bytes: Uint8Array): StoredNumbers {
  const { Kind } = typeOf(dtype) ?? tensorTypes['U8'];
  // A copy: others may change what was given, and numbers of a file begin anywhere.
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  swapped(own, Kind.BYTES_PER_ELEMENT);
  return new Kind(own.buffer);
}

/** A tensor's numbers in f32, or why it cannot hold them, as it goes behind the tensor's name. */
export function numbersIn(dtype: string, bytes: Uint8Array): Float32Array | string {
  if (!typeOf(dtype)) return `is ${dtype}, which is not read`;
  const stored = storedIn(dtype, bytes);
  if (stored instanceof Float32Array) return stored;
  if (dtype === 'F16') return fromHalves(stored as Uint16Array);
  if (dtype === 'BF16') return ofBrainHalves(stored as Uint16Array);
  if (stored instanceof BigInt64Array || stored instanceof BigUint64Array) return ofBigIntegers(dtype, stored);
  if (dtype === 'BOOL') for (let at = 0; at < stored.length; at++) if (stored[at] !== 0) stored[at] = 1;
  const numbers = new Float32Array(stored);
  // Of doubles the nearest will do, unless it is infinite and they are not.
  const rounds = stored instanceof Float64Array;
  for (let at = 0; at < numbers.length; at++) {
    if (numbers[at] === stored[at]) continue;
    if (!rounds || (Number.isFinite(stored[at]) && !Number.isFinite(numbers[at]))) return lost(dtype, at, stored[at]);
  }
  return numbers;
}

const lost = (dtype: string, at: number, number: number | bigint): string =>
  `is ${dtype}, and f32 does not have its element ${at}, ${number}`;

/** Each is the upper half of an f32. */
function ofBrainHalves(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let at = 0; at < halves.length; at++) bits[at] = halves[at] << 16;
  return new Float32Array(bits.buffer);
}

const EXACT_IN_F32 = 2 ** 24;

function ofBigIntegers(dtype: string, stored: BigInt64Array | BigUint64Array): Float32Array | string {
  const numbers = new Float32Array(stored.length);
  for (let at = 0; at < numbers.length; at++) {
    numbers[at] = Number(stored[at]);
    // What was rounded was larger.
    if (Math.abs(numbers[at]) >= EXACT_IN_F32 && BigInt(numbers[at]) !== stored[at]) return lost(dtype, at, stored[at]);
  }
  return numbers;
}
