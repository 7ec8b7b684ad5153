import { DataError, FormatError } from '../core/errors.ts';
import { dataset, type Dataset } from './dataset.ts';
import { readIdx, type IdxArray } from './idx.ts';

/** Where files come from: the bytes of a file by its name, or null where there is none. */
export type Source = (file: string) => Promise<Uint8Array | null>;

/** Files that a page was given, by a drop or a file input, as a source. */
export const files =
  (given: Iterable<File>): Source =>
  async (name) => {
    const file = [...given].find((other) => other.name === name);
    return file ? new Uint8Array(await file.arrayBuffer()) : null;
  };

/** What each of the four files is called, as far as anyone calls it. */
const fileNames = {
  trainImages: ['train-images-idx3-ubyte', 'train-images.idx3-ubyte'],
  trainLabels: ['train-labels-idx1-ubyte', 'train-labels.idx1-ubyte'],
  testImages: ['t10k-images-idx3-ubyte', 't10k-images.idx3-ubyte'],
  testLabels: ['t10k-labels-idx1-ubyte', 't10k-labels.idx1-ubyte'],
} as const;

const CLASSES = 10;

async function open(source: Source, names: readonly string[]): Promise<IdxArray & { readonly name: string }> {
  for (const name of names.flatMap((stem) => [`${stem}.gz`, stem])) {
    const bytes = await source(name);
    if (bytes) return { name, ...(await readIdx(name, bytes)) };
  }
  throw new FormatError(
    `[mnist] there is no ${names[0]} nor ${names[0]}.gz: four files are needed, images and labels of train and t10k`,
  );
}

/** Images and labels of one half, held against each other. */
async function half(source: Source, imageNames: readonly string[], labelNames: readonly string[]): Promise<Dataset> {
  const images = await open(source, imageNames);
  const labels = await open(source, labelNames);
  if (images.shape.length !== 3) {
    throw new FormatError(`[mnist] ${images.name} holds [${images.shape.join(', ')}], not images [N, height, width]`);
  }
  if (images.data.length === 0) throw new FormatError(`[mnist] ${images.name} holds no image: get the file again`);
  if (labels.shape.length !== 1 || labels.shape[0] !== images.shape[0]) {
    throw new FormatError(
      `[mnist] ${images.name} holds ${images.shape[0]} images but ${labels.name} holds [${labels.shape.join(', ')}] labels: they do not belong together`,
    );
  }
  const wrong = labels.data.findIndex((label) => label >= CLASSES);
  if (wrong >= 0) {
    throw new DataError(`[mnist] ${labels.name}: label ${wrong} is ${labels.data[wrong]}, but digits are 0 … 9`);
  }
  return dataset({ image: { data: images.data, shape: images.shape.slice(1) }, label: labels.data });
}

/**
 * MNIST, or any set in its files' form: images `u8[28, 28]` that a model sees as 0 … 1, and labels 0 … 9.
 * @param source the four IDX files, gzipped or not, by name
 * @throws FormatError naming the file that is missing or broken
 */
export async function mnist(source: Source): Promise<{ readonly train: Dataset; readonly test: Dataset }> {
  return {
    train: await half(source, fileNames.trainImages, fileNames.trainLabels),
    test: await half(source, fileNames.testImages, fileNames.testLabels),
  };
}
