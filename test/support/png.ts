// PNG files of every kind, which the encoder at hand does not write. Their sums are 0: readers that check them refuse these.

import { deflateSync } from 'node:zlib';

/** Of PNG's header. */
export const colourType = { grey: 0, colours: 2, palette: 3, greyAlpha: 4, coloursAlpha: 6 } as const;

export function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  return bytes;
}

export interface PngParts {
  readonly width: number;
  readonly type: keyof typeof colourType;
  readonly depth: number;
  /** The bytes of each row, without a filter. */
  readonly rows: readonly (readonly number[])[];
  readonly interlaced?: boolean;
  readonly palette?: readonly number[];
  readonly transparency?: readonly number[];
}

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** What a header says: width, height, depth, colour type, and 1 where it is interlaced. */
export type HeaderNumbers = readonly [number, number, number, number, number?];

/** A file with this header and packed data, whatever they say of each other, and chunks between them. */
export function pngFile(
  [width, height, ...more]: HeaderNumbers,
  data: Uint8Array,
  chunks: readonly Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([more[0], more[1], 0, 0, more[2] ?? 0], 8);
  const last = [chunk('IDAT', data), chunk('IEND', new Uint8Array(0))];
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), ...chunks, ...last]);
}

export function pngOf({ width, type, depth, rows, interlaced = false, palette, transparency }: PngParts): Uint8Array {
  const lines = Uint8Array.from(rows.flatMap((row) => [0, ...row]));
  return pngFile([width, rows.length, depth, colourType[type], interlaced ? 1 : 0], deflateSync(lines), [
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette))] : []),
    ...(transparency ? [chunk('tRNS', Uint8Array.from(transparency))] : []),
  ]);
}
