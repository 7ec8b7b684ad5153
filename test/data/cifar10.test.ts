import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodePng, encodePng } from '../../src/cli/pictures/png.ts';
import { DataError, FormatError } from '../../src/core/errors.ts';
import * as inPage from '../../src/data/index.ts';
import { cifar10Classes, type Dataset, type Source } from '../../src/data/index.ts';
import { cifar10Entry } from '../../src/data/download/catalogue.ts';
import { cifar10 } from '../../src/node/data.ts';
import { folder } from '../../src/node.ts';
import {
  batches,
  IMAGE,
  noise,
  recordsOf,
  sourceOf,
  sprites,
  tarOf,
  testPixels,
  trainPixels,
} from '../support/cifar10.ts';

const realData = process.env['MILLRACE_DATA'];
const ARCHIVE = cifar10Entry.files[0].name;

const bytesOf = ({ fields }: Dataset, name: string): number[] => Array.from(fields[name].data);

/** The publisher's folder as a tar.gz. */
const archive = (files = batches, below = 'cifar-10-batches-bin'): Uint8Array =>
  gzipSync(tarOf(Object.fromEntries(Object.entries(files).map(([name, file]) => [`${below}/${name}`, file]))));

describe('cifar10', () => {
  test.each([
    ['the six files', sourceOf(batches)],
    ['the publisher’s archive', sourceOf({ [ARCHIVE]: archive() })],
    ['an archive made of ./ and its folder', sourceOf({ [ARCHIVE]: archive(batches, './cifar-10-batches-bin') })],
    ['an archive made inside the folder', sourceOf({ [ARCHIVE]: archive(batches, '.') })],
    ['an archive with doubled slashes', sourceOf({ [ARCHIVE]: archive(batches, './/cifar-10-batches-bin/') })],
    ['the six files beside an archive of no bytes', sourceOf(batches, { [ARCHIVE]: new Uint8Array(0) })],
    ['an archive that was unpacked only', sourceOf({ [ARCHIVE]: tarOf(batches) })],
  ])('reads %s, planes as colours side by side', async (_, source) => {
    const { train, test: held, origin } = await cifar10(source);
    expect(bytesOf(train, 'image')).toEqual(Array.from(trainPixels));
    expect(bytesOf(held, 'image')).toEqual(Array.from(testPixels));
    expect(bytesOf(train, 'label')).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    expect(bytesOf(held, 'label')).toEqual([0, 1, 2]);
    expect([train.fields['image'].shape, train.fields['image'].dtype, origin.kind]).toEqual([
      [32, 32, 3],
      'u8',
      'given',
    ]);
  });

  test('reads PNG pictures whose rows are images, with a decoder that is given', async () => {
    const { train, test: held } = await cifar10({ source: sourceOf(sprites), decode: decodePng });
    expect(bytesOf(train, 'image')).toEqual(Array.from(trainPixels));
    expect(bytesOf(held, 'image')).toEqual(Array.from(testPixels));
    expect(bytesOf(held, 'label')).toEqual([0, 1, 2]);
  });

  test('leaves out the alpha that a decoder adds', async () => {
    const withAlpha = (png: Uint8Array) => {
      const { data, ...size } = decodePng(png);
      const pixels = Array.from({ length: data.length / 3 }, (_, at) => [...data.subarray(3 * at, 3 * at + 3), 255]);
      return { ...size, channels: 4, data: Uint8ClampedArray.from(pixels.flat()) };
    };
    const { train } = await cifar10({ source: sourceOf(sprites), decode: async (png) => withAlpha(png) });
    expect(bytesOf(train, 'image')).toEqual(Array.from(trainPixels));
  });

  test('names ten classes, and gives images scaled to the set’s mean and deviation', async () => {
    expect(cifar10Classes).toHaveLength(10);
    expect([cifar10Classes[0], cifar10Classes[3], cifar10Classes[9]]).toEqual(['airplane', 'cat', 'truck']);
    const { image, label } = (await cifar10(sourceOf(batches))).train.fields;
    const seen = (byte: number): number => byte * image.scale!.scale + image.scale!.offset;
    expect(seen(255 * 0.4734)).toBeCloseTo(0, 12);
    expect(seen(255 * (0.4734 + 0.2516))).toBeCloseTo(1, 12);
    expect(label.scale).toBeNull();
  });

  const cut = recordsOf(noise('cut', IMAGE)).subarray(0, 3000);
  const wrongLabel = Uint8Array.from(batches['data_batch_2.bin']);
  wrongLabel[3073] = 10;
  const small = encodePng({ width: 32, height: 32, pixels: new Uint8Array(IMAGE) });
  const longTar = tarOf(batches).subarray(0, 3000);
  test.each([
    ['nothing at all', {}, {}, /no cifar-10-binary\.tar\.gz, data_batch_1\.bin or train-labels\.u8: give/],
    [
      'an archive of no bytes',
      { [ARCHIVE]: new Uint8Array(0) },
      {},
      /no cifar-10-binary\.tar\.gz, data_batch_1\.bin or/,
    ],
    ['a batch too few', batches, { 'data_batch_4.bin': null }, /there is no data_batch_4\.bin: six files are needed/],
    ['no test batch', batches, { 'test_batch.bin': null }, /there is no test_batch\.bin: six files/],
    ['a batch cut short', batches, { 'data_batch_3.bin': cut }, /data_batch_3\.bin has 3000 bytes, .* records of 3073/],
    ['an empty batch', batches, { 'data_batch_3.bin': new Uint8Array(0) }, /data_batch_3\.bin has 0 bytes/],
    ['a page for an archive', { [ARCHIVE]: Buffer.from('<html>'.repeat(200)) }, {}, /tar\.gz is no tar archive/],
    [
      'an archive cut short',
      { [ARCHIVE]: longTar },
      {},
      /ends inside data_batch_1\.bin, of which it holds 2488 of 6146/,
    ],
    ['no labels to test on', sprites, { 'test-labels.u8': null }, /there is no test-labels\.u8, or it is empty/],
    ['a picture too few', sprites, { 'train_02.png': null }, /no train_02\.png: .* 10 labels, .* hold 8 images/],
    ['pictures of others', sprites, { 'train-labels.u8': new Uint8Array(7) }, /train_01\.png holds 4 .* 3 labels left/],
    // Room for all of these images would be nine gigabytes.
    [
      'labels without pictures',
      sprites,
      { 'train-labels.u8': new Uint8Array(3_000_000) },
      /no train_03\.png: .* hold 10/,
    ],
    ['a picture of one image', sprites, { 'train_00.png': small }, /train_00\.png is 32 × 32 in 3 channels, but rows/],
    ['a picture that is none', sprites, { 'train_01.png': cut }, /train_01\.png cannot be read as PNG: .*signature/],
  ])('of %s is a FormatError that says so', async (_, files, others: Record<string, Uint8Array | null>, message) => {
    const failed = cifar10({ source: sourceOf(files, others), decode: decodePng });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(FormatError);
  });

  test('asks no decoder for more pixels than there are labels', async () => {
    const huge = Buffer.from(sprites['train_00.png']);
    huge.writeUInt32BE(2 ** 20, 16);
    huge.writeUInt32BE(2 ** 20, 20);
    const decode = vi.fn<typeof decodePng>(decodePng);
    await expect(cifar10({ source: sourceOf(sprites, { 'train_00.png': huge }), decode })).rejects.toThrow(
      '[cifar10] train_00.png holds 1073741824 images, but train-labels.u8 has 10 labels left for them',
    );
    expect(decode).not.toHaveBeenCalled();
  });

  test.each([
    ['data_batch_2.bin', sourceOf(batches, { 'data_batch_2.bin': wrongLabel }), 1],
    ['train-labels.u8', sourceOf(sprites, { 'train-labels.u8': Uint8Array.of(0, 1, 2, 10) }), 3],
  ])('of a label beyond 9 in %s is a DataError that names it', async (file, source, at) => {
    const failed = cifar10({ source, decode: decodePng });
    await expect(failed).rejects.toThrow(`[cifar10] ${file}: label ${at} is 10, but labels are 0 … 9`);
    await expect(failed).rejects.toBeInstanceOf(DataError);
  });

  test('of PNG pictures without a decoder says what to do, in Node', async () => {
    await expect(cifar10(sourceOf(sprites))).rejects.toThrow(
      'train_00.png is a picture, and nothing here reads PNG: give a reader as decode, or cifar-10-binary.tar.gz',
    );
  });
});

