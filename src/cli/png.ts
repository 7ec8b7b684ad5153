import { convertIndexedToRgb, decode, encode, hasPngSignature } from 'fast-png';
import type { Pixels } from '../data/index.ts';

/** A picture of three bytes a pixel: red, green, blue, row by row. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export const isPng = (bytes: Uint8Array): boolean => hasPngSignature(bytes);

/** The pixels of a PNG file. Finer values than bytes lose what is finer. @throws Error if it is damaged */
export function decodePng(png: Uint8Array): Pixels {
  const picture = decode(png);
  const { width, height, channels, depth, data } = picture;
  if (picture.palette) {
    const colours = convertIndexedToRgb(picture);
    return { width, height, channels: colours.length / (width * height), data: colours };
  }
  if (depth === 16) return { width, height, channels, data: Uint8Array.from(data, (value) => value >> 8) };
  if (depth === 8) return { width, height, channels, data: data as Uint8Array };
  throw new Error(`its pixels have ${depth} bits, where 8 or 16 are read`);
}

/** The bytes of a PNG file. */
export const encodePng = ({ width, height, pixels }: Raster): Uint8Array =>
  encode({ width, height, data: pixels, channels: 3, depth: 8 });
