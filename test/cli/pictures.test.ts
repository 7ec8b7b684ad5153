import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { confusionPicture } from '../../src/cli/pictures/confusionPicture.ts';
import { filtersPicture, firstFilters } from '../../src/cli/pictures/filters.ts';
import { eachDot, textWidth } from '../../src/cli/pictures/bitmapFont.ts';
import type { PredictCommand, TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { formatMistakes } from '../../src/cli/evaluationReport.ts';
import { readImages } from '../../src/cli/pictures/readImages.ts';
import { readModel } from '../../src/cli/modelFile.ts';
import { inGrey } from '../../src/cli/pictures/terminalPictures.ts';
import { decodePng, encodePng, type Raster } from '../../src/cli/pictures/png.ts';
import { predict } from '../../src/cli/predict.ts';
import { openTable } from '../../src/cli/tasks/tables.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { train } from '../../src/cli/train.ts';
import { dataset } from '../../src/data/index.ts';
import { cifar10 } from '../../src/node/data.ts';
import { batches, noise, recordsOf, sourceOf, sprites, testPixels } from '../support/cifar10.ts';

const at = ({ pixels, width }: Raster, x: number, y: number): number[] =>
  Array.from(pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3));

describe('filters', () => {
  test('of a convolution are its windows, of a dense layer its weights in the image’s shape', () => {
    const conv = { shape: [3, 3, 3, 8], data: new Float32Array(216) };
    const bias = { shape: [8], data: new Float32Array(8) };
    expect(firstFilters({ bias, conv }, [32, 32, 3])).toBe(conv);
    const dense = { shape: [12, 5], data: new Float32Array(60) };
    expect(firstFilters({ dense, bias }, [2, 2, 3])).toEqual({ shape: [2, 2, 3, 5], data: dense.data });
    expect(firstFilters({ dense, bias }, [3, 4])?.shape).toEqual([3, 4, 1, 5]);
  });

  test('are none where the first layer sees no image', () => {
    expect(firstFilters({ dense: { shape: [7, 5], data: new Float32Array(35) } }, [2, 3])).toBeNull();
    expect(firstFilters({}, [2, 3])).toBeNull();
  });

  test('are enlarged, mid-grey at 0, and in colours where they see three channels', () => {
    // Two filters of one pixel each: in, out.
    const data = Float32Array.of(1, 0, -2, 0, 0, 0);
    const picture = filtersPicture({ shape: [1, 1, 3, 2], data });
    expect([picture.width, picture.height]).toEqual([2 + 2 * 58, 2 + 58]);
    for (const [x, y] of [
      [2, 2],
      [57, 57],
      [30, 30],
    ])
      expect(at(picture, x, y)).toEqual([192, 1, 128]);
    expect(at(picture, 60, 2)).toEqual([128, 128, 128]);
    expect([at(picture, 58, 2), at(picture, 0, 0)]).toEqual([
      [255, 255, 255],
      [255, 255, 255],
    ]);
  });

  test('stand upright, one behind the other, each held against its own largest', () => {
    // Two windows of two rows of three, grey: in the first the upper right weighs most, in the second the lower left.
    const data = new Float32Array(12);
    data[2 * 2] = 1;
    data[2 * 3 + 1] = -0.01;
    const picture = filtersPicture({ shape: [2, 3, 1, 2], data });
    const [zoom, grey] = [18, [128, 128, 128]];
    const pixel = (filter: number, x: number, y: number) =>
      at(picture, 2 + filter * (3 * zoom + 2) + x * zoom, 2 + y * zoom);
    expect([pixel(0, 2, 0), pixel(0, 0, 1), pixel(0, 1, 1)]).toEqual([[255, 255, 255], grey, grey]);
    expect([pixel(1, 2, 0), pixel(1, 0, 1), pixel(1, 1, 1)]).toEqual([grey, [1, 1, 1], grey]);
  });

  test('of more than three channels are the mean of them, and of more than 256 the first ones', () => {
    const picture = filtersPicture({ shape: [1, 1, 4, 1], data: Float32Array.of(1, 1, -1, -1) });
    expect(at(picture, 2, 2)).toEqual([128, 128, 128]);
    expect(filtersPicture({ shape: [1, 1, 1, 300], data: new Float32Array(300) }).width).toBe(2 + 16 * 58);
  });
});

