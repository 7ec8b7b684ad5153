import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encode } from 'fast-png';
import { predict } from '../../src/cli/predict.ts';
import type { PredictCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { dataset } from '../../src/data/dataset.ts';
import { take } from '../../src/data/samples.ts';
import type { GivenNumbers } from '../../src/data/numbers.ts';
import {
  concat,
  files,
  map,
  mnist,
  onGround,
  readIdx,
  split,
  syntheticDigits,
  writeSafetensors,
  type Source,
} from '../../src/data/index.ts';
import { decodePng, encodePng } from '../../src/cli/pictures/png.ts';
import { cifar10, mnist as mnistInNode } from '../../src/node/data.ts';
import { folder as folderSource } from '../../src/node.ts';
import { createTrainer, linear, meanSquaredError, sgd } from '../../src/index.ts';
import { batches, sourceOf, sprites, tarOf } from '../support/cifar10.ts';
import { inFolder, withGlobals, type Case } from '../support/provoke.ts';

/** An IDX file of bytes. */
const idx = (shape: readonly number[], fill = 0): Uint8Array => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const header = [0, 0, 8, shape.length, ...shape.flatMap((extent) => [0, 0, extent >> 8, extent & 255])];
  return Uint8Array.from([...header, ...Array.from({ length: size }, () => fill)]);
};

const sound: Readonly<Record<string, Uint8Array>> = {
  'train-images-idx3-ubyte': idx([2, 3, 3]),
  'train-labels-idx1-ubyte': idx([2]),
  't10k-images-idx3-ubyte': idx([1, 3, 3]),
  't10k-labels-idx1-ubyte': idx([1]),
};

/** Four files, some of which are others. */
const mnistOf = (others: Readonly<Record<string, Uint8Array | null>>) => () => {
  const source: Source = async (file) => ({ ...sound, ...others })[file] ?? null;
  return mnist(source);
};

type Files = Readonly<Record<string, Uint8Array | null>>;

/** Six files, or PNG pictures, some of which are others. */
const batchesOf = (others: Files) => () => cifar10(sourceOf(batches, others));
const spritesOf = (others: Files) => () => cifar10({ source: sourceOf(sprites, others), decode: decodePng });

const cifar10Archive = (bytes: Uint8Array) => () => cifar10(sourceOf({ 'cifar-10-binary.tar.gz': bytes }));

const picture = (width: number, height: number): Uint8Array =>
  encodePng({ width, height, pixels: new Uint8Array(3 * width * height) });

const predictImages = (model: string, images: string): Promise<number> =>
  predict(parseCommand(['predict', model, images, '--backend', 'cpu']) as PredictCommand);

/** A model of images of 2 × 2, as the command line keeps it. */
const imageModel = (): Uint8Array => {
  const input = { kind: 'image', shape: [2, 2], classes: ['0', '1'] };
  const tensors = { weights: { shape: [10], data: new Float32Array(10) } };
  return writeSafetensors({ tensors, metadata: { millrace: JSON.stringify({ input, hidden: [] }) } });
};

const withImageModel = (images: Uint8Array | null) => () =>
  inFolder(async (folder) => {
    const [model, file] = [join(folder, 'model.safetensors'), join(folder, 'images')];
    await writeFile(model, imageModel());
    if (images) await writeFile(file, images);
    return predictImages(model, file);
  });

/** What a browser makes of a folder that is dropped on a page. */
const folderAsFile = Object.assign(new File([], 'train-images-idx3-ubyte'), {
  arrayBuffer: () => Promise.reject(new Error('A requested file or directory could not be found')),
});

const fitNaN = async (): Promise<void> => {
  const data = dataset({ x: { data: [1, 2, NaN, 4], shape: [2] }, target: { data: [1, 2], shape: [1] } });
  const trainer = await createTrainer({
    model: linear(2, 1),
    loss: meanSquaredError,
    optimizer: sgd(),
    batchSize: 2,
    backend: 'cpu',
    data,
  });
  for await (const _ of trainer.fit(data, { steps: 1 }));
};

