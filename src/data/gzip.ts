import { joinedBytes } from './bytes.ts';
import { FormatError } from '../core/errors.ts';
import { crc32 } from './crc32.ts';
import { inflate, Output, TooMuch } from './inflate.ts';

/*
 * A gzip file is one member behind the other, each with its own sum: two files that were joined, or what bgzip writes.
 * Engines differ in what they make of that, and of what may stand behind: some read on, some stop, some fail. So an
 * engine's word counts where the file's last sum says the same of all of it; else it is read member by member here.
 */

const GZIP = [0x1f, 0x8b] as const;
const DEFLATE = 8;
/** What a header has beside its ten bytes. Source: RFC 1952, 2.3.1 */
const flag = { sum: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
const HEADER = 10;
/** The sum of what was packed, and its length. */
const TRAILER = 8;

/**
 * What becomes more than so many times itself is taken for a bomb: data sets become 2 to 20 times themselves, and only what
 * repeats itself all the time up to 1032 times, which is all that DEFLATE has. Below so many bytes nobody minds.
 */
const [LARGEST_RATIO, NEVER_TOO_MUCH] = [100, 2 ** 26];

/** The bytes that a compressed file may become. */
export const mostUnpacked = (length: number): number => Math.max(LARGEST_RATIO * length, NEVER_TOO_MUCH);

const beginsAt = (bytes: Uint8Array, at: number): boolean => bytes[at] === GZIP[0] && bytes[at + 1] === GZIP[1];

/**
 * A file's bytes, unpacked if they are gzipped, of however many members, with zeros between them where a tool fills up
 * blocks; what follows the last one is left out, as gzip does.
 * @param where the reader that asks, for the error   @throws FormatError if a gzip stream is broken, or becomes too much
 */
export async function unpacked(where: string, name: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (!beginsAt(bytes, 0)) return bytes;
  const most = mostUnpacked(bytes.length);
  try {
    const whole = await unpackedByEngine(bytes, most);
    return whole && trailerFits(bytes, bytes.length, whole) ? whole : membersOf(bytes, most);
  } catch (cause) {
    if (cause instanceof TooMuch) {
      throw new FormatError(
        `[${where}] ${name} has ${bytes.length} bytes and becomes more than ${most}, so that it seems made to fill the memory: unpack it yourself if it is not, as by gunzip`,
        { cause },
      );
    }
    throw new FormatError(`[${where}] ${name}: the gzip stream is broken or cut short: get the file again`, { cause });
  }
}

/** Some engines unpack at once all that they are given, up to 16 MiB of so much. */
const PIECE = 2 ** 14;

/** Bytes piece by piece, each when it is asked for. */
function piecesOf(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + PIECE));
      at += PIECE;
    },
  });
}

/** What an engine makes of a file, or null where it has no way, or fails. @throws TooMuch */
async function unpackedByEngine(bytes: Uint8Array, most: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = piecesOf(bytes).pipeThrough(new DecompressionStream('gzip')).getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      parts.push(value!);
      length += value!.length;
      if (length <= most) continue;
      await reader.cancel();
      break;
    }
  } catch {
    return null;
  }
  if (length > most) throw new TooMuch();
  return parts.length === 1 ? parts[0] : joinedBytes(parts);
}

/** What all members hold. @throws Error if one is broken; TooMuch */
function membersOf(bytes: Uint8Array, most: number): Uint8Array {
  const output = new Output(most);
  let at = 0;
  do {
    const { data, end } = inflate(bytes, bodyOf(bytes, at), output);
    at = end + TRAILER;
    if (!trailerFits(bytes, at, data)) throw new Error('a member does not have the sum that it names');
    while (bytes[at] === 0) at++;
  } while (beginsAt(bytes, at));
  return output.all;
}

/** Where the compressed bytes of the member at a place begin. */
function bodyOf(bytes: Uint8Array, at: number): number {
  const flags = bytes[at + 3];
  if (bytes[at + 2] !== DEFLATE || flags & flag.reserved) throw new Error('the header is of no kind that is known');
  let body = at + HEADER;
  if (flags & flag.extra) body += 2 + (bytes[body] | (bytes[body + 1] << 8));
  for (const text of [flag.name, flag.comment]) {
    if (!(flags & text)) continue;
    const end = bytes.indexOf(0, body);
    if (end < 0) throw new Error('a text in the header has no end');
    body = end + 1;
  }
  return flags & flag.sum ? body + 2 : body;
}

/** Whether the trailer that ends at a place is that of some data. */
function trailerFits(bytes: Uint8Array, end: number, data: Uint8Array): boolean {
  if (end > bytes.length || end < TRAILER) return false;
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + end - TRAILER, TRAILER);
  return trailer.getUint32(4, true) === data.length % 2 ** 32 && trailer.getUint32(0, true) === crc32(data);
}
