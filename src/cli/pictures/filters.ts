import { sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../data/index.ts';
import { Canvas, WHITE, type Colour } from './canvas.ts';
import type { Raster } from './png.ts';

/** More than these make a picture that nobody looks through. */
const MOST = 256;
/** Pixels that the longer side of a filter is enlarged to, or nearly. */
const SIDE = 56;
const GAP = 2;
const GREY = 128;

/**
 * The weights of a model's first layer as filters `[height, width, in, out]`: those of a convolution, or those of a layer
 * that sees a whole image, as windows of the image's size. Null where the first layer sees no image.
 * @param tensors the model's, in order   @param image shape of an image, `[height, width]` or `[height, width, channels]`
 */
export function firstFilters(tensors: Readonly<Record<string, Tensor>>, image: readonly number[]): Tensor | null {
  const weights = Object.values(tensors).find(({ shape }) => shape.length > 1);
  if (!weights) return null;
  const { shape, data } = weights;
  if (shape.length === 4) return weights;
  const [height, width, channels = 1] = image;
  if (shape.length !== 2 || shape[0] !== sizeOf(image)) return null;
  return { shape: [height, width, channels, shape[1]], data };
}

/**
 * Filters as little images side by side, the first 256 of them: mid-grey where a weight is 0, and as far from it as the
 * weight is, held against the filter's largest. In colours where a filter sees three channels; else the mean of all
 * that it sees.
 * @param filters `[height, width, in, out]`
 */
export function filtersPicture(filters: Tensor): Raster {
  const [height, width, , count] = filters.shape;
  const drawn = Math.min(count, MOST);
  const zoom = Math.max(1, Math.floor(SIDE / Math.max(height, width)));
  const columns = Math.ceil(Math.sqrt(drawn));
  const [across, down] = [width * zoom + GAP, height * zoom + GAP];
  const canvas = new Canvas(columns * across + GAP, Math.ceil(drawn / columns) * down + GAP, WHITE);
  for (let filter = 0; filter < drawn; filter++) {
    const [left, top] = [GAP + (filter % columns) * across, GAP + Math.floor(filter / columns) * down];
    coloursOf(filters, filter).forEach((colour, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      canvas.fill(left + x * zoom, top + y * zoom, zoom, zoom, colour);
    });
  }
  return canvas;
}

/** The pixels of one filter, row by row. */
function coloursOf({ shape, data }: Tensor, filter: number): Colour[] {
  const [height, width, channels, count] = shape;
  const weight = (pixel: number, channel: number): number => data[(pixel * channels + channel) * count + filter];
  const values = Array.from({ length: height * width }, (_, pixel): Colour => {
    if (channels === 3) return [weight(pixel, 0), weight(pixel, 1), weight(pixel, 2)];
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += weight(pixel, channel);
    return [sum / channels, sum / channels, sum / channels];
  });
  const largest = values.reduce((most, value) => Math.max(most, ...value.map(Math.abs)), 0);
  const byte = (value: number): number => (largest > 0 ? GREY + Math.round((value / largest) * (GREY - 1)) : GREY);
  return values.map(([red, green, blue]) => [byte(red), byte(green), byte(blue)]);
}
