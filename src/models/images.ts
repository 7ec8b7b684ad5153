import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/argumentChecks.ts';
import { pairOf, type Pair } from '../ops/convolution/spatial.ts';

/** What a model of images is told about them, and how many classes it is to tell apart. */
export interface ImageModelOptions {
  /** 1 for grey images, 3 for colours; if left out, 3 for `resnet`, and 1 for the others. */
  readonly channels?: number;
  /** As many as the model gives out logits: 10. */
  readonly classes?: number;
}

/** The same, of a model whose last layers see the whole image, so that its size decides how wide they are. */
export interface SizedModelOptions extends ImageModelOptions {
  /** Rows and columns, or one number for both: 28, as MNIST's. */
  readonly size?: Pair;
}

const defaults = { channels: 1, classes: 10, size: 28 };

export const sizedOptionsOf = (where: string, options: SizedModelOptions) =>
  optionsOf<SizedModelOptions, typeof defaults>(where, options, defaults);

/**
 * Rows and columns of what is left of images.
 * @param least the smallest images of which anything is left   @param left what becomes of an extent of that or more
 * @throws ShapeError if images are smaller
 */
export function extentsLeft(
  where: string,
  size: Pair,
  least: number,
  left: (extent: number) => number,
): [number, number] {
  const [rows, columns] = pairOf(where, 'size', size, 1);
  if (rows < least || columns < least) {
    throw new ShapeError(
      `[${where}] images of ${rows}×${columns} are too small for the model's pools: give ${least}×${least} at least, or enlarge them by upsample2d`,
    );
  }
  return [left(rows), left(columns)];
}