describe('a confusion matrix', () => {
  const classes = ['a', 'b'];
  const [labels, answers, certainty] = [
    [0, 0, 0, 0, 1],
    [0, 0, 0, 1, 1],
    [1, 1, 1, 1, 1],
  ];

  test('has a row for each class and a column for each answer: blue where right, red where wrong', () => {
    const picture = confusionPicture({ classes, labels, answers, certainty })!;
    const margin = 2 * 5 + 12;
    expect([picture.width, picture.height]).toEqual([margin + 80 + 6, margin + 80 + 6]);
    const cell = (row: number, column: number) => at(picture, margin + 40 * column + 1, margin + 40 * row + 1);
    const [red, , blue] = cell(0, 0);
    expect(blue).toBeGreaterThan(red);
    expect(cell(1, 1)).toEqual([24, 90, 169]);
    expect(cell(0, 1)[0]).toBeGreaterThan(cell(0, 1)[2]);
    expect(cell(1, 0)).toEqual([255, 255, 255]);
  });

  test('of a class without samples has a white row', () => {
    const picture = confusionPicture({ classes, labels: [0], answers: [0], certainty: [1] })!;
    expect(at(picture, 22 + 41, 22 + 41)).toEqual([255, 255, 255]);
  });

  test('of many classes has small cells without letters, and of too many is none', () => {
    const of = (n: number) =>
      confusionPicture({
        classes: Array.from({ length: n }, (_, c) => `c${c}`),
        labels: [0],
        answers: [0],
        certainty: [1],
      });
    expect(of(300)!.width).toBe(12 + 300 * 4 + 6);
    expect(of(401)).toBeNull();
  });
});

test('letters are drawn with their dots, and those that are unknown as boxes', () => {
  const drawn = (text: string): string => {
    const lines = Array.from({ length: 7 }, () => Array.from({ length: textWidth(text) }, () => ' '));
    eachDot(text, (right, down) => (lines[down][right] = '#'));
    return lines.map((line) => line.join('').trimEnd()).join('\n');
  };
  expect(drawn('t1')).toBe('#####   #\n  #    ##\n  #     #\n  #     #\n  #     #\n  #     #\n  #    ###');
  expect(drawn('é').split('\n')).toEqual(['#####', '#   #', '#   #', '#   #', '#   #', '#   #', '#####']);
  expect(textWidth('')).toBe(0);
});

describe('PNG', () => {
  test('gives back the pixels that were written', () => {
    const pixels = noise('png', 3 * 5 * 7);
    const read = decodePng(encodePng({ width: 5, height: 7, pixels }));
    expect(read).toMatchObject({ width: 5, height: 7, channels: 3 });
    expect(Array.from(read.data)).toEqual(Array.from(pixels));
  });
});

describe('images in colours', () => {
  test('are as bright in grey as they look', () => {
    expect(Array.from(inGrey([255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255], 3))).toEqual([255, 76, 150, 29]);
    expect(Array.from(inGrey([1, 2, 3], 1))).toEqual([1, 2, 3]);
    expect(Array.from(inGrey([1, 255, 3, 255], 2))).toEqual([1, 3]);
  });

  test('that were read wrong are shown in grey, each its own', () => {
    vi.stubEnv('NO_COLOR', '1');
    // The second image is white, and the one that is shown.
    const image = { data: Uint8Array.from({ length: 24 }, (_, value) => (value < 12 ? 0 : 255)), shape: [2, 2, 3] };
    const said = { classes: ['a', 'b'], labels: [0, 0], answers: [0, 1], certainty: [1, 1] };
    const stream = { isTTY: true, columns: 80, hasColors: () => true } as unknown as NodeJS.WriteStream;
    expect(formatMistakes(dataset({ image }), said, new Terminal(stream))!.split('\n')[1]).toBe('@@');
    vi.unstubAllEnvs();
  });
});

