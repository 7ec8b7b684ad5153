// What the command line makes of pictures that are transparent, or the other way round than those a model was trained on.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PredictCommand, TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { UsageError } from '../../src/cli/command/usageError.ts';
import { readImages } from '../../src/cli/pictures/readImages.ts';
import { readModel } from '../../src/cli/modelFile.ts';
import { levelsOf, negativesAmong } from '../../src/cli/pictures/negatives.ts';
import { predict } from '../../src/cli/predict.ts';
import { train } from '../../src/cli/train.ts';
import { Random } from '../../src/core/random.ts';
import { decodePng } from '../../src/cli/pictures/png.ts';
import { readSafetensors, syntheticDigits, writeSafetensors } from '../../src/data/index.ts';
import { cifar10, mnist } from '../../src/node/data.ts';

const random = new Random(11, 'seen');
const [SIDE, SIZE] = [12, 144];

/** Ink of a class: a block of its own in the middle of a picture, on nothing. */
const drawn = (label: number): Uint8Array => {
  const [top, left] = [2 + 2 * (label % 4), 2 + 3 * Math.floor(label / 4)];
  const isIn = (at: number, start: number): boolean => at >= start && at < start + 2;
  return Uint8Array.from({ length: SIZE }, (_, at) =>
    isIn(Math.floor(at / SIDE), top) && isIn(at % SIDE, left) ? random.uniform(150, 256) : 0,
  );
};

const idx = (shape: readonly number[], data: Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.from([0, 0, 8, shape.length]),
    ...shape.map((n) => Buffer.from([0, 0, n >> 8, n & 255])),
    data,
  ]);

/** Draws what its argument says behind each ink. */
const setOf = (count: number, on: (ink: number) => number): { images: Uint8Array; labels: Uint8Array } => {
  const labels = Uint8Array.from({ length: count }, (_, at) => at % 10);
  const images = Buffer.concat([...labels].map(drawn)).map(on);
  return { images: idx([count, SIDE, SIDE], images), labels: idx([count], labels) };
};

let root = '';
const file = (name: string): string => join(root, name);

async function print(work: () => Promise<number>): Promise<{ readonly said: string[]; readonly noted: string }> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(await work()).toBe(0);
    const textOf = (spy: typeof out): string => spy.mock.calls.map(([part]) => String(part)).join('');
    return {
      said: textOf(out)
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',')[0]),
      noted: textOf(error),
    };
  } finally {
    out.mockRestore();
    error.mockRestore();
  }
}

const ask = (model: string, input: string, ...more: string[]) =>
  print(() =>
    predict(parseCommand(['predict', file(model), file(input), '--backend', 'cpu', ...more]) as PredictCommand),
  );

/** Trains on images on a ground, and keeps the model. */
async function learn(name: string, on: (ink: number) => number): Promise<void> {
  await mkdir(file(name));
  for (const [half, count] of [
    ['train', 200],
    ['t10k', 50],
  ] as const) {
    const { images, labels } = setOf(count, on);
    await writeFile(join(file(name), `${half}-images-idx3-ubyte`), images);
    await writeFile(join(file(name), `${half}-labels-idx1-ubyte`), labels);
  }
  const options = ['--backend', 'cpu', '--steps', '200', '--batch', '20', '--hidden', '0', '--lr', '0.03', '--quiet'];
  const command = ['train', 'mnist', '--data', file(name), ...options, '--save', file(`${name}.st`)];
  await print(() => train(parseCommand(command) as TrainCommand, new AbortController().signal));
}

const labels = Array.from({ length: 10 }, (_, label) => String(label));
const inks = Buffer.concat(labels.map((label) => drawn(Number(label))));

/** A picture with a row for each of ten inks, of pixels that its argument makes of ink. */
const rowsOf = (
  channels: 1 | 2 | 3 | 4,
  pixelOf: (ink: number, image: number, at: number) => readonly number[],
  of: Uint8Array = inks,
): Uint8Array =>
  encode({
    width: SIZE,
    height: 10,
    channels,
    depth: 8,
    data: Uint8Array.from([...of].flatMap((ink, at) => pixelOf(ink, Math.floor(at / SIZE), at))),
  });

/** Inks whose blocks have a rim of half their level, which is all that dark ink leaves to be seen on a dark ground. */
const rimmed = inks.map((ink, at) => Math.max(ink, Math.max(inks[at - 1] ?? 0, inks[at + 1] ?? 0) >> 1));

