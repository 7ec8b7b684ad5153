import { describe, expect, test } from 'vitest';
import { decodePng } from '../../src/cli/pictures/png.ts';
import { onGround, type Ground, type Pixels } from '../../src/data/index.ts';
import { cifar10 } from '../../src/node/data.ts';
import { IMAGE, noise, sourceOf, sprites, testPixels } from '../support/cifar10.ts';
import { encode } from 'fast-png';
import { pngOf, type PngParts } from '../support/png.ts';

const picture = (channels: number, ...data: number[]): Pixels => ({
  width: data.length / channels,
  height: 1,
  channels,
  data: Uint8Array.from(data),
});

describe('a picture on a ground', () => {
  test.each<[string, Pixels, Ground, number[]]>([
    ['grey with alpha on grey', picture(2, 200, 255, 200, 0, 200, 51), 100, [200, 100, 120]],
    ['colours with alpha on grey', picture(4, 255, 0, 10, 0, 255, 0, 10, 51), 50, [50, 50, 50, 91, 40, 42]],
    ['colours with alpha on a colour', picture(4, 9, 9, 9, 0, 0, 100, 200, 255), [1, 2, 3], [1, 2, 3, 0, 100, 200]],
    ['grey with alpha on a colour', picture(2, 255, 0, 100, 255), [1, 2, 3], [1, 2, 3, 100, 100, 100]],
    ['black ink on white', picture(4, 0, 0, 0, 80), 255, [175, 175, 175]],
  ])('%s is what is seen', (_, pixels, ground, wanted) => {
    const { data, channels } = onGround(pixels, ground);
    expect([Array.from(data), channels]).toEqual([wanted, wanted.length / pixels.width]);
  });

  test('is itself where it has no alpha', () => {
    for (const opaque of [picture(1, 5, 6), picture(3, 5, 6, 7)]) expect(onGround(opaque, 9)).toBe(opaque);
  });

  test('of noise is off by half a level at most, on any ground', () => {
    const pixels = { width: 100, height: 5, channels: 4, data: noise('alpha', 2000) };
    const ground: Ground = [7, 201, 128];
    const { data } = onGround(pixels, ground);
    for (let at = 0; at < data.length; at++) {
      const [pixel, channel] = [Math.floor(at / 3), at % 3];
      const alpha = pixels.data[4 * pixel + 3] / 255;
      const wanted = pixels.data[4 * pixel + channel] * alpha + ground[channel] * (1 - alpha);
      expect(Math.abs(data[at] - wanted)).toBeLessThanOrEqual(0.5);
    }
  });
});

