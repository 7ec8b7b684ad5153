// PNG files of every kind, which the encoder at hand does not write. Their sums are 0: readers that check them refuse these.

import { deflateSync } from 'node:zlib';

/** Of PNG's header. */
export const colourType = { grey: 0, colours: 2, palette: 3, greyAlpha: 4, coloursAlpha: 6 } as const;

function chunk(type: string, data: Uint8Array): Uint8Array {
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

export function pngOf({ width, type, depth, rows, interlaced = false, palette, transparency }: PngParts): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(rows.length, 4);
  header.set([depth, colourType[type], 0, 0, interlaced ? 1 : 0], 8);
  const lines = Uint8Array.from(rows.flatMap((row) => [0, ...row]));
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette))] : []),
    ...(transparency ? [chunk('tRNS', Uint8Array.from(transparency))] : []),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}