/** Grey pictures whose white is transparent: a chunk tRNS before the pixels. */
const keyed = (png: Uint8Array): Uint8Array => {
  const chunk = Buffer.from([0, 0, 0, 2, 0x74, 0x52, 0x4e, 0x53, 0, 255, 0, 0, 0, 0]);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 10)), 10);
  const at = Buffer.from(png).indexOf('IDAT') - 4;
  return Buffer.concat([png.subarray(0, at), chunk, png.subarray(at)]);
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-seen-'));
  await learn('light', (ink) => ink);
  await learn('dark', (ink) => 255 - ink);
  const pictures: Readonly<Record<string, Uint8Array>> = {
    'opaque.png': rowsOf(4, (ink) => [ink, ink, ink, 255]),
    'white.png': rowsOf(4, (ink) => [255, 255, 255, ink]),
    'black.png': rowsOf(4, (ink) => [0, 0, 0, ink]),
    'blue.png': rowsOf(4, (ink) => [0, 0, 120, ink]),
    'yellow.png': rowsOf(4, (ink) => [255, 230, 0, ink]),
    'grey.png': rowsOf(2, (ink) => [0, ink]),
    'paper.png': rowsOf(1, (ink) => [255 - ink]),
    'nothing.png': rowsOf(4, () => [0, 0, 0, 0]),
    'mixed.png': rowsOf(4, (ink, image) => (image % 3 === 0 ? [0, 0, 0, ink] : [255, 255, 255, ink])),
    'keyed.png': keyed(rowsOf(1, (ink) => [255 - ink], rimmed)),
    'card.png': rowsOf(2, (ink) => [255 - ink, ink > 0 ? 255 : 0], rimmed),
    'ivory.png': rowsOf(4, (ink) => [250 - ink * 0.9, 245 - ink * 0.9, 230 - ink * 0.9, ink > 0 ? 255 : 0], rimmed),
    'corners.png': rowsOf(2, (ink, _, at) => (at % SIZE < 3 || at % SIZE > 140 ? [255, 0] : [ink, 255])),
    'key-mixed.png': rowsOf(
      2,
      (ink, image) => (image < 4 ? [255 - ink, ink > 0 ? 255 : 0] : [ink, ink > 0 ? 255 : 0]),
      rimmed,
    ),
  };
  for (const [name, bytes] of Object.entries(pictures)) await writeFile(file(name), bytes);
  await writeFile(
    file('paper.idx'),
    idx(
      [10, SIDE, SIDE],
      inks.map((ink) => 255 - ink),
    ),
  );
});
afterAll(() => rm(root, { recursive: true }));

describe('transparent ink', () => {
  test.each(['opaque', 'white', 'black', 'blue', 'yellow', 'grey'])(
    'in %s.png is read as what it shows',
    async (name) => {
      expect((await ask('light.st', `${name}.png`)).said).toEqual(labels);
    },
  );

  test('is seen on the other ground, and said to be, only where the model’s own hides it', async () => {
    for (const name of ['black.png', 'blue.png', 'grey.png']) {
      expect((await ask('light.st', name)).noted).toBe(
        `${name}: its ink is hardly seen on the ground 0 that the model was trained on, so it is seen on 255 and turned into its negative: --ground or --invert says otherwise\n`,
      );
    }
    for (const name of ['opaque.png', 'white.png', 'yellow.png', 'nothing.png']) {
      expect((await ask('light.st', name)).noted).toBe('');
    }
  });

  test('of a model trained on black on white is seen on white', async () => {
    const { said, noted } = await ask('dark.st', 'black.png');
    expect([said, noted]).toEqual([labels, '']);
    const other = await ask('dark.st', 'white.png');
    expect(other.said).toEqual(labels);
    expect(other.noted).toContain('hardly seen on the ground 255');
  });

  test('is judged for each image of a picture, and counted', async () => {
    const { said, noted } = await ask('light.st', 'mixed.png');
    expect(said).toEqual(labels);
    expect(noted).toBe(
      'mixed.png: the ink of 4 of 10 images is hardly seen on the ground 0 that the model was trained on, so they are seen on 255 and turned into their negatives: --ground or --invert says otherwise\n',
    );
    const dark = await ask('dark.st', 'mixed.png');
    expect(dark.said).toEqual(labels);
    expect(dark.noted).toContain('the ink of 6 of 10 images is hardly seen on the ground 255');
    expect((await ask('light.st', 'mixed.png', '--ground', '0')).noted).toBe(
      'mixed.png: the ink of 4 of 10 images is hardly seen on the ground 0: another --ground shows it better\n',
    );
  });

  test('is seen on the ground that is given', async () => {
    expect((await ask('light.st', 'black.png', '--ground', '255', '--invert', 'yes')).said).toEqual(labels);
    expect((await ask('light.st', 'black.png', '--invert', 'yes')).said).toEqual(labels);
    expect((await ask('light.st', 'black.png', '--ground', '255')).noted).toContain('look like negatives');
    expect((await ask('light.st', 'black.png', '--ground', '9')).noted).toContain('hardly seen on the ground 9');
    const { input } = (await readModel(file('light.st'))).form;
    if (input.kind !== 'image') expect.unreachable();
    const { data } = await readImages(file('black.png'), input, { ground: [255, 0, 0], invert: false });
    expect(Math.max(...data.fields['image'].data)).toBe(76);
  });

  test.each([
    ['--ground', '0'],
    ['--invert', 'no'],
  ])('that %s %s hides is refused', async (...options) => {
    await expect(ask('light.st', 'black.png', ...options)).rejects.toThrow(
      /black\.png has nothing to be seen on the ground 0/,
    );
  });

  test('is refused rather than not seen by a model of old, which says nothing of its images', async () => {
    const { tensors, metadata } = readSafetensors('light.st', await readFile(file('light.st')));
    const form = JSON.parse(metadata['millrace']) as { input: { levels?: unknown } };
    delete form.input.levels;
    await writeFile(file('old.st'), writeSafetensors({ tensors, metadata: { millrace: JSON.stringify(form) } }));
    expect((await ask('old.st', 'white.png')).said).toEqual(labels);
    expect((await ask('old.st', 'paper.png')).noted).toBe('');
    await expect(ask('old.st', 'black.png')).rejects.toThrow('has nothing to be seen');
  });
});

