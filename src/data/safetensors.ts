import { FormatError, ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/given.ts';
import type { Bytes } from '../core/globals.ts';
import { sizeOf, type Shape } from '../core/shape.ts';
import { bytesOf } from './bytes.ts';
import { isNumbers, numbersIn as numbersFor } from './numbers.ts';
import { numbersOf, tensorTypes } from './tensorTypes.ts';

/*
 * safetensors: eight bytes with the header's length, little-endian; the header, JSON that gives each tensor's dtype,
 * shape and bytes, and texts under __metadata__; then the numbers, little-endian and row by row.
 * Source: huggingface.co/docs/safetensors
 */

export interface Tensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a file has, with what became of tensors that are not f32. */
export interface SafetensorsFile extends Safetensors {
  /** The types that tensors have in the file, where it is not F32; left out if it is everywhere. */
  readonly converted?: Readonly<Record<string, string>>;
  /** Tensors that are not among those read, and why; left out if all are. */
  readonly unread?: Readonly<Record<string, Unread>>;
}

export interface Unread {
  /** In the file. */
  readonly dtype: string;
  /** As it goes behind the tensor's name. */
  readonly reason: string;
}

const LENGTH_BYTES = 8;
const METADATA = '__metadata__';
const F32_BYTES = 4;
/** The reference implementation reads no longer header. */
const LONGEST_HEADER = 100_000_000;

/**
 * The bytes of a file.
 * @throws ShapeError if a tensor's numbers are not as many as its shape says; DataError for what is no tensor, or no text
 */
export function writeSafetensors(given: Safetensors): Bytes {
  const { tensors, metadata } = optionsOf('safetensors', given, { tensors: undefined, metadata: {} });
  requireKind('safetensors', 'tensors', tensors, isRecord(tensors), 'tensors by name: { weight: { shape, data } }');
  for (const [name, text] of Object.entries(metadata)) {
    requireKind('safetensors', `metadata.${name}`, text, typeof text === 'string', 'a text');
  }
  let end = 0;
  const numbers: Float32Array[] = [];
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    const isTensor = isRecord(tensor) && isCounts(tensor['shape']) && isNumbers(tensor['data']);
    requireKind('safetensors', `"${name}"`, tensor, isTensor, 'a shape and its numbers: { shape: [2], data }');
    const { shape } = tensor;
    const data = numbersFor('safetensors', name, tensor.data, 'f32') as Float32Array;
    numbers.push(data);
    if (name === METADATA) {
      throw new ShapeError(`[safetensors] "${METADATA}" is where a file keeps its texts: name the tensor otherwise`);
    }
    if (data.length !== sizeOf(shape)) {
      throw new ShapeError(
        `[safetensors] "${name}" is f32[${shape.join(', ')}], ${sizeOf(shape)} numbers, but ${data.length} came: give as many as its shape says`,
      );
    }
    const begin = end;
    end += data.length * F32_BYTES;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const;
  });
  const text = JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) });
  // Blanks behind the header let the numbers begin at a multiple of eight.
  const json = new TextEncoder().encode(text);
  const header = json.length + ((LENGTH_BYTES - (json.length % LENGTH_BYTES)) % LENGTH_BYTES);
  const bytes = new Uint8Array(LENGTH_BYTES + header + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(header), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + header).set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + header;
  for (const data of numbers) {
    for (const number of data) {
      view.setFloat32(at, number, true);
      at += F32_BYTES;
    }
  }
  return bytes;
}

/**
 * Reads a file. Tensors of halves, doubles, integers and truths become f32, as `converted` says; what f32 does not have,
 * or is of a type that is not known here, is named in `unread`.
 * @param name the file's, for messages   @param content its bytes
 * @throws FormatError naming what is wrong with it, and where
 */
