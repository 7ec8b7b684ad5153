import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { Shape } from '../../core/shape.ts';
import { counted } from '../../core/textFormat.ts';
import { readBatch } from '../../data/cifar10/batches.ts';
import { IMAGE_SHAPE } from '../../data/cifar10/form.ts';
import { FormatError } from '../../index.ts';
import { dataset, readIdx, type Dataset, type Pixels } from '../../data/index.ts';
import { negativesAmong } from './negatives.ts';
import type { ImageForm } from '../tasks/images.ts';
import type { PictureWishes } from '../command/commands.ts';
import { reasonOf } from '../outputPaths.ts';
import { decodePng, isPng } from './png.ts';
import { negativeOf, seenOn, type Seen } from './transparency.ts';

/** Images, and what a user would not expect of how they are seen. */
export interface ImageQuestion {
  readonly data: Dataset;
  readonly notes: readonly string[];
}

/** The images of a file, for a model that takes such. @throws FormatError if they are others, or there are none */
export async function readImages(path: string, form: ImageForm, wishes: PictureWishes = {}): Promise<ImageQuestion> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[predict] ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  const { shape, scaling } = form;
  const { data, turned, notes } = await valuesOf(path, bytes, form, wishes);
  const question = dataset({ image: { data, shape, ...scaling } });
  return { data: question, notes: [...notes, ...notesOn(path, data, turned, form, wishes)] };
}

async function valuesOf(path: string, bytes: Uint8Array, form: ImageForm, wishes: PictureWishes): Promise<Seen> {
  const { shape } = form;
  if (isPng(bytes)) return seenOn(path, pictureOf(path, bytes, shape), form, wishes);
  const values = await plainValuesOf(path, bytes, shape);
  return { data: wishes.invert ? negativeOf(values) : values, turned: wishes.invert ?? false, notes: [] };
}

/** How pictures of other forms begin, their bytes taken for letters. */
const otherPictures = [
  { name: 'JPEG', begins: /^\xff\xd8\xff/ },
  { name: 'GIF', begins: /^GIF8/ },
  { name: 'WebP', begins: /^RIFF[^]{4}WEBP/ },
  { name: 'BMP', begins: /^BM/ },
  { name: 'TIFF', begins: /^(II\*\0|MM\0\*)/ },
] as const;

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** What a file has that knows of no transparency: a batch of CIFAR-10, or IDX. */
async function plainValuesOf(path: string, bytes: Uint8Array, shape: Shape): Promise<Uint8Array> {
  const isBatch = extname(path) === '.bin' && shape.join() === IMAGE_SHAPE.join();
  if (isBatch) return readBatch(basename(path), bytes).pixels;
  const other = otherPictures.find(({ begins }) => begins.test(latin(bytes.subarray(0, 12))));
  if (other) {
    throw new FormatError(
      `[predict] ${path} is a picture in the form ${other.name}, and pictures are read as PNG: convert it`,
    );
  }
  const file = await readIdx(basename(path), bytes);
  if (file.shape.slice(1).join() !== shape.join() || file.data.length === 0) {
    throw new FormatError(
      `[predict] ${path} holds [${file.shape.join(', ')}], but the model takes images [N, ${shape.join(', ')}]: give such a file`,
    );
  }
  return file.data;
}

/** A picture that is one image, or has an image in each of its rows. */
function pictureOf(path: string, png: Uint8Array, [height, width]: readonly number[]): Pixels {
  const pixels = readPng(path, png);
  const isOne = pixels.width === width && pixels.height === height;
  if (!isOne && pixels.width !== width * height) {
    throw new FormatError(
      `[predict] ${path} is ${pixels.width} × ${pixels.height}, but the model takes pictures of ${width} × ${height}, or with one in each row of ${width * height}: give one of that size`,
    );
  }
  return pixels;
}

function readPng(path: string, png: Uint8Array): Pixels {
  try {
    return decodePng(png);
  } catch (cause) {
    throw new FormatError(`[predict] ${path} cannot be read as PNG: ${(cause as Error).message}: get the file again`, {
      cause,
    });
  }
}

/** Whether images look like negatives of those that the model was trained on. */
function notesOn(
  path: string,
  data: Uint8Array,
  turned: boolean,
  { shape, levels }: ImageForm,
  { invert }: PictureWishes,
): readonly string[] {
  const count = levels && invert !== false ? negativesAmong(data, shape, levels) : 0;
  if (count === 0) return [];
  const images = counted(data.length / shape.reduce((size, extent) => size * extent, 1), 'image');
  return [
    `${basename(path)}: ${count} of ${images} look like negatives of those that the model was trained on, dark where these are light: --invert ${turned ? 'no' : 'yes'} turns them round`,
  ];
}
