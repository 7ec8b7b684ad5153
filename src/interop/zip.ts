import { joinedBytes } from '../data/bytes.ts';
import { DataError, FormatError } from '../core/errors.ts';
import type { Bytes } from '../core/globalTypes.ts';
import { crc32 } from '../data/crc32.ts';
import { mostUnpacked } from '../data/gzip.ts';
import { inflate, Output } from '../data/inflate.ts';
import { refusePickled } from '../data/pickledFile.ts';

/*
 * A zip archive: members one behind the other, each with a header of its own, of which nothing is believed but its length;
 * then the directory, which says where each member begins, how large it is and what sum it has; then the directory's own
 * place. What does not fit into a field has all its bits set, and stands in one of 64 bits elsewhere.
 * Source: PKWARE, APPNOTE.TXT 6.3.10
 */

const signature = {
  member: 0x04034b50,
  entry: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  end64Place: 0x07064b50,
} as const;
/** Bytes without names and texts. */
const bytesIn = { member: 30, entry: 46, end: 22, end64: 56, end64Place: 20 } as const;
const [FULL_16, FULL_32] = [0xffff, 0xffffffff];
const ZIP64 = 1;
const [STORED, DEFLATE] = [0, 8];
const [ENCRYPTED, UTF8] = [1, 0x800];

/** Numbers of an archive, little-endian; beyond its end there are zeros, of which no signature is one. */
class Archive {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #has = (at: number, width: number): boolean => at >= 0 && at + width <= this.bytes.length;
  u16 = (at: number): number => (this.#has(at, 2) ? this.#view.getUint16(at, true) : 0);
  u32 = (at: number): number => (this.#has(at, 4) ? this.#view.getUint32(at, true) : 0);
  u64 = (at: number): number => (this.#has(at, 8) ? Number(this.#view.getBigUint64(at, true)) : 0);
  text = (at: number, length: number): string => new TextDecoder().decode(this.bytes.subarray(at, at + length));
}

interface Directory {
  readonly begin: number;
  readonly end: number;
  readonly entries: number;
}

interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly sum: number;
  readonly packed: number;
  readonly size: number;
  /** Where its header begins. */
  readonly at: number;
}

/** Where the directory lies, or null where there is none. */
function directoryOf(archive: Archive): Directory | null {
  const { length } = archive.bytes;
  let end = length - bytesIn.end;
  // Behind it there may be a text.
  for (const least = end - FULL_16; ; end--) {
    if (end < 0 || end < least) return null;
    if (archive.u32(end) === signature.end && end + bytesIn.end + archive.u16(end + 20) === length) break;
  }
  // Of an archive of several parts, one to a disk, there is only this one.
  if (archive.u16(end + 8) !== archive.u16(end + 10)) return null;
  const own = { begin: archive.u32(end + 16), end, entries: archive.u16(end + 10), size: archive.u32(end + 12) };
  const place = end - bytesIn.end64Place;
  if (archive.u32(place) !== signature.end64Place) return own.begin + own.size === end ? own : null;
  const end64 = archive.u64(place + 8);
  if (archive.u32(end64) !== signature.end64 || end64 + bytesIn.end64 > place) return null;
  const [entries, size, begin] = [archive.u64(end64 + 32), archive.u64(end64 + 40), archive.u64(end64 + 48)];
  return begin + size === end64 ? { begin, end: end64, entries } : null;
}

/** An entry of the directory, and where the next one begins; null for what is none. */
function entryAt(archive: Archive, at: number): { readonly entry: Entry; readonly next: number } | null {
  if (archive.u32(at) !== signature.entry) return null;
  const names = at + bytesIn.entry;
  const extra = names + archive.u16(at + 28);
  const comment = extra + archive.u16(at + 30);
  const wide = wideNumbers(archive, extra, comment);
  const wideOr = (own: number): number => (own === FULL_32 ? (wide.shift() ?? own) : own);
  // In this order they stand in the field of 64 bits.
  const [size, packed] = [wideOr(archive.u32(at + 24)), wideOr(archive.u32(at + 20))];
  return {
    entry: {
      name: archive.text(names, extra - names),
      flags: archive.u16(at + 8),
      method: archive.u16(at + 10),
      sum: archive.u32(at + 16),
      packed,
      size,
      at: wideOr(archive.u32(at + 42)),
    },
    next: comment + archive.u16(at + 32),
  };
}

function wideNumbers(archive: Archive, begin: number, end: number): number[] {
  for (let at = begin; at + 4 <= end; at += 4 + archive.u16(at + 2)) {
    if (archive.u16(at) !== ZIP64) continue;
    return Array.from({ length: archive.u16(at + 2) >> 3 }, (_, number) => archive.u64(at + 4 + 8 * number));
  }
  return [];
}

/**
 * The files in an archive by name, in the order of its directory; what is stored is not copied. Names are no paths here:
 * nothing is written anywhere.
 * @param where the reader that asks, for the errors   @throws FormatError naming what is wrong with it, and where
 */
export function readZip(where: string, file: string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  refusePickled(where, file, bytes);
  const archive = new Archive(bytes);
  const directory = directoryOf(archive);
  const fails = (what: string): FormatError => new FormatError(`[${where}] ${file} ${what}`);
  if (!directory) {
    throw fails('has no zip directory at its end: it is no zip archive, or was cut short; get the file again');
  }
  const entries = entriesOf(archive, directory);
  if (!entries) throw fails('has a zip directory that does not say what it holds: it was damaged; get the file again');
  const files = new Map<string, Uint8Array>();
  let [end, before] = [0, 'the beginning'];
  for (const entry of entries.toSorted((a, b) => a.at - b.at)) {
    const { name, at, packed } = entry;
    const begin = at + bytesIn.member + archive.u16(at + 26) + archive.u16(at + 28);
    const isMember = archive.u32(at) === signature.member;
    if (!isMember || at < end || begin + packed > directory.begin) {
      throw fails(
        `has "${name}" at ${at}, of ${packed} bytes, which are not all its own, behind ${before} and before the directory: it was damaged; get the file again`,
      );
    }
    [end, before] = [begin + packed, `"${name}"`];
    if (name.endsWith('/') && packed === 0) continue;
    requireReadable(where, file, entry, bytes.length);
    files.set(name, contentOf(where, file, entry, bytes.subarray(begin, end)));
  }
  return new Map(entries.flatMap(({ name }) => (files.has(name) ? [[name, files.get(name)!]] : [])));
}

/** What the directory lists, or null where it is not as long as that, or has a name twice. */
function entriesOf(archive: Archive, { begin, end, entries: count }: Directory): readonly Entry[] | null {
  const entries = new Map<string, Entry>();
  let at = begin;
  while (at < end) {
    const found = entryAt(archive, at);
    if (!found) return null;
    entries.set(found.entry.name, found.entry);
    at = found.next;
  }
  return at === end && entries.size === count ? [...entries.values()] : null;
}

function requireReadable(where: string, file: string, { name, flags, method, size }: Entry, length: number): void {
  if (flags & ENCRYPTED) {
    throw new FormatError(`[${where}] "${name}" of ${file} is encrypted: save the archive without a password`);
  }
  if (method !== STORED && method !== DEFLATE) {
    throw new FormatError(
      `[${where}] "${name}" of ${file} is packed by method ${method}, but stored files, 0, and DEFLATE, 8, are read: pack it anew, as zip does`,
    );
  }
  if (size <= mostUnpacked(length)) return;
  throw new FormatError(
    `[${where}] "${name}" of ${file}, which has ${length} bytes, becomes ${size}, so that it seems made to fill the memory: unpack the archive yourself if it is not, and pack it anew by zip -0`,
  );
}

/** A member's bytes, unpacked. */
function contentOf(where: string, file: string, { name, method, size, sum }: Entry, packed: Uint8Array): Uint8Array {
  const content = method === STORED ? packed : inflated(packed, size);
  if (content?.length === size && crc32(content) === sum) return content;
  throw new FormatError(
    `[${where}] "${name}" of ${file} is not what the archive's directory says, in its size or its sum: it was damaged; get the file again`,
  );
}

function inflated(packed: Uint8Array, size: number): Uint8Array | null {
  try {
    const { data, end } = inflate(packed, 0, new Output(size));
    return end === packed.length ? data : null;
  } catch {
    return null;
  }
}

/** Fields of a header: how many bytes each has, and its number. */
const header = (...fields: readonly (readonly [width: 2 | 4, number: number])[]): Uint8Array => {
  const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, number] of fields) {
    if (width === 2) view.setUint16(at, number, true);
    else view.setUint32(at, number, true);
    at += width;
  }
  return bytes;
};

