import { deflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { decodePng } from '../../src/cli/pictures/png.ts';
import { chunk, pngFile, pngOf, SIGNATURE, type PngParts } from '../support/png.ts';

const grey: PngParts = { width: 2, type: 'grey', depth: 8, rows: [[7, 9]] };

/** A file with chunks put in front of its data. */
function withChunks(parts: PngParts, ...chunks: readonly Buffer[]): Buffer {
  const png = Buffer.from(pngOf(parts));
  const at = png.indexOf('IDAT') - 4;
  return Buffer.concat([png.subarray(0, at), ...chunks, png.subarray(at)]);
}

describe('a PNG file', () => {
  const zeros = deflateSync(new Uint8Array(2 ** 20));
  test.each<readonly [string, Uint8Array, string]>([
    ['that is none', Buffer.from('GIF89a and so on'), 'its signature is not that of PNG'],
    ['without chunks', SIGNATURE, 'it ends inside a chunk'],
    ['without a header', Buffer.concat([SIGNATURE, chunk('IEND', new Uint8Array(0))]), 'it has no header'],
    ['that was cut', pngOf(grey).subarray(0, -1), 'it ends inside a chunk'],
    ['whose chunk is of 4 GiB', pngFile([2, 1, 8, 0], zeros).fill(255, 33, 37), 'it ends inside a chunk'],
    ['of no rows', pngFile([2, 0, 8, 0], zeros), 'it has no pixels'],
    ['of no columns', pngFile([0, 2, 8, 0], zeros), 'it has no pixels'],
    [
      'of colours in 4 bits',
      pngFile([2, 2, 4, 2], zeros),
      'it has 4 bits in the colour type 2, which PNG does not have',
    ],
    [
      'of colours of type 5',
      pngFile([2, 2, 8, 5], zeros),
      'it has 8 bits in the colour type 5, which PNG does not have',
    ],
    ['that is interlaced, of 4 bits', pngFile([2, 2, 4, 0, 1], zeros), 'it is interlaced, with 4 bits a pixel'],
    ['in colours of a palette without one', pngOf({ ...grey, type: 'palette' }), 'it has no palette'],
    ['in colours of an empty one', pngOf({ ...grey, type: 'palette', palette: [] }), 'it has no palette'],
    [
      'that announces 2⁶² pixels',
      pngFile([2 ** 31 - 1, 2 ** 31 - 1, 8, 6], zeros),
      'it has 2147483647 × 2147483647 pixels in 1096 bytes, so that it seems made to fill the memory',
    ],
    ['that announces more than 64 MiB', pngFile([2 ** 13, 2 ** 13, 8, 0], zeros), 'so that it seems made to fill'],
    ['that unpacks to more than its pixels', pngFile([2, 1, 8, 0], zeros), 'it has more data than pixels'],
    ['that unpacks to less', pngFile([1024, 1024, 8, 0], zeros), 'it has less data than pixels'],
    ['that unpacks to less, interlaced', pngFile([1024, 1024, 8, 0, 1], zeros), 'it has less data than pixels'],
    ['whose data was cut', pngFile([1023, 1024, 8, 0], zeros.subarray(0, -9)), 'its data is broken or ends early'],
    ['whose data is none', pngFile([2, 1, 8, 0], Uint8Array.of(1, 2, 3)), 'its data is broken or ends early'],
  ])('%s is refused', (_, png, message) => {
    expect(() => decodePng(png)).toThrow(message);
  });

  test('is read if it is small, however little it packs to', () => {
    // A line of 1023 pixels has a byte in front.
    const png = pngFile([2 ** 10 - 1, 2 ** 10, 8, 0], zeros);
    expect(decodePng(png).data).toHaveLength((2 ** 10 - 1) * 2 ** 10);
  });

  test('has profiles and texts that are not looked at', () => {
    // One of the first would unpack to a thousand times itself.
    const profile = chunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), deflateSync(new Uint8Array(2 ** 20))]));
    const png = withChunks(
      grey,
      profile,
      chunk('tEXt', Buffer.from('no end')),
      chunk('\u00ff\u0000aa', Buffer.alloc(3)),
    );
    expect(decodePng(png)).toEqual({ width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 9) });
  });

  test('has one header, one palette and one colour that is transparent: the first', () => {
    const other = Buffer.alloc(13, 1);
    expect(decodePng(withChunks(grey, chunk('IHDR', other))).width).toBe(2);
    const indexed: PngParts = {
      ...grey,
      type: 'palette',
      rows: [[1, 0]],
      palette: [1, 2, 3, 4, 5, 6],
      transparency: [8],
    };
    const doubled = withChunks(indexed, chunk('PLTE', Buffer.alloc(6)), chunk('tRNS', Buffer.alloc(2)));
    expect(Array.from(decodePng(doubled).data)).toEqual([4, 5, 6, 255, 1, 2, 3, 8]);
  });

  test('in greys or with an alpha has no palette, whatever it brings', () => {
    expect(decodePng(pngOf({ ...grey, palette: [1, 2, 3] }))).toMatchObject({ channels: 1, data: Uint8Array.of(7, 9) });
    const alpha = pngOf({ ...grey, type: 'greyAlpha', width: 1, transparency: [0, 7] });
    expect(decodePng(alpha)).toMatchObject({ channels: 2, data: Uint8Array.of(7, 9) });
  });

  test('of a single pixel may name a colour that is transparent', () => {
    const colour = pngOf({ width: 1, type: 'colours', depth: 8, rows: [[1, 2, 3]], transparency: [0, 1, 0, 2, 0, 3] });
    expect(Array.from(decodePng(colour).data)).toEqual([1, 2, 3, 0]);
  });

  test('that is interlaced has as much data as its passes', () => {
    for (const [width, height] of [
      [1, 1],
      [3, 5],
      [8, 8],
      [13, 9],
    ]) {
      const lines = (columns: number, rows: number): number => (columns > 0 ? rows * (1 + 3 * columns) : 0);
      const at = (size: number, from: number, step: number): number => Math.ceil((size - from) / step);
      const size =
        lines(at(width, 0, 8), at(height, 0, 8)) +
        lines(at(width, 4, 8), at(height, 0, 8)) +
        lines(at(width, 0, 4), at(height, 4, 8)) +
        lines(at(width, 2, 4), at(height, 0, 4)) +
        lines(at(width, 0, 2), at(height, 2, 4)) +
        lines(at(width, 1, 2), at(height, 0, 2)) +
        lines(width, at(height, 1, 2));
      expect(decodePng(pngFile([width, height, 8, 2, 1], deflateSync(new Uint8Array(size)))).data).toHaveLength(
        3 * width * height,
      );
      expect(() => decodePng(pngFile([width, height, 8, 2, 1], deflateSync(new Uint8Array(size + 1))))).toThrow('more');
      expect(() => decodePng(pngFile([width, height, 8, 2, 1], deflateSync(new Uint8Array(size - 1))))).toThrow('less');
    }
  });

  test('may have its data in several chunks', () => {
    const png = encode({
      width: 40,
      height: 30,
      channels: 1,
      data: Uint8Array.from({ length: 1200 }, (_, i) => i % 251),
    });
    const at = Buffer.from(png).indexOf('IDAT') - 4;
    const data = png.subarray(at + 8, at + 8 + Buffer.from(png).readUInt32BE(at));
    const parts = [data.subarray(0, 5), new Uint8Array(0), data.subarray(5)].map((part) => chunk('IDAT', part));
    const divided = Buffer.concat([png.subarray(0, at), ...parts, chunk('IEND', new Uint8Array(0))]);
    expect(decodePng(divided)).toEqual(decodePng(png));
  });
});
