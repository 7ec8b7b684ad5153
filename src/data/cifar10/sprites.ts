import { FormatError } from '../../core/errors.ts';
import { IMAGE, PLANE, requireLabels, type Labelled } from './form.ts';
import { onGround, type Ground, type Pixels } from '../pixels.ts';
import { firstOf, type Source } from '../fileSource.ts';

/** Reads the pixels of a PNG file. */
export type Decode = (png: Uint8Array) => Pixels | Promise<Pixels>;

/** The labels of a half. A set has sprites where it has these. */
export const labelsName = (half: 'train' | 'test'): string => `${half}-labels.u8`;

const pictureName = (half: 'train' | 'test', number: number): string =>
  `${half}_${String(number).padStart(2, '0')}.png`;

/**
 * Reads half a set kept as PNG pictures in which each row is an image: 1,024 pixels, 32 rows of 32. There are as many
 * pictures, `train_00.png`, `train_01.png` and so on, as it takes to have an image for every label.
 * @param ground what is seen through what is transparent
 * @throws FormatError naming the file that is missing or broken; DataError naming a label beyond 9
 */
export async function readSprites(
  source: Source,
  half: 'train' | 'test',
  decode: Decode | undefined,
  ground: Ground,
): Promise<Labelled> {
  const labels = (await firstOf(source, [labelsName(half)]))?.bytes;
  if (!labels?.length) {
    throw new FormatError(
      `[cifar10] there is no ${labelsName(half)}, or it is empty: beside PNG pictures it holds a byte for each image`,
    );
  }
  requireLabels(labelsName(half), labels);
  const pictures: Pixels[] = [];
  let images = 0;
  while (images < labels.length) {
    const file = pictureName(half, pictures.length);
    const found = await firstOf(source, [file]);
    if (!found) {
      throw new FormatError(
        `[cifar10] there is no ${file}: ${labelsName(half)} has ${labels.length} labels, but the pictures before it hold ${images} images`,
      );
    }
    const requireLabelsFor = (count: number): void => {
      if (images + count <= labels.length) return;
      throw new FormatError(
        `[cifar10] ${file} holds ${count} images, but ${labelsName(half)} has ${labels.length - images} labels left for them: take both from one set`,
      );
    };
    // A decoder makes room for what is announced.
    requireLabelsFor(announcedPixels(found.bytes) / PLANE);
    const picture = await decoded(file, found.bytes, decode);
    requireLabelsFor(picture.height);
    pictures.push(onGround(picture, ground));
    images += picture.height;
  }
  // Room for what there is, not for what the labels announce.
  const pixels = new Uint8Array(images * IMAGE);
  let at = 0;
  for (const { data } of pictures) {
    pixels.set(data, at);
    at += data.length;
  }
  return { pixels, labels };
}

/** How many pixels a PNG file's header says it has; 0 of another kind of file. Source: PNG specification, third edition, 11.2.1 */
function announcedPixels(png: Uint8Array): number {
  if (png.length < 24 || png[0] !== 0x89 || png[1] !== 0x50) return 0;
  const view = new DataView(png.buffer, png.byteOffset);
  return view.getUint32(16) * view.getUint32(20);
}

/** @throws FormatError if it cannot be, or its rows are no images */
async function decoded(file: string, bytes: Uint8Array, decode: Decode | undefined): Promise<Pixels> {
  if (!decode) {
    throw new FormatError(
      `[cifar10] ${file} is a picture, and nothing here reads PNG: give a reader as decode, or cifar-10-binary.tar.gz in its place`,
    );
  }
  let picture: Pixels;
  try {
    picture = await decode(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(`[cifar10] ${file} cannot be read as PNG: ${reason}: get the file again`, { cause });
  }
  const { width, height, channels } = picture;
  if (width !== PLANE || channels < 3) {
    throw new FormatError(
      `[cifar10] ${file} is ${width} × ${height} in ${channels} channels, but rows of ${PLANE} in 3 are images of 32 × 32: give pictures of that form`,
    );
  }
  return picture;
}
