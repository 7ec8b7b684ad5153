import { FormatError } from '../core/errors.ts';
import { sizeOf, type Shape } from '../core/shape.ts';
import { refusePickled } from './pickledFile.ts';
import { bytesOfType } from './tensorTypes.ts';

const fails = (file: string, what: string): FormatError => new FormatError(`[safetensors] ${file} ${what}`);

/** A tensor as the header describes it. */
export interface Entry {
  readonly key: string;
  readonly dtype: string;
  readonly shape: Shape;
  /** Of its bytes, behind the header. */
  readonly from: number;
  readonly to: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the numbers begin. */
  readonly begin: number;
}

export const LENGTH_BYTES = 8;
export const METADATA = '__metadata__';
/** The reference implementation reads no longer header. */
const LONGEST_HEADER = 100_000_000;

/**
 * What a file says of its tensors, which share its bytes without overlap or rest.
 * @param file its name   @throws FormatError naming what is wrong with it, and where
 */
export function readHeader(bytes: Uint8Array, file: string): Header {
  if (bytes.length < LENGTH_BYTES)
    throw fails(file, `has ${bytes.length} bytes, too few for a header: save the model again`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > Math.min(LONGEST_HEADER, bytes.length - LENGTH_BYTES)) {
    refusePickled('safetensors', file, bytes);
    throw fails(
      file,
      `announces a header of ${length} bytes, of ${LONGEST_HEADER} at most, but holds ${bytes.length}: it was cut short, or is no safetensors; save the model again`,
    );
  }
  const begin = LENGTH_BYTES + length;
  const { [METADATA]: texts, ...tensors } = jsonIn(bytes.subarray(LENGTH_BYTES, begin), file);
  const entries = Object.entries(tensors).map(([key, entry]) => entryOf(key, entry, file));
  for (const entry of entries) requireSize(entry, begin, bytes.length, file);
  requireGapless(entries, bytes.length - begin, file);
  return { entries, metadata: metadataOf(texts ?? {}, file), begin };
}

function jsonIn(bytes: Uint8Array, file: string): Readonly<Record<string, unknown>> {
  let [text, header]: [string, unknown] = ['', null];
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (!isRecord(header)) {
    throw fails(
      file,
      'has a header that is no JSON: it is another kind of file, or was damaged; give a .safetensors file',
    );
  }
  const twice = nameTwice(text);
  if (twice === null) return header;
  throw fails(
    file,
    `has "${twice}" twice in its header, where each reader takes the one it likes: it was damaged; save the model again`,
  );
}

/** Within the header are tensors, and within these what they are. */
const DEEPEST_NAMES = 2;

/** The first name that the header, or an entry of it, has twice: `JSON.parse` gives the last of both. */
function nameTwice(json: string): string | null {
  const names: Set<unknown>[] = [];
  for (let at = 0; at < json.length; at++) {
    const letter = json[at];
    if (letter === '{' || letter === '[') names.push(new Set());
    if (letter === '}' || letter === ']') names.pop();
    if (letter !== '"') continue;
    const start = at++;
    while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
    if (names.length > DEEPEST_NAMES || !isName(json, at + 1)) continue;
    const name = JSON.parse(json.slice(start, at + 1)) as string;
    if (names.at(-1)!.has(name)) return name;
    names.at(-1)!.add(name);
  }
  return null;
}

/** Whether the text that ends at a place is a name, which a colon follows. */
function isName(json: string, at: number): boolean {
  while (' \t\r\n'.includes(json[at])) at++;
  return json[at] === ':';
}

function entryOf(key: string, entry: unknown, file: string): Entry {
  if (key === '') throw fails(file, 'has a tensor without a name: give it one, and save the model again');
  if (isRecord(entry)) {
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype === 'string' && isCounts(shape) && isCounts(offsets) && offsets.length === 2) {
      return { key, dtype, shape, from: offsets[0], to: offsets[1] };
    }
  }
  throw fails(
    file,
    `describes "${key}" without a dtype, a shape, or the place of its bytes: it was damaged; save the model again`,
  );
}

function metadataOf(texts: unknown, file: string): Readonly<Record<string, string>> {
  const odd = isRecord(texts) ? Object.keys(texts).find((name) => typeof texts[name] !== 'string') : METADATA;
  if (odd === undefined) return texts as Record<string, string>;
  throw fails(file, `has under "${METADATA}" what is no text, at "${odd}": it was damaged; save the model again`);
}

/** A tensor's bytes are in the file, and as many as its shape and type say, if the type is known. */
function requireSize({ key, dtype, shape, from, to }: Entry, begin: number, length: number, file: string): void {
  const width = bytesOfType(dtype);
  if (to < from || (width !== undefined && to - from !== sizeOf(shape) * width)) {
    throw fails(
      file,
      `gives "${key}", ${dtype}[${shape.join(', ')}], the bytes ${from} … ${to}, which are not as many: it was damaged; save the model again`,
    );
  }
  if (begin + to > length) {
    throw fails(
      file,
      `ends at byte ${length}, but "${key}" ends at ${begin + to}: it was cut short; save the model again`,
    );
  }
}

/** The format has every byte belong to one tensor, so that nothing is hidden in a file. */
function requireGapless(entries: readonly Entry[], length: number, file: string): void {
  let [end, before] = [0, 'the header'];
  for (const { key, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) {
      throw fails(
        file,
        `has "${key}" begin at ${from} of its numbers' bytes, but ${before} ends at ${end}, and tensors lie one behind the other: it was damaged; save the model again`,
      );
    }
    [end, before] = [to, `"${key}"`];
  }
  if (end !== length) {
    throw fails(
      file,
      `has ${length} bytes of numbers, but ${before} ends at ${end}: something was appended; save the model again`,
    );
  }
}

export const isRecord = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

export const isCounts = (given: unknown): given is readonly number[] =>
  Array.isArray(given) && given.every((number) => Number.isSafeInteger(number) && number >= 0);
