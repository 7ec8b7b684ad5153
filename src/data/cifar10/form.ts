import { DataError } from '../../core/errors.ts';
import { dataset, type Dataset } from '../dataset.ts';

/** What CIFAR-10's labels mean, in their order. Source: www.cs.toronto.edu/~kriz/cifar.html */
export const cifar10Classes: readonly string[] = 'airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck'.split(
  ',',
);

/** Of an image: height, width, and red, green, blue. */
export const IMAGE_SHAPE = [32, 32, 3] as const;
/** Pixels of an image. */
export const PLANE = 1024;
/** Bytes of an image. */
export const IMAGE = 3 * PLANE;

/** Mean and standard deviation of all values of the 50,000 training images, as shares of 255. */
const MEAN = 0.4734;
const DEVIATION = 0.2516;

/** The mean as a byte, which a model sees as 0. */
export const MEAN_GREY = Math.round(255 * MEAN);

/** What a model sees of a byte: (byte / 255 − mean) / deviation. */
const standardised = { scale: 1 / (255 * DEVIATION), offset: -MEAN / DEVIATION };

/** Images `[N, 32, 32, 3]` and their labels, as bytes. */
export interface Labelled {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

export const datasetOf = ({ pixels, labels }: Labelled): Dataset<'image' | 'label'> =>
  dataset({ image: { data: pixels, shape: IMAGE_SHAPE, ...standardised }, label: labels });

/** @throws DataError naming the first label beyond the classes */
export function requireLabels(file: string, labels: Uint8Array): void {
  const wrong = labels.findIndex((label) => label >= cifar10Classes.length);
  if (wrong < 0) return;
  throw new DataError(
    `[cifar10] ${file}: label ${wrong} is ${labels[wrong]}, but labels are 0 … 9: get the file again`,
  );
}
