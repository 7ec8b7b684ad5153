import { kernelImage, neuronImage, type Grid } from './grid.ts';
import { formatNumber } from '../cycle/magnitudes.ts';
import type { ParameterGlance, Stage } from '../protocol.ts';

/** Of the first layer, what fits a look. */
export interface FirstImages {
  readonly grids: readonly Grid[];
  /** The largest magnitude in all of them. */
  readonly scale: number;
  readonly isKernel: boolean;
  /** What is seen, in words. */
  readonly text: string;
}

const MOST_IMAGES = 32;

/** The first neurons' weights as images of the pixels that they weigh, or a convolution's kernels. */
export function firstImages(weight: ParameterGlance | null, stage: Stage): FirstImages | null {
  if (!weight) return null;
  const { shape } = weight;
  const isUpdate = stage === 'update';
  const numbers = isUpdate ? weight.change : weight.value;
  const isKernel = shape.length === 4;
  const side = isKernel ? shape[0] : Math.sqrt(shape[0]);
  if (!Number.isInteger(side)) return null;
  const all = isKernel ? shape[2] * shape[3] : shape[1];
  const count = Math.min(all, MOST_IMAGES);
  const grids = Array.from({ length: count }, (_, at) =>
    isKernel ? kernelImage(numbers, shape, at) : neuronImage(numbers, side, shape[1], at),
  );
  const scale = Math.max(0, ...grids.map(largestIn));
  const what = isKernel ? 'kernels' : 'neurons';
  const which = count < all ? `the first ${count} of ${all} ${what}` : `all ${all} ${what}`;
  const shown = isUpdate ? 'What this step alone adds to the weights of' : 'The weights of';
  const text = `${shown} ${which} in the first layer, on one scale: the largest is ${formatNumber(scale, 3)}.`;
  return { grids, scale, isKernel, text };
}

function largestIn({ values, rows, columns, offset, rowStride, columnStride }: Grid): number {
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      largest = Math.max(largest, Math.abs(values[offset + row * rowStride + column * columnStride]));
    }
  }
  return largest;
}
