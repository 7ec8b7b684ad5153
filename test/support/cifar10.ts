// CIFAR-10 in small: its binary form, a tar archive, and PNG pictures of noise.

import { encodePng } from '../../src/cli/pictures/png.ts';
import { Random } from '../../src/core/random.ts';
import type { Source } from '../../src/data/index.ts';

const PLANE = 1024;
export const IMAGE = 3 * PLANE;

/** Bytes of noise. */
export function noise(name: string, length: number): Uint8Array {
  const random = new Random(1, name);
  return Uint8Array.from({ length }, () => Math.floor(random.uniform(0, 256)));
}

/** Images `[N, 32, 32, 3]` as records of the binary form, labels 0, 1, … 9, 0, … */
export function recordsOf(pixels: Uint8Array): Uint8Array {
  const count = pixels.length / IMAGE;
  const bytes = new Uint8Array(count * (IMAGE + 1));
  for (let image = 0; image < count; image++) {
    const at = image * (IMAGE + 1);
    bytes[at] = image % 10;
    for (let value = 0; value < IMAGE; value++) {
      const [colour, place] = [value % 3, Math.floor(value / 3)];
      bytes[at + 1 + colour * PLANE + place] = pixels[image * IMAGE + value];
    }
  }
  return bytes;
}

/** A ustar archive. @param type of its entries: "0" is a file, "5" a folder */
export function tarOf(files: Readonly<Record<string, Uint8Array>>, type = '0'): Uint8Array {
  const blocks = Object.entries(files).flatMap(([name, bytes]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${bytes.length.toString(8).padStart(11, '0')} `, 124);
    header.write(' '.repeat(8), 148);
    header.write(type, 156);
    header.write('ustar\0', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Two images in each batch, three to test. */
export const trainPixels = noise('train', 10 * IMAGE);
export const testPixels = noise('test', 3 * IMAGE);

/** The six files of the binary form. */
export const batches: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(
    [0, 1, 2, 3, 4].map((batch) => [
      `data_batch_${batch + 1}.bin`,
      recordsOf(trainPixels.subarray(2 * batch * IMAGE, 2 * (batch + 1) * IMAGE)),
    ]),
  ),
  'test_batch.bin': recordsOf(testPixels),
};

const rows = (pixels: Uint8Array): Uint8Array => encodePng({ width: PLANE, height: pixels.length / IMAGE, pixels });

/** The same ten and three images in PNG pictures of at most four. */
export const sprites: Readonly<Record<string, Uint8Array>> = {
  'train-labels.u8': Uint8Array.from({ length: 10 }, (_, at) => at % 2),
  'test-labels.u8': Uint8Array.of(0, 1, 2),
  'train_00.png': rows(trainPixels.subarray(0, 4 * IMAGE)),
  'train_01.png': rows(trainPixels.subarray(4 * IMAGE, 8 * IMAGE)),
  'train_02.png': rows(trainPixels.subarray(8 * IMAGE)),
  'test_00.png': rows(testPixels),
};

/** Files by their names, some of which are others, or are not there. */
export const sourceOf =
  (files: Readonly<Record<string, Uint8Array>>, others: Readonly<Record<string, Uint8Array | null>> = {}): Source =>
  async (file) =>
    ({ ...files, ...others })[file] ?? null;
