import { FormatError } from '../core/errors.ts';

const GZIP = [0x1f, 0x8b];

/**
 * A file's bytes, unpacked if they are gzipped.
 * @param where the reader that asks, for the error   @throws FormatError if the gzip stream is broken
 */
export async function unpacked(where: string, name: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes;
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new FormatError(`[${where}] ${name}: the gzip stream is broken or cut short: get the file again`, { cause });
  }
}