/** 20: directories and DEFLATE; Zip64, which is not written, would be 45. */
const VERSION = 20;
/** The first day that an archive can name, 1 January 1980: the same files give the same bytes. */
const DAY = 0x21;

/**
 * An archive of files by name, stored as they are: weights and pictures hardly become less.
 * @param where the writer that asks, for the error   @throws DataError for one of 4 GiB or more, or of too many files
 */
export function writeZip(where: string, files: Iterable<readonly [name: string, bytes: Uint8Array]>): Bytes {
  const named = Array.from(files, ([name, bytes]) => ({ text: new TextEncoder().encode(name), bytes }));
  const beside = bytesIn.member + bytesIn.entry;
  const length = named.reduce<number>(
    (sum, { text, bytes }) => sum + bytes.length + 2 * text.length + beside,
    bytesIn.end,
  );
  if (length >= FULL_32 || named.length >= FULL_16) {
    throw new DataError(
      `[${where}] the archive would have ${length} bytes and ${named.length} files, but it holds less than 4 GiB, and ${FULL_16} files: write several`,
    );
  }
  const members: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let at = 0;
  for (const { text, bytes } of named) {
    const same = [
      [2, VERSION],
      [2, UTF8],
      [2, STORED],
      [2, 0],
      [2, DAY],
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, text.length],
      [2, 0],
    ] as const;
    members.push(header([4, signature.member], ...same), text, bytes);
    // No comment, the first disk, no attributes.
    entries.push(header([4, signature.entry], [2, VERSION], ...same, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), text);
    at += bytesIn.member + text.length + bytes.length;
  }
  const [count, size] = [named.length, length - at - bytesIn.end];
  const end = header([4, signature.end], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, at], [2, 0]);
  return joinedBytes([...members, ...entries, end]);
}