export const dataFiles: readonly Case[] = [
  ['[folder] <path> is no folder', () => inFolder((folder) => mnist(folderSource(join(folder, 'gone'))))],
  [
    '[folder] <path> cannot be read',
    () =>
      inFolder(async (folder) => {
        await mkdir(join(folder, 'train-images-idx3-ubyte.gz'));
        return mnist(folderSource(folder));
      }),
  ],
  ['[files] <file> cannot be read', () => mnist(files([folderAsFile]))],
  [
    '[<set>] MILLRACE_DATA is',
    () => inFolder((folder) => withGlobals({ env: { MILLRACE_DATA: join(folder, 'gone') } }, () => mnistInNode())),
  ],
  ['[mnist] there is no', mnistOf({ 't10k-labels-idx1-ubyte': null })],
  ['[mnist] <file> holds [<shape>], not images', mnistOf({ 'train-images-idx3-ubyte': idx([2]) })],
  ['[mnist] <file> holds no image', mnistOf({ 'train-images-idx3-ubyte': idx([0, 3, 3]) })],
  ['[mnist] <file> holds <n> images but', mnistOf({ 'train-labels-idx1-ubyte': idx([3]) })],
  ['[mnist] <file>: label <n> is', mnistOf({ 'train-labels-idx1-ubyte': idx([2], 10) })],
  ['[cifar10] there is no <file>, <file> or', () => cifar10(sourceOf({}))],
  ['[cifar10] there is no <file>: six', batchesOf({ 'data_batch_5.bin': null })],
  ['[cifar10] <file> has <n> bytes', batchesOf({ 'test_batch.bin': new Uint8Array(3072) })],
  ['[cifar10] <file>: label <n> is', spritesOf({ 'test-labels.u8': Uint8Array.of(0, 1, 10) })],
  ['[cifar10] there is no <file>, or it is empty', spritesOf({ 'test-labels.u8': null })],
  ['[cifar10] there is no <file>: <file> has', spritesOf({ 'train_01.png': null })],
  ['[cifar10] <file> holds <n> images', spritesOf({ 'test-labels.u8': Uint8Array.of(0) })],
  ['[cifar10] <file> is a picture', () => cifar10(sourceOf(sprites))],
  ['[cifar10] <file> cannot be read as PNG', spritesOf({ 'train_00.png': Uint8Array.of(0) })],
  ['[cifar10] <file> is <n> × <n>', spritesOf({ 'train_00.png': picture(32, 32) })],
  ['[<reader>] <file> is no tar archive', cifar10Archive(new TextEncoder().encode('<html>'.repeat(200)))],
  ['[<reader>] <file> ends inside <entry>', cifar10Archive(tarOf(batches).subarray(0, 1024))],
  ['[idx] <file> has <n> bytes', () => readIdx('labels', Uint8Array.of(0, 0, 8))],
  ['[idx] <file> begins with', () => readIdx('labels', new TextEncoder().encode('<html>'))],
  ['[idx] <file> ends inside', () => readIdx('labels', Uint8Array.of(0, 0, 8, 1, 0))],
  ['[idx] <file> announces', () => readIdx('labels', idx([4]).subarray(0, 10))],
  ['[<reader>] <file> has <n> bytes and becomes', () => readIdx('labels.gz', gzipSync(new Uint8Array(2 ** 26 + 1)))],
  ['[<reader>] <file>: the gzip stream', () => readIdx('labels.gz', gzipSync(idx([4])).subarray(0, 20))],
  ['[predict] <path> cannot be read: <reason>', withImageModel(null)],
  ['[predict] <path> cannot be read as PNG', withImageModel(picture(2, 2).subarray(0, 40))],
  ['[predict] <path> is a picture in the form', withImageModel(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))],
  ['[predict] <path> is <n> × <n>', withImageModel(picture(3, 3))],
  [
    '[predict] <path> has nothing to be seen',
    withImageModel(encode({ width: 2, height: 2, channels: 2, data: Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 9) })),
  ],
  ['[onGround]', () => onGround({ width: 1, height: 1, channels: 2, data: new Uint8Array(2) }, 256)],
  ['[predict] <path> holds', withImageModel(idx([1, 3, 3]))],
  ['[dataset] there are no fields', () => dataset({})],
  ['[dataset] field "<name>" holds no plain numbers', () => dataset({ x: [[1, 2]] as unknown as GivenNumbers })],
  [
    '[dataset] field "<name>" holds no plain numbers',
    () => dataset({ x: new DataView(new ArrayBuffer(4)) as unknown as GivenNumbers }),
  ],
  ['[<call>] "<name>"[<n>] is a <kind>', () => dataset({ x: [1, '2'] as unknown as GivenNumbers })],
  ['[<call>] "<name>"[<n>] is <number>, but <dtype>', () => dataset({ x: [1, 1e300] })],
  ['[<call>] "<name>"[<n>] is <number>, but <dtype>', () => dataset({ x: [0n, 1n << 60n] })],
  ['[dataset] field "<name>" has <n> numbers, which', () => dataset({ x: { data: [1, 2, 3], shape: [2] } })],
  ['[dataset] field "<name>" has <n> samples but', () => dataset({ x: [1, 2], y: [1] })],
  ['[dataset] field "<name>" is empty', () => dataset({ x: [] })],
  ['[take]', () => take(dataset({ x: [1, 2] }), 2)],
  ['[concat] field', () => concat(dataset({ x: [1, 2] }), dataset({ x: Uint8Array.of(1, 2) }))],
  ['[map] field', () => map(dataset({ x: [1, 2] }), ({ x }) => ({ x: Array.from({ length: x[0] }, () => 0) }))],
  ['[split] the sizes', () => split(dataset({ x: [1, 2] }), [0.5, 0.4])],
  ['[split] part', () => split(dataset({ x: [1, 2] }), 2)],
  ['[data] "<name>" is', fitNaN],
  ['[syntheticDigits]', () => syntheticDigits({ train: 0 })],
];
