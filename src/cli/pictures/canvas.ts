import { eachDot } from './bitmapFont.ts';
import type { Raster } from './png.ts';

/** Red, green and blue, 0 … 255. */
export type Colour = readonly [number, number, number];

export const WHITE: Colour = [255, 255, 255];
export const INK: Colour = [32, 32, 32];

/** From one colour to another. @param share 0 … 1 */
export const mix = (from: Colour, to: Colour, share: number): Colour => {
  const at = (channel: 0 | 1 | 2): number => Math.round(from[channel] + (to[channel] - from[channel]) * share);
  return [at(0), at(1), at(2)];
};

/** A raster that is drawn on. */
export class Canvas implements Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;

  constructor(width: number, height: number, ground: Colour) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(3 * width * height);
    this.fill(0, 0, width, height, ground);
  }

  fill(left: number, top: number, width: number, height: number, [red, green, blue]: Colour): void {
    for (let y = top; y < top + height; y++) {
      for (let at = 3 * (y * this.width + left), end = at + 3 * width; at < end; at += 3) {
        this.pixels[at] = red;
        this.pixels[at + 1] = green;
        this.pixels[at + 2] = blue;
      }
    }
  }

  /** A line of text with its first letter's upper left corner at a place. @param dot pixels of a letter's dot */
  text(text: string, left: number, top: number, dot: number, colour: Colour): void {
    eachDot(text, (right, down) => this.fill(left + dot * right, top + dot * down, dot, dot, colour));
  }

  /** A line of text that is read upwards: the first letter's corner is the lower left one, and `bottom` is below it. */
  textUpwards(text: string, left: number, bottom: number, dot: number, colour: Colour): void {
    eachDot(text, (right, down) => this.fill(left + dot * down, bottom - dot * (right + 1), dot, dot, colour));
  }
}