describe('the pixels of a PNG file', () => {
  const kinds: readonly (readonly [string, PngParts, number, number[]])[] = [
    ['grey of 8 bits', { width: 2, type: 'grey', depth: 8, rows: [[3, 250]] }, 1, [3, 250]],
    [
      'grey of 1 bit',
      { width: 3, type: 'grey', depth: 1, rows: [[0b101_00000], [0b010_11111]] },
      1,
      [255, 0, 255, 0, 255, 0],
    ],
    [
      'grey of 2 bits',
      { width: 5, type: 'grey', depth: 2, rows: [[0b00_01_10_11, 0b10_000000]] },
      1,
      [0, 85, 170, 255, 170],
    ],
    ['grey of 4 bits', { width: 3, type: 'grey', depth: 4, rows: [[0x0f, 0x70]] }, 1, [0, 255, 119]],
    ['grey of 16 bits', { width: 3, type: 'grey', depth: 16, rows: [[0, 127, 0, 255, 0xff, 0xff]] }, 1, [0, 1, 255]],
    [
      'grey of 16 bits with an alpha',
      { width: 2, type: 'greyAlpha', depth: 16, rows: [[0x40, 0x40, 0x80, 0x80, 9, 9, 0, 0]] },
      2,
      [0x40, 0x80, 9, 0],
    ],
    [
      'grey with a transparent level',
      { width: 3, type: 'grey', depth: 8, rows: [[7, 8, 7]], transparency: [0, 7] },
      2,
      [7, 0, 8, 255, 7, 0],
    ],
    [
      'grey of 2 bits with a transparent level',
      { width: 4, type: 'grey', depth: 2, rows: [[0b00_01_10_11]], transparency: [0, 3] },
      2,
      [0, 255, 85, 255, 170, 255, 255, 0],
    ],
    [
      // Both become one byte, but only one of them is the level.
      'grey of 16 bits with a transparent level',
      { width: 2, type: 'grey', depth: 16, rows: [[0x40, 0x41, 0x40, 0x42]], transparency: [0x40, 0x42] },
      2,
      [0x40, 255, 0x40, 0],
    ],
    [
      'colours with a transparent one',
      {
        width: 4,
        type: 'colours',
        depth: 8,
        rows: [[1, 2, 3, 1, 2, 4, 1, 2, 3, 3, 2, 1]],
        transparency: [0, 1, 0, 2, 0, 3],
      },
      4,
      [1, 2, 3, 0, 1, 2, 4, 255, 1, 2, 3, 0, 3, 2, 1, 255],
    ],
    [
      'a palette',
      { width: 3, type: 'palette', depth: 2, rows: [[0b00_10_01_00]], palette: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
      3,
      [1, 2, 3, 7, 8, 9, 4, 5, 6],
    ],
    [
      'a palette that is transparent in part',
      { width: 2, type: 'palette', depth: 8, rows: [[1, 0]], palette: [1, 2, 3, 4, 5, 6], transparency: [77] },
      4,
      [4, 5, 6, 255, 1, 2, 3, 77],
    ],
    [
      'colours that bring a palette along',
      { width: 1, type: 'colours', depth: 8, rows: [[200, 100, 50]], palette: [1, 2, 3] },
      3,
      [200, 100, 50],
    ],
    [
      'colours with an alpha that bring a palette along',
      { width: 1, type: 'coloursAlpha', depth: 8, rows: [[200, 100, 50, 25]], palette: [1, 2, 3] },
      4,
      [200, 100, 50, 25],
    ],
  ];
  test.each(kinds)('of %s', (_, parts, channels, wanted) => {
    const read = decodePng(pngOf(parts));
    expect([read.channels, read.width, Array.from(read.data)]).toEqual([channels, parts.width, wanted]);
  });

  test('are not read where they are interlaced and smaller than a byte', () => {
    for (const type of ['grey', 'palette'] as const) {
      const parts: PngParts = {
        width: 9,
        type,
        depth: 1,
        rows: [
          [0, 0],
          [0, 0],
        ],
        interlaced: true,
        palette: [1, 2, 3],
      };
      expect(() => decodePng(pngOf(parts))).toThrow('it is interlaced, with 1 bits a pixel, which is not read');
    }
  });
});

describe('CIFAR-10 in pictures with transparency', () => {
  const alpha = noise('sprite alpha', testPixels.length / 3);
  const rows = (ofPixel: (pixel: number) => number): Uint8Array => {
    const data = Uint8Array.from({ length: (testPixels.length / 3) * 4 }, (_, at) =>
      at % 4 < 3 ? testPixels[3 * (at >> 2) + (at % 4)] : ofPixel(at >> 2),
    );
    return encode({ width: 1024, height: testPixels.length / IMAGE, channels: 4, depth: 8, data });
  };
  const read = async (ofPixel: (pixel: number) => number, ground?: Ground): Promise<Uint8Array> => {
    const source = sourceOf(sprites, { 'test_00.png': rows(ofPixel) });
    return (await cifar10({ source, decode: decodePng, ground })).test.fields['image'].data as Uint8Array;
  };

  test('is the same where all of it is opaque, whatever the ground', async () => {
    expect(await read(() => 255, [1, 2, 3])).toEqual(testPixels);
  });

  test.each<[string, Ground | undefined, readonly number[]]>([
    ['the set’s mean grey', undefined, [121, 121, 121]],
    ['a ground that is given', [255, 0, 90], [255, 0, 90]],
  ])('shows %s through what is transparent', async (_, ground, behind) => {
    const seen = await read((pixel) => alpha[pixel], ground);
    const wanted = testPixels.map((value, at) => {
      const share = alpha[Math.floor(at / 3)] / 255;
      return Math.round(value * share + behind[at % 3] * (1 - share));
    });
    expect(seen).toEqual(wanted);
  });
});
