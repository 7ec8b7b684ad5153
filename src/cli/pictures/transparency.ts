import { basename } from 'node:path';
import { sizeOf } from '../../core/shape.ts';
import { counted } from '../../core/textFormat.ts';
import { hasAlpha } from '../../data/pixels.ts';
import { FormatError } from '../../index.ts';
import { onGround, type Ground, type Pixels } from '../../data/index.ts';
import { haveOneGround, opposite, varianceOf } from './negatives.ts';
import type { ImageForm } from '../tasks/images.ts';
import type { PictureWishes } from '../command/commands.ts';
import { brightnessAt, inGrey } from './terminalPictures.ts';

/*
 * What is transparent shows what lies behind. Ink whose own colour is that of the model's ground cannot be seen there, and
 * ink on paper that was made transparent leaves no more there than its rim. Both were drawn to be seen on the other ground,
 * and become the negative of what is seen there. Each image is judged by itself: a picture may hold some of either.
 */

/** Images of a file, one behind the other, as a model is shown them. */
export interface Seen {
  readonly data: Uint8Array;
  /** Whether they are all negatives of what the file has. */
  readonly turned: boolean;
  readonly notes: readonly string[];
}

export const negativeOf = (values: Uint8Array): Uint8Array => values.map((value) => 255 - value);

/** What a model's images are drawn on, as far as it tells; else what it sees as 0. */
function groundOf({ levels, scaling }: ImageForm): Ground {
  if (levels) return levels.ground.length === 3 ? (levels.ground as Ground) : levels.ground[0];
  return scaling ? Math.min(255, Math.max(0, Math.round(-scaling.offset / scaling.scale))) : 0;
}

/** A picture on a ground, if it is transparent anywhere. @throws FormatError if nothing can be seen of what has ink */
export function seenOn(path: string, pixels: Pixels, form: ImageForm, { ground, invert }: PictureWishes): Seen {
  const { shape, levels } = form;
  const on = (behind: Ground): Uint8Array => inChannels(onGround(pixels, behind), shape[2] ?? 1);
  const own = groundOf(form);
  const behind = ground ?? (invert === true ? opposite(own) : own);
  const values = on(behind);
  if (!hasAlpha(pixels)) return { data: invert ? negativeOf(values) : values, turned: invert ?? false, notes: [] };
  const there = on(opposite(behind));
  const faint = faintAmong(values, there, sizeOf(shape));
  if (ground === undefined && invert === undefined && levels && haveOneGround(levels)) {
    return turnedWhereNeeded(basename(path), pixels, form, { behind, values, there, faint });
  }
  const notes = notesOnFaint(path, behind, values, faint, sizeOf(shape));
  return { data: invert ? negativeOf(values) : values, turned: invert ?? false, notes };
}

/** A quarter of the variance is half the contrast. */
const HALF_CONTRAST = 1 / 4;
/** A level, squared: roundings. */
const LEAST_CONTRAST = 1;

const imageAt = (values: Uint8Array, image: number, size: number): Uint8Array =>
  values.subarray(image * size, (image + 1) * size);

const imagesOf = (count: number): readonly number[] => Array.from({ length: count }, (_, image) => image);

/** The images whose ink has less than half the contrast that it has on the other ground. */
const faintAmong = (values: Uint8Array, there: Uint8Array, size: number): readonly number[] =>
  imagesOf(values.length / size).filter(
    (image) => varianceOf(imageAt(values, image, size)) < HALF_CONTRAST * varianceOf(imageAt(there, image, size)),
  );

interface Sights {
  readonly behind: Ground;
  readonly values: Uint8Array;
  /** The values on the opposite ground. */
  readonly there: Uint8Array;
  readonly faint: readonly number[];
}