describe('train cifar10', () => {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-pictures-'));
    for (const [name, files] of Object.entries({ batches, sprites })) {
      await mkdir(join(root, name));
      for (const [file, bytes] of Object.entries(files)) await writeFile(join(root, name, file), bytes);
    }
  });
  afterAll(() => rm(root, { recursive: true }));

  const printed = async (work: () => Promise<number>): Promise<string> => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      expect(await work()).toBe(0);
      return write.mock.calls.map(([part]) => String(part)).join('');
    } finally {
      write.mockRestore();
    }
  };
  const options = ['--backend', 'cpu', '--steps', '2', '--batch', '5', '--hidden', '6'];
  const learn = (form: string, ...more: string[]) =>
    printed(() => {
      const command = parseCommand([
        'train',
        'cifar10',
        '--data',
        join(root, form),
        ...options,
        ...more,
      ]) as TrainCommand;
      return train(command, new AbortController().signal);
    });
  const ask = (model: string, file: string) =>
    printed(() => predict(parseCommand(['predict', model, file, '--backend', 'cpu']) as PredictCommand));

  test('reads the binary form and PNG pictures, and draws what came of it', async () => {
    const folder = join(root, 'deep', 'pictures');
    const text = await learn('sprites', '--pictures', folder);
    expect(text).toContain('10 training and 3 test images');
    expect(text).toContain('airplane');
    const [filters, confusion] = [join(folder, 'filters.png'), join(folder, 'confusion.png')];
    expect(text).toContain(`${filters}: the first layer's weights`);
    expect(text).toContain(`${confusion}: rows are what the samples are`);
    // Six units of 32 × 32 in two rows of three.
    expect(decodePng(await readFile(filters))).toMatchObject({ width: 2 + 3 * 34, height: 2 + 2 * 34, channels: 3 });
    expect(decodePng(await readFile(confusion)).height).toBeGreaterThan(400);
    expect(await learn('batches', '--quiet')).toMatch(/^2 steps in/);
  });

  test('keeps a model that says of pictures, sprites and batches what it says of the images in them', async () => {
    const model = join(root, 'model.safetensors');
    await learn('batches', '--save', model);
    const files = {
      'sprite.png': encodePng({ width: 1024, height: 3, pixels: testPixels }),
      'one.png': encodePng({ width: 32, height: 32, pixels: testPixels.subarray(0, 3072) }),
      'three.bin': recordsOf(testPixels),
      'three.idx': Buffer.concat([
        Buffer.from([0, 0, 8, 4, 0, 0, 0, 3, 0, 0, 0, 32, 0, 0, 0, 32, 0, 0, 0, 3]),
        testPixels,
      ]),
    };
    const said: Record<string, string> = {};
    for (const [name, bytes] of Object.entries(files)) {
      await writeFile(join(root, name), bytes);
      said[name] = await ask(model, join(root, name));
    }
    expect(said['sprite.png'].trim().split('\n')).toHaveLength(4);
    expect(said['three.bin']).toBe(said['sprite.png']);
    expect(said['three.idx']).toBe(said['sprite.png']);
    expect(said['one.png'].trim()).toBe(said['sprite.png'].split('\n').slice(0, 2).join('\n'));
  });

  test('asks a model for images scaled as those that it learned from', async () => {
    const model = join(root, 'scaled.safetensors');
    await learn('batches', '--save', model);
    const { input } = (await readModel(model)).form;
    if (input.kind !== 'image') expect.unreachable();
    const { train: learned } = await cifar10(sourceOf(batches));
    const file = join(root, 'image.png');
    await writeFile(file, encodePng({ width: 32, height: 32, pixels: testPixels.subarray(0, 3072) }));
    expect((await readImages(file, input)).data.fields['image'].scale).toEqual(learned.fields['image'].scale);
  });

  test.each([
    ['grey', 'colours', [2, 2], [255, 76, 0, 29]],
    ['colours', 'grey', [2, 2, 3], [9, 9, 9, 8, 8, 8, 7, 7, 7, 6, 6, 6]],
  ])('gives a model of images in %s what it takes of pictures in %s', async (_, picture, shape, values) => {
    const colours = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 255);
    const png =
      picture === 'grey'
        ? encode({ width: 2, height: 2, data: Uint8Array.of(9, 8, 7, 6), channels: 1 })
        : encodePng({ width: 2, height: 2, pixels: colours });
    const file = join(root, 'small.png');
    await writeFile(file, png);
    const { image } = (await readImages(file, { kind: 'image', shape, classes: [] })).data.fields;
    expect(Array.from(image.data)).toEqual(values);
  });

  const small = { kind: 'image', shape: [2, 2], classes: [] } as const;

  test('says of pictures in other forms that they are to be PNG', async () => {
    const forms: Readonly<Record<string, readonly number[] | string>> = {
      JPEG: [0xff, 0xd8, 0xff, 0xe1, 0, 24],
      GIF: 'GIF89a',
      WebP: 'RIFF\n\0\0\0WEBPVP8 ',
      BMP: 'BM6\0',
      TIFF: 'II*\0',
    };
    for (const [form, begins] of Object.entries(forms)) {
      // Whatever the name promises.
      for (const name of ['digit.jpg', 'digit.png']) {
        await writeFile(join(root, name), Buffer.from(begins as string));
        await expect(readImages(join(root, name), small)).rejects.toThrow(
          `${name} is a picture in the form ${form}, and pictures are read as PNG: convert it`,
        );
      }
    }
  });

  test('says of a folder, and of what is not there, what they are', async () => {
    const [nothing, aFolder] = [join(root, 'nothing.png'), join(root, 'batches')];
    await expect(readImages(nothing, small)).rejects.toThrow(
      `[predict] ${nothing} cannot be read: there is no such file`,
    );
    await expect(readImages(aFolder, small)).rejects.toThrow(
      `[predict] ${aFolder} cannot be read: it is a folder and no file`,
    );
    await expect(readModel(nothing)).rejects.toThrow(`[model] ${nothing} cannot be read: there is no such file`);
    await expect(readModel(aFolder)).rejects.toThrow(`[model] ${aFolder} cannot be read: it is a folder and no file`);
    await expect(openTable(aFolder, {})).rejects.toThrow(
      `[table] ${aFolder} cannot be read: it is a folder and no file`,
    );
  });

  test('says before training that the folder for pictures cannot be made', async () => {
    await writeFile(join(root, 'file'), '');
    const command = parseCommand(['train', 'cifar10', '--pictures', join(root, 'file', 'x')]) as TrainCommand;
    await expect(train(command, new AbortController().signal)).rejects.toThrow(/file.x cannot be written: ENOTDIR/);
  });

  test('refuses to draw over the model that it keeps', async () => {
    const command = ['train', 'cifar10', '--pictures', root, '--save', join(root, 'filters.png')];
    await expect(train(parseCommand(command) as TrainCommand, new AbortController().signal)).rejects.toThrow(
      'filters.png is named twice',
    );
  });
});