export function readSafetensors(name: string, content: Uint8Array | ArrayBuffer): SafetensorsFile {
  const fails = (what: string): FormatError => new FormatError(`[safetensors] ${name} ${what}`);
  const bytes = bytesOf('safetensors', name, content);
  if (bytes.length < LENGTH_BYTES) throw fails(`has ${bytes.length} bytes, too few for a header: save the model again`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > Math.min(LONGEST_HEADER, bytes.length - LENGTH_BYTES)) {
    throw fails(
      `announces a header of ${length} bytes, but holds ${bytes.length}: it was cut short, or is no safetensors; save the model again`,
    );
  }
  const begin = LENGTH_BYTES + length;
  const { [METADATA]: metadata = {}, ...given } = headerOf(bytes.subarray(LENGTH_BYTES, begin), fails);
  const entries = Object.entries(given).map(([key, entry]) => entryOf(key, entry, fails));
  for (const entry of entries) requireSize(entry, begin, bytes.length, fails);
  requireGapless(entries, bytes.length - begin, fails);
  const read = entries.map((entry) => [entry, numbersIn(entry, view, begin)] as const);
  const tensors: [string, Tensor][] = [];
  const converted: [string, string][] = [];
  const unread: [string, Unread][] = [];
  for (const [{ key, dtype, shape }, data] of read) {
    if (typeof data === 'string') unread.push([key, { dtype, reason: data }]);
    else tensors.push([key, { shape, data }]);
    if (typeof data !== 'string' && dtype !== 'F32') converted.push([key, dtype]);
  }
  return {
    tensors: Object.fromEntries(tensors),
    metadata: isRecord(metadata) ? (metadata as Record<string, string>) : {},
    ...(converted.length > 0 && { converted: Object.fromEntries(converted) }),
    ...(unread.length > 0 && { unread: Object.fromEntries(unread) }),
  };
}

/** Numbers in f32, or why they are not read. */
function numbersIn({ dtype, shape, from, to }: Entry, view: DataView, begin: number): Float32Array | string {
  if (!Object.hasOwn(tensorTypes, dtype)) return `is ${dtype}, which is not read`;
  return numbersOf(dtype, new DataView(view.buffer, view.byteOffset + begin + from, to - from), sizeOf(shape));
}

/** A tensor's bytes are in the file, and as many as its shape and type say, if the type is known. */
function requireSize({ key, dtype, shape, from, to }: Entry, begin: number, length: number, fails: Fails): void {
  const type = Object.hasOwn(tensorTypes, dtype) ? tensorTypes[dtype] : null;
  if (to < from || (type && to - from !== sizeOf(shape) * type.bytes)) {
    throw fails(
      `gives "${key}", ${dtype}[${shape.join(', ')}], the bytes ${from} … ${to}, which are not as many: it was damaged; save the model again`,
    );
  }
  if (begin + to > length) {
    throw fails(`ends at byte ${length}, but "${key}" ends at ${begin + to}: it was cut short; save the model again`);
  }
}

/** The format has every byte belong to one tensor, so that nothing is hidden in a file. */
function requireGapless(entries: readonly Entry[], length: number, fails: Fails): void {
  let [end, before] = [0, 'the header'];
  for (const { key, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) {
      throw fails(
        `has "${key}" begin at ${from} of its numbers' bytes, but ${before} ends at ${end}, and tensors lie one behind the other: it was damaged; save the model again`,
      );
    }
    [end, before] = [to, `"${key}"`];
  }
  if (end !== length) {
    throw fails(
      `has ${length} bytes of numbers, but ${before} ends at ${end}: something was appended; save the model again`,
    );
  }
}

type Fails = (what: string) => FormatError;

function headerOf(bytes: Uint8Array, fails: Fails): Readonly<Record<string, unknown>> {
  try {
    const header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
    if (isRecord(header)) return header;
  } catch {
    // Said below.
  }
  throw fails('has a header that is no JSON: it is another kind of file, or was damaged; give a .safetensors file');
}

/** A tensor as the header describes it. */
interface Entry {
  readonly key: string;
  readonly dtype: string;
  readonly shape: Shape;
  /** Of its bytes, behind the header. */
  readonly from: number;
  readonly to: number;
}

function entryOf(key: string, entry: unknown, fails: Fails): Entry {
  if (isRecord(entry)) {
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype === 'string' && isCounts(shape) && isCounts(offsets) && offsets.length === 2) {
      return { key, dtype, shape, from: offsets[0], to: offsets[1] };
    }
  }
  throw fails(
    `describes "${key}" without a dtype, a shape, or the place of its bytes: it was damaged; save the model again`,
  );
}

const isRecord = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

const isCounts = (given: unknown): given is readonly number[] =>
  Array.isArray(given) && given.every((number) => Number.isSafeInteger(number) && number >= 0);
