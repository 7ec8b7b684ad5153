import { convertIndexedToRgb, decode, encode, hasPngSignature } from 'fast-png';
import type { Pixels } from '../../data/index.ts';
import { chunksOf } from './pngChunks.ts';

/** A picture of three bytes a pixel: red, green, blue, row by row. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export const isPng = (bytes: Uint8Array): boolean => hasPngSignature(bytes);

/**
 * The pixels of a PNG file, with an alpha where it has any transparency. Values finer than bytes are rounded to them.
 * @throws Error if it is damaged, or of a kind that is not read
 */
export function decodePng(png: Uint8Array): Pixels {
  if (!isPng(png)) throw new Error('its signature is not that of PNG');
  const { png: plain, key } = chunksOf(png);
  const picture = decode(plain);
  const { width, height, channels, depth, palette, data } = picture;
  if (palette) {
    const colours = convertIndexedToRgb(picture);
    return { width, height, channels: colours.length / (width * height), data: colours };
  }
  const samples = depth < 8 ? samplesIn(data, width, height, depth) : data;
  const most = 2 ** depth - 1;
  const bytes =
    depth === 8 ? (data as Uint8Array) : Uint8Array.from(samples, (value) => Math.round((value / most) * 255));
  if (!key) return { width, height, channels, data: bytes };
  return { width, height, channels: channels + 1, data: withAlpha(bytes, samples, key) };
}

const bytesPerRow = (width: number, depth: number): number => Math.ceil((width * depth) / 8);

/** Grey of 1, 2 or 4 bits, the highest of a byte first; rows begin with a byte. */
function samplesIn(data: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, pixel) => {
    const bit = (pixel % width) * depth;
    const byte = data[Math.floor(pixel / width) * bytesPerRow(width, depth) + (bit >> 3)];
    return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  });
}

/** Pixels with an alpha behind: 0 where the file's own samples are those of the colour that it names transparent. */
function withAlpha(bytes: Uint8Array, samples: ArrayLike<number>, transparent: ArrayLike<number>): Uint8Array {
  const channels = transparent.length;
  const wider = new Uint8Array((bytes.length / channels) * (channels + 1));
  for (let from = 0, to = 0; from < bytes.length; from += channels, to += channels + 1) {
    let differs = false;
    for (let channel = 0; channel < channels; channel++) {
      wider[to + channel] = bytes[from + channel];
      differs ||= samples[from + channel] !== transparent[channel];
    }
    wider[to + channels] = differs ? 255 : 0;
  }
  return wider;
}

/** The bytes of a PNG file. */
export const encodePng = ({ width, height, pixels }: Raster): Uint8Array =>
  encode({ width, height, data: pixels, channels: 3, depth: 8 });
