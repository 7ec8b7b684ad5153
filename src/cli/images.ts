import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { counted } from '../core/wording.ts';
import { readBatch } from '../data/cifar10/batches.ts';
import { IMAGE_SHAPE } from '../data/cifar10/form.ts';
import { hasAlpha } from '../data/pixels.ts';
import { FormatError } from '../index.ts';
import { dataset, onGround, readIdx, type Dataset, type Ground, type Pixels } from '../data/index.ts';
import { haveOneGround, negativesAmong, opposite, varianceOf } from './negatives.ts';
import type { ImageForm } from './network.ts';
import type { PictureWishes } from './options.ts';
import { inGrey } from './picture.ts';
import { decodePng, isPng } from './png.ts';

/** Images, and what a user would not expect of how they are seen. */
export interface ImageQuestion {
  readonly data: Dataset;
  readonly notes: readonly string[];
}

/** What a file holds: images one behind the other. */
interface Seen {
  readonly values: Uint8Array;
  /** Whether they are to be turned into their negatives. */
  readonly turned: boolean;
  readonly notes: readonly string[];
}

/** The images of a file, for a model that takes such. @throws FormatError if they are others, or there are none */
export async function readImages(path: string, form: ImageForm, wishes: PictureWishes = {}): Promise<ImageQuestion> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new FormatError(`[predict] ${path} cannot be read: ${cause.message}`, { cause });
  });
  const { shape, scaling } = form;
  const { values, turned, notes } = await valuesOf(path, bytes, form, wishes);
  const data = turned ? values.map((value) => 255 - value) : values;
  const question = dataset({ image: { data, shape, ...scaling } });
  return { data: question, notes: [...notes, ...notesOn(path, data, turned, form, wishes)] };
}

async function valuesOf(path: string, bytes: Uint8Array, form: ImageForm, wishes: PictureWishes): Promise<Seen> {
  const { shape } = form;
  if (isPng(bytes)) return seenOn(path, pictureOf(path, bytes, shape), form, wishes);
  const asItIs = { turned: wishes.invert ?? false, notes: [] };
  const isBatch = extname(path) === '.bin' && shape.join() === IMAGE_SHAPE.join();
  if (isBatch) return { ...asItIs, values: readBatch(basename(path), bytes).pixels };
  const file = await readIdx(basename(path), bytes);
  if (file.shape.slice(1).join() !== shape.join() || file.data.length === 0) {
    throw new FormatError(
      `[predict] ${path} holds [${file.shape.join(', ')}], but the model takes images [N, ${shape.join(', ')}]: give such a file`,
    );
  }
  return { ...asItIs, values: file.data };
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

/** What a model's images are drawn on, as far as it tells; else what it sees as 0. */
function groundOf({ levels, scaling }: ImageForm): Ground {
  if (levels) return levels.ground.length === 3 ? (levels.ground as Ground) : levels.ground[0];
  return scaling ? Math.min(255, Math.max(0, Math.round(-scaling.offset / scaling.scale))) : 0;
}

const inWords = (ground: Ground): string => [ground].flat().join(',');

/** A quarter of the variance is half the contrast. */
const HALF_CONTRAST = 1 / 4;
/** A level, squared: roundings. */
const LEAST_CONTRAST = 1;

/**
 * A picture on a ground, if it is transparent anywhere. Ink whose own colour is that of the model's ground cannot be seen
 * there: it was drawn to be seen on the other, and becomes the negative of what is seen there.
 * @throws FormatError if nothing can be seen
 */
function seenOn(path: string, pixels: Pixels, form: ImageForm, { ground, invert }: PictureWishes): Seen {
  const { shape, levels } = form;
  const on = (behind: Ground): Uint8Array => inChannels(onGround(pixels, behind), shape[2] ?? 1);
  const own = groundOf(form);
  const behind = ground ?? (invert === true ? opposite(own) : own);
  const values = on(behind);
  const asItIs: Seen = { values, turned: invert ?? false, notes: [] };
  if (!hasAlpha(pixels)) return asItIs;
  const other = on(opposite(behind));
  const [contrast, there] = [varianceOf(values), varianceOf(other)];
  if (contrast >= HALF_CONTRAST * there) return asItIs;
  if (ground === undefined && invert === undefined && levels && haveOneGround(levels)) {
    const note = `${basename(path)}: its ink is hardly seen on the ground ${inWords(behind)} that the model was trained on, so it is seen on ${inWords(opposite(behind))} and turned into its negative: --ground or --invert says otherwise`;
    return { values: other, turned: true, notes: [note] };
  }
  if (contrast < LEAST_CONTRAST) {
    throw new FormatError(
      `[predict] ${path} has nothing to be seen on the ground ${inWords(behind)}, whose colour its ink has: give another --ground, with --invert yes where the model was trained on the opposite`,
    );
  }
  const note = `${basename(path)}: its ink is hardly seen on the ground ${inWords(behind)}: another --ground shows it better`;
  return { ...asItIs, notes: [note] };
}

/** Grey becomes colours that are equal, colours become their brightness. */
function inChannels({ data, channels: had, width, height }: Pixels, channels: number): Uint8Array {
  if (channels < 3) return inGrey(data, had);
  return Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const channel = had < 3 ? 0 : at % channels;
    return data[Math.floor(at / channels) * had + channel];
  });
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
