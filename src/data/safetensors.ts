import { FormatError, ShapeError } from '../core/errors.ts';
import { sizeOf, type Shape } from '../core/shape.ts';

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

const LENGTH_BYTES = 8;
const METADATA = '__metadata__';
const F32_BYTES = 4;
/** The reference implementation reads no longer header. */
const LONGEST_HEADER = 100_000_000;

/** The bytes of a file. @throws ShapeError if a tensor's numbers are not as many as its shape says */
export function writeSafetensors({ tensors, metadata }: Safetensors): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => {
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
  for (const { data } of Object.values(tensors)) {
    for (const number of data) {
      view.setFloat32(at, number, true);
      at += F32_BYTES;
    }
  }
  return bytes;
}

/**
 * Reads a file of f32 tensors.
 * @param name the file's, for messages
 * @throws FormatError naming what is wrong with it, and where
 */
export function readSafetensors(name: string, bytes: Uint8Array): Safetensors {
  const fails = (what: string): FormatError => new FormatError(`[safetensors] ${name} ${what}`);
  if (bytes.length < LENGTH_BYTES) throw fails(`has ${bytes.length} bytes, too few for a header: save the model again`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > Math.min(LONGEST_HEADER, bytes.length - LENGTH_BYTES)) {
    throw fails(
      `announces a header of ${length} bytes, but holds ${bytes.length}: it was cut short, or is no safetensors; save the model again`,
    );
  }
  const begin = LENGTH_BYTES + length;
  const { [METADATA]: metadata = {}, ...entries } = headerOf(bytes.subarray(LENGTH_BYTES, begin), fails);
  const tensors: Record<string, Tensor> = {};
  for (const [key, entry] of Object.entries(entries)) {
    const { dtype, shape, offsets } = entryOf(key, entry, fails);
    const [from, to] = offsets;
    if (dtype !== 'F32') throw fails(`holds "${key}" as ${dtype}, but only F32 is read: convert it`);
    if (to - from !== sizeOf(shape) * F32_BYTES || from < 0) {
      throw fails(
        `gives "${key}", f32[${shape.join(', ')}], the bytes ${from} … ${to}, which are not as many: it was damaged; save the model again`,
      );
    }
    if (begin + to > bytes.length) {
      throw fails(
        `ends at byte ${bytes.length}, but "${key}" ends at ${begin + to}: it was cut short; save the model again`,
      );
    }
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, at) =>
      view.getFloat32(begin + from + at * F32_BYTES, true),
    );
    tensors[key] = { shape, data };
  }
  return { tensors, metadata: isRecord(metadata) ? (metadata as Record<string, string>) : {} };
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

function entryOf(
  key: string,
  entry: unknown,
  fails: Fails,
): { readonly dtype: string; readonly shape: Shape; readonly offsets: readonly [number, number] } {
  if (isRecord(entry)) {
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype === 'string' && isCounts(shape) && isCounts(offsets) && offsets.length === 2) {
      return { dtype, shape, offsets: [offsets[0], offsets[1]] };
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