/** Each image as it is seen on the model's ground, or turned where it was drawn for the opposite one. */
function turnedWhereNeeded(name: string, pixels: Pixels, { shape }: ImageForm, sights: Sights): Seen {
  const { behind, values, there, faint } = sights;
  const [size, all] = [sizeOf(shape), (pixels.width * pixels.height) / (shape[0] * shape[1])];
  const onPaper = imagesOf(all).filter((image) =>
    wasDrawnOn(opposite(behind), behind, pixels, image, shape[0] * shape[1]),
  );
  const known = new Set(onPaper);
  const faintOnly = faint.filter((image) => !known.has(image));
  const data = Uint8Array.from(values);
  for (const image of [...onPaper, ...faintOnly]) data.set(negativeOf(imageAt(there, image, size)), image * size);
  const [here, other] = [inWords(behind), inWords(opposite(behind))];
  const says = (what: string, why: string, count: number): readonly string[] => {
    if (count === 0) return [];
    const isAll = count === all;
    const whose = isAll ? `its ${what}` : `the ${what} of ${count} of ${counted(all, 'image')}`;
    const turned = isAll ? 'it is seen on' : 'they are seen on';
    const into = isAll ? 'its negative' : 'their negatives';
    return [
      `${name}: ${whose} ${why}, so ${turned} ${other} and turned into ${into}: --ground or --invert says otherwise`,
    ];
  };
  return {
    data,
    turned: onPaper.length + faintOnly.length === all,
    notes: [
      ...says('transparent paper', `is near ${other}, and the model was trained on the ground ${here}`, onPaper.length),
      ...says('ink', `is hardly seen on the ground ${here} that the model was trained on`, faintOnly.length),
    ],
  };
}

/** What is told of ink that is hardly seen where it must be seen. @throws FormatError if none is seen at all */
function notesOnFaint(
  path: string,
  behind: Ground,
  values: Uint8Array,
  faint: readonly number[],
  size: number,
): readonly string[] {
  if (faint.length === 0) return [];
  const all = values.length / size;
  const isBlank = (image: number): boolean => varianceOf(imageAt(values, image, size)) < LEAST_CONTRAST;
  if (imagesOf(all).every(isBlank)) {
    throw new FormatError(
      `[predict] ${path} has nothing to be seen on the ground ${inWords(behind)}, whose colour its ink has: give another --ground, with --invert yes where the model was trained on the opposite`,
    );
  }
  const whose = faint.length === all ? 'its ink' : `the ink of ${faint.length} of ${counted(all, 'image')}`;
  return [
    `${basename(path)}: ${whose} is hardly seen on the ground ${inWords(behind)}: another --ground shows it better`,
  ];
}

const inWords = (ground: Ground): string => [ground].flat().join(',');

/** So many levels from a ground are still that ground: paper is seldom quite white. */
const NEAR = 64;

/**
 * Whether an image was drawn on a ground that was then made transparent, as by a key colour: all that is fully transparent
 * has one level of its own near that ground, and the ink lies nearer to what would be seen instead. Where less than half is
 * clear, as the corners of a card are, the card is the paper.
 */
function wasDrawnOn(paper: Ground, behind: Ground, pixels: Pixels, image: number, area: number): boolean {
  const { channels } = pixels;
  const data = pixels.data.subarray(image * area * channels, (image + 1) * area * channels);
  let [level, clear] = [undefined as number | undefined, 0];
  for (let at = 0; at < data.length; at += channels) {
    if (data[at + channels - 1] > 0) continue;
    clear++;
    level ??= brightnessAt(data, at, channels);
    if (level !== brightnessAt(data, at, channels)) return false;
  }
  if (level === undefined || 2 * clear < area || Math.abs(level - brightnessOf(paper)) > NEAR) return false;
  const ink = inkOn(level, data, channels);
  return ink !== null && Math.abs(ink - brightnessOf(behind)) < Math.abs(ink - level);
}

const brightnessOf = (ground: Ground): number => brightnessAt([ground].flat(), 0, [ground].flat().length);

/** How light ink is: the mean of what is seen, weighed by how far it is from the paper, as rims are not. Null where it is paper all over. */
function inkOn(paper: number, data: ArrayLike<number>, channels: number): number | null {
  let [sum, weights] = [0, 0];
  for (let at = 0; at < data.length; at += channels) {
    const level = brightnessAt(data, at, channels);
    const weight = data[at + channels - 1] * Math.abs(level - paper);
    sum += weight * level;
    weights += weight;
  }
  return weights > 0 ? sum / weights : null;
}

/** Grey becomes colours that are equal, colours become their brightness. */
function inChannels({ data, channels: had, width, height }: Pixels, channels: number): Uint8Array {
  if (channels < 3) return inGrey(data, had);
  return Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const channel = had < 3 ? 0 : at % channels;
    return data[Math.floor(at / channels) * had + channel];
  });
}
