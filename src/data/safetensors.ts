import { FormatError, ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import type { Bytes } from '../core/globalTypes.ts';
import { sizeOf, type Numbers, type Shape } from '../core/shape.ts';
import { bytesOf } from './bytes.ts';
import { isNumbers, numbersIn as numbersFor } from './numbers.ts';
import { isCounts, isRecord, LENGTH_BYTES, METADATA, readHeader, type Entry } from './safetensorsHeader.ts';
import { bytesOfType, numbersIn, ownTypeOf, storedIn, swapped, type StoredNumbers } from './tensorTypes.ts';

/*
 * safetensors: eight bytes with the header's length, little-endian; the header, JSON that gives each tensor's dtype,
 * shape and bytes, and texts under __metadata__; then the numbers, little-endian and row by row.
 * Source: huggingface.co/docs/safetensors
 */

/** Numbers and their shape. */
export interface Tensor<N extends Numbers | BigInt64Array = Float32Array> {
  readonly shape: Shape;
  readonly data: N;
}

/** What a safetensors file holds: tensors by name, and texts beside them. */
export interface Safetensors<N extends Numbers | BigInt64Array = Float32Array> {
  readonly tensors: Readonly<Record<string, Tensor<N>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a file has, with what became of tensors that are not f32. */
export interface SafetensorsFile extends Safetensors {
  /** The types that tensors have in the file, where it is not F32; left out if it is everywhere. */
  readonly converted?: Readonly<Record<string, string>>;
  /** Tensors that are not among those read, and why; left out if all are. */
  readonly unread?: Readonly<Record<string, Unread>>;
}

/** A tensor of a file that is not read, and why. */
export interface Unread {
  /** In the file. */
  readonly dtype: string;
  /** As it goes behind the tensor's name. */
  readonly reason: string;
}

/**
 * The bytes of a file. Numbers have the type of their array: F32, F64, I32, I64, U32 or U8; those in another one become F32.
 * @throws ShapeError if a tensor's numbers are not as many as its shape says; DataError for what is no tensor, or no text
 */
export function writeSafetensors(given: Safetensors<Numbers | BigInt64Array>): Bytes {
  const { tensors, metadata } = optionsOf('safetensors', given, { tensors: undefined, metadata: {} });
  requireKind('safetensors', 'tensors', tensors, isRecord(tensors), 'tensors by name: { weight: { shape, data } }');
  for (const [name, text] of Object.entries(metadata)) {
    requireKind('safetensors', `metadata.${name}`, text, typeof text === 'string', 'a text');
  }
  const written = Object.entries(tensors).map(([name, tensor]) => writtenOf(name, tensor));
  return fileOf(written, metadata, (place, { data, dtype }) => {
    place.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    swapped(place, bytesOfType(dtype)!);
  });
}

/** A tensor of a file that is to be. */
interface ToWrite {
  readonly name: string;
  readonly dtype: string;
  readonly shape: Shape;
  readonly data: { readonly byteLength: number };
}

/** A file of some tensors. @param put fills a tensor's place, as files have it */
function fileOf<T extends ToWrite>(
  written: readonly T[],
  metadata: Readonly<Record<string, string>>,
  put: (place: Uint8Array, tensor: T) => void,
): Bytes {
  // The widest first, so that each begins at a multiple of its numbers' bytes.
  let end = 0;
  const places = new Map<T, number>();
  const widthOf = ({ dtype }: T): number => bytesOfType(dtype) ?? 1;
  for (const one of written.toSorted((a, b) => widthOf(b) - widthOf(a))) {
    places.set(one, end);
    end += one.data.byteLength;
  }
  const entries = written.map((one) => {
    const { name, dtype, shape, data } = one;
    const from = places.get(one)!;
    return [name, { dtype, shape, data_offsets: [from, from + data.byteLength] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) }));
  // Blanks behind the header let the numbers begin at a multiple of eight.
  const begin = Math.ceil((LENGTH_BYTES + json.length) / LENGTH_BYTES) * LENGTH_BYTES;
  const bytes = new Uint8Array(begin + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(begin - LENGTH_BYTES), true);
  bytes.fill(0x20, LENGTH_BYTES, begin).set(json, LENGTH_BYTES);
  for (const [one, from] of places) put(bytes.subarray(begin + from, begin + from + one.data.byteLength), one);
  return bytes;
}

function writtenOf(name: string, tensor: Tensor<Numbers | BigInt64Array>): ToWrite & Tensor<Numbers | BigInt64Array> {
  const isTensor = isRecord(tensor) && isCounts(tensor['shape']) && isNumbers(tensor['data']);
  requireKind('safetensors', `"${name}"`, tensor, isTensor, 'a shape and its numbers: { shape: [2], data }');
  if (name === METADATA) {
    throw new ShapeError(`[safetensors] "${METADATA}" is where a file keeps its texts: name the tensor otherwise`);
  }
  if (name === '') throw new ShapeError('[safetensors] a tensor has no name: give it one, as "weight"');
  const { shape } = tensor;
  const own = ownTypeOf(tensor.data);
  const data = own ? tensor.data : numbersFor('safetensors', name, tensor.data, 'f32');
  const dtype = own ?? 'F32';
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(
      `[safetensors] "${name}" is ${dtype.toLowerCase()}[${shape.join(', ')}], ${sizeOf(shape)} numbers, but ${data.length} came: give as many as its shape says`,
    );
  }
  return { name, dtype, shape, data };
}

/** A file whose tensors are still bytes. @throws FormatError naming what is wrong with it, and where */
function opened(name: string, content: Uint8Array | ArrayBuffer) {
  const bytes = bytesOf('safetensors', name, content);
  const { entries, metadata, begin } = readHeader(bytes, name);
  return { entries, metadata, bytesOf: ({ from, to }: Entry) => bytes.subarray(begin + from, begin + to) };
}

/**
 * Reads a file. Tensors of halves, doubles, integers and truths become f32, as `converted` says; what f32 does not have,
 * or is of a type that is not known here, is named in `unread`.
 * @param name the file's, for messages   @param content its bytes
 * @throws FormatError naming what is wrong with it, and where
 */
export function readSafetensors(name: string, content: Uint8Array | ArrayBuffer): SafetensorsFile {
  const file = opened(name, content);
  const tensors: [string, Tensor][] = [];
  const converted: [string, string][] = [];
  const unread: [string, Unread][] = [];
  for (const entry of file.entries) {
    const { key, dtype, shape } = entry;
    const data = numbersIn(dtype, file.bytesOf(entry));
    if (typeof data === 'string') unread.push([key, { dtype, reason: data }]);
    else tensors.push([key, { shape, data }]);
    if (typeof data !== 'string' && dtype !== 'F32') converted.push([key, dtype]);
  }
  return {
    tensors: Object.fromEntries(tensors),
    metadata: file.metadata,
    ...(converted.length > 0 && { converted: Object.fromEntries(converted) }),
    ...(unread.length > 0 && { unread: Object.fromEntries(unread) }),
  };
}

/** A tensor as it is in a file. */
export interface StoredTensor {
  readonly dtype: string;
  readonly shape: Shape;
  /** Halves by their bits, and bytes where the type is not known. */
  readonly data: StoredNumbers;
}

/** Reads a file with every number in the type that it has there. @throws FormatError as `readSafetensors` */
export function readStored(
  name: string,
  content: Uint8Array | ArrayBuffer,
): { readonly tensors: Readonly<Record<string, StoredTensor>>; readonly metadata: Readonly<Record<string, string>> } {
  const file = opened(name, content);
  const tensors = file.entries.map((entry) => {
    const { key, dtype, shape } = entry;
    return [key, { dtype, shape, data: storedIn(dtype, file.bytesOf(entry)) }] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata: file.metadata };
}

/**
 * A file of some of another one's tensors, each in the type that it has there.
 * @param nameOf what a tensor is called from here on; null leaves it out
 * @throws FormatError as `readSafetensors`, or if two would have one name
 */
export function partOfSafetensors(
  name: string,
  content: Uint8Array | ArrayBuffer,
  nameOf: (key: string) => string | null,
): Bytes {
  const file = opened(name, content);
  const taken = new Map<string, ToWrite & Entry & { readonly data: Uint8Array }>();
  for (const entry of file.entries) {
    const own = nameOf(entry.key);
    if (own === null) continue;
    const other = taken.get(own);
    if (other) {
      throw new FormatError(
        `[safetensors] "${other.key}" and "${entry.key}" of ${name} would both be "${own}": give each a name of its own`,
      );
    }
    taken.set(own, { ...entry, name: own, data: file.bytesOf(entry) });
  }
  return fileOf([...taken.values()], file.metadata, (place, { data }) => place.set(data));
}
