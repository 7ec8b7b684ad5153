import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { FormatError, ShapeError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { fromHalves } from '../../core/halves.ts';
import { sizeOf, type Numbers, type Shape } from '../../core/shape.ts';
import { bytesOf } from '../../data/bytes.ts';
import { isNumbers, numbersIn, type GivenNumbers } from '../../data/numbers.ts';
import { isCounts } from '../../data/safetensorsHeader.ts';
import { bytesOfType, ownTypeOf, storedIn, swapped, type StoredNumbers } from '../../data/tensorTypes.ts';
import { permuted } from '../permuted.ts';
import { MAGIC, readNpyHeader } from './npyHeader.ts';

/** An array of NumPy's, its numbers row by row. */
export interface NumpyArray {
  readonly shape: Shape;
  /**
   * Floats and doubles as f32, integers of up to 32 bits and truths as i32, u32 or u8, those of 64 bits as i32, or u32
   * where only that holds them.
   */
  readonly data: Float32Array | Int32Array | Uint32Array | Uint8Array;
}

/** Numbers to be written, and their shape. */
export interface NumpyInput {
  readonly shape: Shape;
  readonly data: GivenNumbers;
}

/** NumPy's types that are read, as safetensors files call them. Source: numpy.org, array interface */
const types: Readonly<Record<string, string>> = {
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  b1: 'BOOL',
};

/** What others are, and what to do about them. */
const others: readonly (readonly [begins: RegExp, what: string])[] = [
  [/^\|?O/, 'Python objects, which are pickled: a program, not numbers; save an array of numbers'],
  [/^\[/, 'records of several fields: save each field by itself, as array["x"]'],
  [/^.[SUT]/, 'texts: save numbers that stand for them, as np.unique(texts, return_inverse=True) gives'],
  [/^.[Mm]/, 'dates or times: save numbers, as array.astype("int64") gives'],
  [/^.c/, 'complex numbers: save array.real and array.imag'],
  [/^.f(?:12|16)/, 'numbers of extended precision: save array.astype("float64")'],
  [/^.V/, 'raw bytes, as of a type that NumPy does not have: save array.astype("float32")'],
];

/**
 * Reads a `.npy` file, as `numpy.save` writes it: halves, floats, doubles, integers and truths, either end first, row by row
 * or column by column. Samples lie one behind the other, so `shape.slice(1)` is what `dataset` takes for a field's shape.
 * @param name the file's, for messages   @param content its bytes
 * @throws FormatError for another file or type, as of pickled objects, or one that was cut; DataError for a number that is
 * too large
 */
export function readNpy(name: string, content: Uint8Array | ArrayBuffer): NumpyArray {
  const bytes = bytesOf('npy', name, content);
  const { dtype, fortran, shape, begin } = readNpyHeader(name, bytes);
  const type = typeOf(name, dtype);
  const numbers = bytes.subarray(begin);
  const wanted = sizeOf(shape) * bytesOfType(type)!;
  if (numbers.length !== wanted) {
    throw new FormatError(
      `[npy] ${name} is ${dtype}[${shape.join(', ')}], ${wanted} bytes of numbers, but has ${numbers.length}: it was cut short, or holds several arrays; save it anew`,
    );
  }
  const data = numbersIn('npy', name, exact(type, numbers, dtype.startsWith('>'))) as NumpyArray['data'];
  if (!fortran) return { shape, data };
  // Column by column is row by row of the array whose axes are turned round.
  const axes = shape.map((_, axis) => shape.length - 1 - axis);
  return permuted({ shape: shape.toReversed(), data }, axes);
}

/** The type of an array's numbers, as safetensors files call it. */
function typeOf(name: string, dtype: string): string {
  const [, kind = ''] = /^[<>|=](.*)$/.exec(dtype) ?? [];
  if (Object.hasOwn(types, kind)) return types[kind];
  const what = others.find(([begins]) => begins.test(dtype))?.[1] ?? 'which is not known: save floats or integers';
  throw new FormatError(`[npy] ${name} is of the type ${dtype.slice(0, 40)}, ${what}`);
}

/** A file's numbers, each as it is there. */
function exact(type: string, bytes: Uint8Array, bigEndian: boolean): StoredNumbers {
  const stored = storedIn(type, bigEndian ? swapped(bytes.slice(), bytesOfType(type)!, true) : bytes);
  if (type === 'F16') return fromHalves(stored as Uint16Array);
  return type === 'BOOL' ? (stored as Uint8Array).map((truth) => Number(truth !== 0)) : stored;
}

/** The header, and what is in front of it, end at a multiple. */
const ALIGNED = 64;
/** Of the types in which arrays are written. */
const names: Readonly<Record<string, string>> = {
  F32: '<f4',
  F64: '<f8',
  I32: '<i4',
  I64: '<i8',
  U32: '<u4',
  U8: '|u1',
};

/**
 * The bytes of a `.npy` file, for `numpy.load`: f4, f8, i4, u4 or u1, as the array is; numbers of another kind become f4, i4
 * or u1, as in `dataset`.
 * @throws ShapeError if the numbers are not as many as the shape says; DataError for what is no array
 */
export function writeNpy(array: NumpyInput): Bytes {
  const none = { shape: undefined, data: undefined };
  const { shape, data: given } = optionsOf<NumpyInput, typeof none>('npy', array, none);
  requireKind('npy', 'shape', shape, isCounts(shape), 'the extents of all axes, as [8, 3]');
  requireKind('npy', 'data', given, isNumbers(given), 'a typed array');
  const data = ownTypeOf(given) ? (given as Numbers) : numbersIn('npy', 'data', given);
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(
      `[npy] an array of [${shape.join(', ')}] has ${sizeOf(shape)} numbers, but ${data.length} came: give as many as its shape says`,
    );
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${names[ownTypeOf(data)!]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const front = MAGIC.length + 4;
  const begin = Math.ceil((front + text.length + 1) / ALIGNED) * ALIGNED;
  const bytes = new Uint8Array(begin + data.byteLength).fill(0x20, front, begin);
  bytes.set(MAGIC);
  // Version 1.0, and the length of what follows it.
  bytes.set([1, 0, (begin - front) & 255, (begin - front) >> 8], MAGIC.length);
  bytes.set(new TextEncoder().encode(text), front);
  bytes[begin - 1] = 0x0a;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), begin);
  swapped(bytes.subarray(begin), data.BYTES_PER_ELEMENT);
  return bytes;
}