describe('paper that was made transparent', () => {
  test.each(['keyed', 'card', 'ivory'])('in %s.png shows its ink as on paper, and is said to', async (name) => {
    const { said, noted } = await ask('light.st', `${name}.png`);
    expect(said).toEqual(labels);
    expect(noted).toBe(
      `${name}.png: its transparent paper is near 255, and the model was trained on the ground 0, so it is seen on 255 and turned into its negative: --ground or --invert says otherwise\n`,
    );
    const dark = await ask('dark.st', `${name}.png`);
    expect([dark.said, dark.noted]).toEqual([labels, '']);
  });

  test('is seen with all of the ink, rather than with its rim alone', async () => {
    const { input } = (await readModel(file('light.st'))).form;
    if (input.kind !== 'image') expect.unreachable();
    const seen = (await readImages(file('keyed.png'), input)).data.fields['image'].data;
    expect(Array.from(seen)).toEqual(Array.from(rimmed));
  });

  test('is not what the corners of a card are', async () => {
    const { said, noted } = await ask('light.st', 'corners.png');
    expect([said, noted]).toEqual([labels, '']);
  });

  test('lies under each image by itself', async () => {
    const { said, noted } = await ask('light.st', 'key-mixed.png');
    expect(said).toEqual(labels);
    expect(noted).toContain('the transparent paper of 4 of 10 images is near 255');
    expect(noted).toContain('so they are seen on 255 and turned into their negatives');
  });
});

