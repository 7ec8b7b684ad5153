import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { readBatch } from '../data/cifar10/batches.ts';
import { IMAGE_SHAPE } from '../data/cifar10/form.ts';
import { FormatError } from '../index.ts';
import { dataset, readIdx, type Dataset, type Pixels } from '../data/index.ts';
import type { ImageForm } from './network.ts';
import { inGrey } from './picture.ts';
import { decodePng, isPng } from './png.ts';

/** The images of a file, for a model that takes such. @throws FormatError if they are others, or there are none */
export async function readImages(path: string, { shape, scaling }: ImageForm): Promise<Dataset> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new FormatError(`[predict] ${path} cannot be read: ${cause.message}`, { cause });
  });
  const data = await valuesOf(path, bytes, shape);
  return dataset({ image: { data, shape, ...scaling } });
}

/** Images one behind the other. */
async function valuesOf(path: string, bytes: Uint8Array, shape: readonly number[]): Promise<Uint8Array> {
  if (isPng(bytes)) return picturesIn(path, bytes, shape);
  const isBatch = extname(path) === '.bin' && shape.join() === IMAGE_SHAPE.join();
  if (isBatch) return readBatch(basename(path), bytes).pixels;
  const file = await readIdx(basename(path), bytes);
  if (file.shape.slice(1).join() !== shape.join() || file.data.length === 0) {
    throw new FormatError(
      `[predict] ${path} holds [${file.shape.join(', ')}], but the model takes images [N, ${shape.join(', ')}]: give such a file`,
    );
  }
  return file.data;
}

/** A picture that is one image, or has an image in each of its rows. */
function picturesIn(path: string, png: Uint8Array, shape: readonly number[]): Uint8Array {
  const [height, width, channels = 1] = shape;
  const pixels = readPng(path, png);
  const isOne = pixels.width === width && pixels.height === height;
  if (!isOne && pixels.width !== width * height) {
    throw new FormatError(
      `[predict] ${path} is ${pixels.width} × ${pixels.height}, but the model takes pictures of ${width} × ${height}, or with one in each row of ${width * height}: give one of that size`,
    );
  }
  return inChannels(pixels, channels);
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

/** Grey becomes colours that are equal, colours become their brightness, alpha is left out. */
function inChannels({ data, channels: had, width, height }: Pixels, channels: number): Uint8Array {
  if (channels < 3) return inGrey(data, had);
  return Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const channel = had < 3 ? 0 : at % channels;
    return data[Math.floor(at / channels) * had + channel];
  });
}
