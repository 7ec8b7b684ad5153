import type { Numbers } from '../../core/shape.ts';
import { partTerms } from '../products/matmulForms.ts';
import type { Convolution } from './patches.ts';
import type { Axes } from './spatial.ts';

/* The definition of a convolution and its gradients, in plain loops; padding is zeros that are multiplied as others are. */

/** The place where an image's pixel meets a tap, or the pixel where a place's tap lies; −1 beyond, null if there is none. */
type Meeting = (at: number, tap: number) => number | null;

/** Down one axis: on which pixel a place's tap lies. */
const pixelAlong =
  ({ input, stride, dilation, before }: Axes[number]): Meeting =>
  (place, tap) => {
    const pixel = place * stride - before + tap * dilation;
    return pixel >= 0 && pixel < input ? pixel : -1;
  };

/** Down one axis: of which place a tap lies on a pixel. */
const placeAlong =
  ({ output, stride, dilation, before }: Axes[number]): Meeting =>
  (pixel, tap) => {
    const distance = pixel + before - tap * dilation;
    if (distance % stride !== 0) return null;
    const place = distance / stride;
    return place >= 0 && place < output ? place : -1;
  };

/** How the elements of one grid, places or pixels, meet those of the other. */
interface Grid {
  /** Elements in all images. */
  readonly count: number;
  /** Calls back for each tap that meets an element: with what it meets of the other grid. */
  forEachTap(at: number, visit: (tap: number, met: number) => void): void;
}

function gridOf({ images, axes }: Convolution, elements: 'places' | 'pixels'): Grid {
  const ofPlaces = elements === 'places';
  const [rows, columns] = axes.map(({ input, output }) => (ofPlaces ? output : input));
  const [otherRows, otherColumns] = axes.map(({ input, output }) => (ofPlaces ? input : output));
  const [down, across] = axes.map(ofPlaces ? pixelAlong : placeAlong);
  const [{ window: height }, { window: width }] = axes;
  return {
    count: images * rows * columns,
    forEachTap(at, visit) {
      const image = Math.floor(at / (rows * columns));
      for (let r = 0; r < height; r++) {
        const y = down(Math.floor(at / columns) % rows, r);
        if (y === null) continue;
        for (let s = 0; s < width; s++) {
          const x = across(at % columns, s);
          if (x !== null) visit(r * width + s, y < 0 || x < 0 ? -1 : (image * otherRows + y) * otherColumns + x);
        }
      }
    },
  };
}

/** y at each place: the weights of each tap times what lies under it, 0 beyond the image. */
export function convolveOnCpu(
  x: Numbers,
  weight: Numbers,
  bias: Numbers | undefined,
  y: Numbers,
  convolution: Convolution,
): void {
  const { channels, features, groups } = convolution;
  const [tapChannels, share] = [channels / groups, features / groups];
  const grid = gridOf(convolution, 'places');
  const sums = new Float64Array(features);
  for (let place = 0; place < grid.count; place++) {
    sums.fill(0);
    grid.forEachTap(place, (tap, pixel) => {
      for (let channel = 0; channel < channels; channel++) {
        const seen = pixel < 0 ? 0 : x[pixel * channels + channel];
        const first = Math.floor(channel / tapChannels) * share;
        const from = (tap * tapChannels + (channel % tapChannels)) * features;
        for (let f = first; f < first + share; f++) sums[f] += seen * weight[from + f];
      }
    });
    for (let f = 0; f < features; f++) y[place * features + f] = sums[f] + (bias ? bias[f] : 0);
  }
}

/** x at each pixel: what each place whose window covers it sends back through the tap that lies there. */
export function spreadOnCpu(
  y: Numbers,
  weight: Numbers,
  bias: Numbers | undefined,
  x: Numbers,
  convolution: Convolution,
): void {
  const { channels, features, groups } = convolution;
  const [tapChannels, share] = [channels / groups, features / groups];
  const grid = gridOf(convolution, 'pixels');
  const sums = new Float64Array(channels);
  for (let pixel = 0; pixel < grid.count; pixel++) {
    sums.fill(0);
    grid.forEachTap(pixel, (tap, place) => {
      for (let channel = 0; channel < channels; channel++) {
        const first = Math.floor(channel / tapChannels) * share;
        const from = (tap * tapChannels + (channel % tapChannels)) * features;
        for (let f = first; f < first + share; f++) {
          sums[channel] += (place < 0 ? 0 : y[place * features + f]) * weight[from + f];
        }
      }
    });
    for (let channel = 0; channel < channels; channel++) {
      x[pixel * channels + channel] = sums[channel] + (bias ? bias[channel] : 0);
    }
  }
}

/** Each weight's gradient: the sum over all places, in parts, of what lies under its tap times the place's gradient. */
export function weightsOnCpu(x: Numbers, dY: Numbers, dWeight: Numbers, convolution: Convolution, parts: number): void {
  const { axes, channels, features, groups } = convolution;
  const [tapChannels, share] = [channels / groups, features / groups];
  const grid = gridOf(convolution, 'places');
  const size = axes[0].window * axes[1].window * tapChannels * features;
  const length = partTerms(grid.count, parts);
  const sums = new Float64Array(parts * size);
  for (let place = 0; place < grid.count; place++) {
    const part = Math.floor(place / length) * size;
    grid.forEachTap(place, (tap, pixel) => {
      for (let channel = 0; channel < channels; channel++) {
        const seen = pixel < 0 ? 0 : x[pixel * channels + channel];
        const first = Math.floor(channel / tapChannels) * share;
        const to = part + (tap * tapChannels + (channel % tapChannels)) * features;
        for (let f = first; f < first + share; f++) sums[to + f] += seen * dY[place * features + f];
      }
    });
  }
  dWeight.set(sums);
}