describe('negatives', () => {
  test.each([
    [150, 20],
    [130, 10],
    [170, 30],
    [200, 90],
  ])('on paper of %i with ink of %i are said to be such', async (paper, ink) => {
    const grey = inks.map((level) => Math.round(paper - (level / 255) * (paper - ink)));
    await writeFile(file('grey-paper.png'), encode({ width: SIZE, height: 10, channels: 1, depth: 8, data: grey }));
    expect((await ask('light.st', 'grey-paper.png')).noted).toContain('10 of 10 images look like negatives');
    expect((await ask('dark.st', 'grey-paper.png')).noted).toBe('');
    const light = grey.map((level) => 255 - level);
    await writeFile(file('light-ink.png'), encode({ width: SIZE, height: 10, channels: 1, depth: 8, data: light }));
    expect((await ask('light.st', 'light-ink.png')).noted).toBe('');
    expect((await ask('dark.st', 'light-ink.png')).noted).toContain('10 of 10 images look like negatives');
  });

  const realData = process.env['MILLRACE_DATA'];
  test.skipIf(!realData)('are none among the digits and photographs that sets have', { timeout: 60_000 }, async () => {
    const digits = await syntheticDigits({ train: 500, test: 500 });
    const sets = [await mnist(), await cifar10({ decode: decodePng }), digits];
    for (const { train: learned, test: held } of sets) {
      const { data, shape } = learned.fields['image'];
      const levels = levelsOf(data as Uint8Array, shape);
      expect(negativesAmong(held.fields['image'].data as Uint8Array, shape, levels)).toBe(0);
    }
  });

  test.each(['paper.png', 'paper.idx'])('in %s are said to be such, and turned where that is asked', async (name) => {
    expect((await ask('light.st', name)).noted).toBe(
      `${name}: 10 of 10 images look like negatives of those that the model was trained on, dark where these are light: --invert yes turns them round\n`,
    );
    const { said, noted } = await ask('light.st', name, '--invert', 'yes');
    expect([said, noted]).toEqual([labels, '']);
    expect((await ask('light.st', name, '--invert', 'no')).noted).toBe('');
    expect((await ask('dark.st', name)).noted).toBe('');
  });

  test('that come of turning what was right are said to be such', async () => {
    expect((await ask('light.st', 'opaque.png', '--invert', 'yes')).noted).toContain('--invert no turns them round');
    expect((await ask('dark.st', 'opaque.png')).noted).toContain('10 of 10 images look like negatives');
  });

  const shape = [8, 8, 3];
  /** Images of a level of their own each, with noise of so much about it. */
  const images = (count: number, level: () => number, noise: number): Uint8Array =>
    Buffer.concat(
      Array.from({ length: count }, () => {
        const middle = level();
        return Uint8Array.from({ length: 192 }, () =>
          Math.min(255, Math.max(0, middle + random.uniform(-noise, noise))),
        );
      }),
    );

  test('are not found among photographs, however dark or light', () => {
    const levels = levelsOf(
      images(500, () => random.uniform(20, 230), 60),
      shape,
    );
    for (const level of [0, 40, 128, 215, 255])
      expect(
        negativesAmong(
          images(20, () => level, 10),
          shape,
          levels,
        ),
      ).toBe(0);
  });

  test('are found where ink is lighter than a middling ground, and comes as darker', () => {
    const inked = (ink: number): Uint8Array =>
      Uint8Array.from({ length: 64 * 30 }, (_, at) => ((at >> 3) % 8 > 1 && (at >> 3) % 8 < 6 ? ink : 128));
    const levels = levelsOf(inked(240), [8, 8]);
    expect([negativesAmong(inked(240), [8, 8], levels), negativesAmong(inked(15), [8, 8], levels)]).toEqual([0, 30]);
  });

  test('are judged by each image alone', () => {
    const levels = levelsOf(
      images(100, () => 10, 10),
      shape,
    );
    const mixed = Buffer.concat([images(7, () => 10, 10), images(3, () => 245, 10)]);
    expect(negativesAmong(mixed, shape, levels)).toBe(3);
  });
});

describe('the command', () => {
  const parse = (line: string) => parseCommand(line.split(' '));
  test('names a ground as a grey or a colour', () => {
    expect(parse('predict a b --ground 255')).toMatchObject({ pictures: { ground: 255, invert: undefined } });
    expect(parse('predict a b --ground 1,2,3 --invert NO')).toMatchObject({
      pictures: { ground: [1, 2, 3], invert: false },
    });
    expect(parse('train cifar10 --ground 0')).toMatchObject({ ground: 0 });
  });

  test.each([
    ['predict a b --ground white', '--ground is "white" but must be a grey of 0 … 255, or red,green,blue'],
    ['predict a b --ground 1,2', '--ground is "1,2" but must be a grey'],
    ['predict a b --ground 256', '--ground is "256" but must be a grey'],
    ['train mnist --ground 0', '--ground is for PNG pictures, which cifar10 may be kept in, and mnist has none'],
    ['train mnist --invert yes', '--invert means nothing to train'],
  ])('%s is refused: %s', (line, message) => {
    expect(() => parse(line)).toThrow(new UsageError(message).message);
  });
});

test('weights of another type are read, and said to be', async () => {
  const bytes = await readFile(file('light.st'));
  const { tensors, metadata } = readSafetensors('light.st', bytes);
  const [head, parts] = [{ __metadata__: metadata } as Record<string, unknown>, [] as Uint8Array[]];
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const part = new Uint8Array(Float64Array.from(data).buffer);
    head[name] = { dtype: 'F64', shape, data_offsets: [end, (end += part.length)] };
    parts.push(part);
  }
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(file('double.st'), Buffer.concat([length, json, ...parts]));
  const { said, noted } = await ask('double.st', 'opaque.png');
  expect([said, noted]).toEqual([labels, `${file('double.st')}: its weights are F64, and are read as f32\n`]);
});
