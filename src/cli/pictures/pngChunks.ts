import { deflateSync, inflateSync } from 'node:zlib';
import { mostUnpacked } from '../../data/gzip.ts';

/*
 * A PNG file is a row of chunks, the first of which says how large the picture is. It is believed once its data is as much:
 * a decoder makes room for what it is told, and unpacks all that comes. The rest (profiles, texts) is left out.
 * Source: PNG specification, third edition
 */

/** A file that a decoder can do no harm with. */
export interface PngChunks {
  /** Header, palette and data alone. */
  readonly png: Uint8Array;
  /** The samples of the colour that is transparent; null where none is. */
  readonly key: Uint16Array | null;
}

const SIGNATURE_BYTES = 8;
/** A chunk's length, type and sum. */
const CHUNK_BYTES = 12;
const HEADER_BYTES = 13;

/** By the type that a header names: samples of a pixel, and bits that a sample may have. 11.2.1 */
const colourTypes: Readonly<Record<number, { readonly samples: number; readonly depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const PALETTE_TYPE = 3;

/** Where Adam7's passes begin, and their steps. 8.1 */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly interlaced: boolean;
}

/** @throws Error if the file is damaged, of a kind that is not read, or made to fill the memory */
export function chunksOf(png: Uint8Array): PngChunks {
  const chunks = readChunks(png);
  const [header] = chunks['IHDR'] ?? [];
  if (header?.length !== HEADER_BYTES) throw new Error('it has no header');
  const form = headerOf(header);
  const size = dataSize(form);
  if (size > mostUnpacked(png.length)) {
    throw new Error(
      `it has ${form.width} × ${form.height} pixels in ${png.length} bytes, so that it seems made to fill the memory`,
    );
  }
  const data = unpackedData(chunks['IDAT'] ?? [], size);
  const [palette, transparency] = [chunks['PLTE']?.[0], chunks['tRNS']?.[0]];
  const parts = [png.subarray(0, SIGNATURE_BYTES), chunk('IHDR', header)];
  if (form.colourType === PALETTE_TYPE) {
    if (!palette?.length) throw new Error('it has no palette');
    parts.push(chunk('PLTE', palette), ...(transparency ? [chunk('tRNS', transparency)] : []));
  }
  parts.push(chunk('IDAT', deflateSync(data, { level: 0 })), chunk('IEND', new Uint8Array(0)));
  return { png: Buffer.concat(parts), key: keyOf(form, transparency) };
}

/** The contents of chunks, by their types, as far as there are whole ones. */
function readChunks(png: Uint8Array): Readonly<Record<string, readonly Uint8Array[]>> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks: Record<string, Uint8Array[]> = { IHDR: [], PLTE: [], tRNS: [], IDAT: [] };
  for (let at = SIGNATURE_BYTES; ;) {
    const length = at + CHUNK_BYTES <= png.length ? view.getUint32(at) : Infinity;
    const end = at + CHUNK_BYTES + length;
    if (end > png.length) throw new Error('it ends inside a chunk');
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (type === 'IEND') return chunks;
    if (Object.hasOwn(chunks, type)) chunks[type].push(png.subarray(at + 8, end - 4));
    at = end;
  }
}

function headerOf(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colourType, , , interlaced] = bytes.subarray(8);
  if (!colourTypes[colourType]?.depths.includes(depth)) {
    throw new Error(`it has ${depth} bits in the colour type ${colourType}, which PNG does not have`);
  }
  if (width === 0 || height === 0) throw new Error('it has no pixels');
  // The decoder takes a pixel of such for a byte.
  if (depth < 8 && interlaced !== 0) throw new Error(`it is interlaced, with ${depth} bits a pixel, which is not read`);
  return { width, height, depth, colourType, interlaced: interlaced === 1 };
}

/** Bytes of all lines, each with the number of its filter in front. */
function dataSize({ width, height, depth, colourType, interlaced }: Header): number {
  const bits = depth * colourTypes[colourType].samples;
  const sizeOf = (columns: number, rows: number): number =>
    columns > 0 && rows > 0 ? rows * (1 + Math.ceil((columns * bits) / 8)) : 0;
  if (!interlaced) return sizeOf(width, height);
  return passes.reduce(
    (size, [x, y, dx, dy]) => size + sizeOf(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)),
    0,
  );
}

function unpackedData(parts: readonly Uint8Array[], size: number): Uint8Array {
  let data: Uint8Array;
  try {
    data = inflateSync(Buffer.concat(parts), { maxOutputLength: size });
  } catch (cause) {
    const isMore = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new Error(isMore ? 'it has more data than pixels' : 'its data is broken or ends early', { cause });
  }
  if (data.length < size) throw new Error('it has less data than pixels');
  return data;
}

/** 11.3.1.1 */
function keyOf({ colourType }: Header, transparency: Uint8Array | undefined): Uint16Array | null {
  if (!transparency || colourType === PALETTE_TYPE) return null;
  const { samples } = colourTypes[colourType];
  // What has an alpha has no such colour.
  if (colourType > PALETTE_TYPE || transparency.length !== 2 * samples) return null;
  const view = new DataView(transparency.buffer, transparency.byteOffset);
  return Uint16Array.from({ length: samples }, (_, sample) => view.getUint16(2 * sample));
}

/** A chunk without its sum, which the decoder does not look at. */
function chunk(type: string, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(CHUNK_BYTES + content.length);
  bytes.writeUInt32BE(content.length);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  return bytes;
}