test('a tar archive’s folders are passed over', async () => {
  // Under the name of a file, behind it, in place of the two empty blocks.
  const folders = tarOf({ 'data_batch_1.bin': new Uint8Array(0) }, '5');
  const withFolders = Buffer.concat([tarOf(batches).subarray(0, -1024), folders]);
  expect((await cifar10(sourceOf({ [ARCHIVE]: withFolders }))).train.length).toBe(10);
});

describe('where CIFAR-10 is looked for', () => {
  let root = '';
  const fetched = vi.fn<(url: string) => Promise<Response>>(() => Promise.reject(new TypeError('fetch failed')));
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-data-'));
    fetched.mockClear();
    vi.stubGlobal('fetch', fetched);
    vi.stubEnv('MILLRACE_DATA', '');
    vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
  });
  afterEach(async () => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
    await rm(root, { recursive: true });
  });

  test('MILLRACE_DATA’s folder cifar10 comes first, and in it the folder that the archive unpacks to', async () => {
    const where = join(root, 'cifar10');
    await mkdir(join(where, 'cifar-10-batches-bin'), { recursive: true });
    for (const [name, file] of Object.entries(batches))
      await writeFile(join(where, 'cifar-10-batches-bin', name), file);
    vi.stubEnv('MILLRACE_DATA', root);
    const { train, origin } = await cifar10();
    expect([train.length, origin]).toEqual([10, { kind: 'folder', text: where }]);
    expect(fetched).not.toHaveBeenCalled();
  });

  test.each<[string, (where: string) => Promise<unknown>]>([
    ['a folder of the archive’s name', (where) => mkdir(join(where, ARCHIVE))],
    ['a file of the name of the archive’s folder', (where) => writeFile(join(where, 'cifar-10-batches-bin'), '')],
    [
      'a batch in a folder of its name',
      async (where) => {
        await rename(join(where, 'data_batch_3.bin'), join(where, 'batch'));
        await mkdir(join(where, 'data_batch_3.bin'));
        await rename(join(where, 'batch'), join(where, 'data_batch_3.bin', 'data_batch_3.bin'));
      },
    ],
  ])('a folder of its files may have %s', async (_, arrange) => {
    for (const [name, file] of Object.entries(batches)) await writeFile(join(root, name), file);
    await arrange(root);
    expect((await cifar10(folder(root))).train.fields['image'].data).toEqual(trainPixels);
  });

  test('without files and network, Node asks the publisher and says how to bring the files', async () => {
    await expect(cifar10()).rejects.toThrow(
      /^\[cifar10\] no mirror of CIFAR-10 can be reached \(www\.cs\.toronto\.edu: fetch failed\); MILLRACE_DATA is not set; .* or give a folder of the six files data_batch_1\.bin … test_batch\.bin, or cifar-10-binary\.tar\.gz: by MILLRACE_DATA/,
    );
    expect(new Set(fetched.mock.calls.map(([url]) => url))).toEqual(
      new Set(['https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz']),
    );
  });

  test('a page, which no server lets read it, asks none', async () => {
    await expect(inPage.cifar10()).rejects.toThrow(
      '[cifar10] no mirror of CIFAR-10 lets a page read its files, and no files were given: give the six files',
    );
    expect(fetched).not.toHaveBeenCalled();
  });
});

