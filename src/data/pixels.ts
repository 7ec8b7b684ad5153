import { DataError } from '../core/errors.ts';
import { requireKind } from '../core/argumentChecks.ts';
import { isNumbers } from './numbers.ts';

/** A picture's bytes, row by row, with its channels side by side. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1 is grey, 3 are red, green and blue; 2 and 4 the same with an alpha behind. */
  readonly channels: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** What lies behind a picture, 0 … 255: a grey, or red, green and blue. */
export type Ground = number | readonly [red: number, green: number, blue: number];

export const hasAlpha = ({ channels }: Pixels): boolean => channels % 2 === 0;

const isColour = (colour: unknown): boolean => typeof colour === 'number' && colour >= 0 && colour <= 255;

/**
 * A picture as it is seen on a ground: colour · alpha + ground · (1 − alpha), rounded. One without an alpha is given back.
 * @returns one channel if picture and ground are grey, else three
 * @throws DataError if the ground is no colour   Source: PNG specification, third edition, 13.16
 */
export function onGround(pixels: Pixels, ground: Ground): Pixels {
  const { width: columns, height: lines, channels: own, data: given } = Object(pixels) as Partial<Pixels>;
  const isPicture = isNumbers(given) && given.length === columns! * lines! * own! && [1, 2, 3, 4].includes(own!);
  const wanted = '{ width, height, channels, data } with width · height · channels bytes';
  requireKind('onGround', 'the picture', pixels, isPicture, wanted);
  const colours = [ground].flat();
  if (![1, 3].includes(colours.length) || !colours.every(isColour)) {
    throw new DataError(
      `[onGround] the ground is ${colours.map(String).join(', ')} but must be a grey of 0 … 255, or red, green and blue of that range`,
    );
  }
  if (!hasAlpha(pixels)) return pixels;
  const { width, height, channels: had, data } = pixels;
  const channels = had === 4 ? 3 : colours.length;
  const seen = new Uint8Array(width * height * channels);
  for (let to = 0; to < seen.length; to++) {
    const [from, channel] = [Math.floor(to / channels) * had, to % channels];
    const alpha = data[from + had - 1] / 255;
    const colour = data[from + (had === 4 ? channel : 0)];
    seen[to] = Math.round(colour * alpha + colours[colours.length === 1 ? 0 : channel] * (1 - alpha));
  }
  return { width, height, channels, data: seen };
}
