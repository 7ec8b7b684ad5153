import { FormatError } from '../core/errors.ts';

/** Headers and contents begin at multiples of it. Source: POSIX.1-1988, ustar interchange format */
const BLOCK = 512;

/** Where a header keeps what is read here: first byte and length. */
const fields = { name: [0, 100], size: [124, 12], sum: [148, 8], prefix: [345, 155] } as const;
const TYPE = 156;
/** The type of an ordinary file: "0", or nothing in older archives. */
const ordinary = [0x30, 0];

function text(header: Uint8Array, [start, length]: readonly [number, number]): string {
  const end = header.indexOf(0, start);
  return new TextDecoder().decode(header.subarray(start, end < 0 ? start + length : Math.min(end, start + length)));
}

/** NaN for what is no number; a minus is none, as it would lead back. */
function octal(header: Uint8Array, field: readonly [number, number]): number {
  const digits = text(header, field).trim();
  return /^[0-7]*$/.test(digits) ? Number(`0o0${digits}`) : NaN;
}

/** The sum of a header's bytes, its own field read as blanks. */
function sumOf(header: Uint8Array): number {
  const [start, length] = fields.sum;
  return header.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0);
}

/** A path without the `./` that `tar -c ./folder` puts before it. */
const plain = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

/**
 * The files of a tar archive by their paths, without copying: nothing is unpacked to a disk, whatever the paths are. Links, folders and others are passed over.
 * @param where the reader that asks, for the errors
 * @throws FormatError if it is no such archive, or ends early
 */
export function readTar(where: string, archive: string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const header = bytes.subarray(at, at + BLOCK);
    // Two empty blocks end an archive.
    if (header[0] === 0) break;
    const [name, prefix, size] = [text(header, fields.name), text(header, fields.prefix), octal(header, fields.size)];
    if (octal(header, fields.sum) !== sumOf(header) || Number.isNaN(size)) {
      throw new FormatError(
        `[${where}] ${archive} is no tar archive, or damaged: the header at byte ${at} has a wrong sum or size; get the file again`,
      );
    }
    const start = at + BLOCK;
    if (start + size > bytes.length) {
      throw new FormatError(
        `[${where}] ${archive} ends inside ${name}, of which it holds ${bytes.length - start} of ${size} bytes: get the file again`,
      );
    }
    if (ordinary.includes(header[TYPE])) {
      files.set(plain(`${prefix}/${name}`), bytes.subarray(start, start + size));
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