const realFolder = join(realData ?? '', 'cifar10');
const hasReal = realData !== undefined && existsSync(realFolder);
if (realData && !hasReal) console.warn(`${realFolder} is no folder: THE TESTS ON THE REAL CIFAR-10 DID NOT RUN.`);

/** The real images, but only the first to learn from: pictures take long to decode. */
const shortened = (length: number): Source => {
  const source = folder(realFolder);
  return async (file) => {
    const bytes = await source(file);
    return file === 'train-labels.u8' ? bytes!.subarray(0, length) : bytes;
  };
};

test.runIf(hasReal)('the real images have the known means and deviations', async () => {
  const { train, test: held } = await cifar10({ source: shortened(4000), decode: decodePng });
  expect([train.length, held.length]).toEqual([4000, 2000]);
  // Of all 50,000 and 10,000; so small a part strays by up to a hundredth.
  const known = [
    [train, [0.4914, 0.48216, 0.44653], [0.24703, 0.24349, 0.26159]],
    [held, [0.49421, 0.48513, 0.45041], [0.24665, 0.24289, 0.26159]],
  ] as const;
  for (const [{ fields }, means, deviations] of known) {
    for (let channel = 0; channel < 3; channel++) {
      const [mean, deviation] = statisticsOf(fields['image'].data as Uint8Array, channel);
      expect(Math.abs(mean - means[channel])).toBeLessThan(0.01);
      expect(Math.abs(deviation - deviations[channel])).toBeLessThan(0.01);
    }
  }
  expect(
    bytesOf(train, 'label')
      .slice(0, 4)
      .map((label) => cifar10Classes[label]),
  ).toEqual(['frog', 'truck', 'truck', 'deer']);
});

/** Mean and standard deviation of a channel, as shares of 255. */
function statisticsOf(data: Uint8Array, channel: number): readonly [number, number] {
  let [sum, squares] = [0, 0];
  for (let at = channel; at < data.length; at += 3) {
    sum += data[at] / 255;
    squares += (data[at] / 255) ** 2;
  }
  const [mean, square] = [sum / (data.length / 3), squares / (data.length / 3)];
  return [mean, Math.sqrt(square - mean ** 2)];
}
