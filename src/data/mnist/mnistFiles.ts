import { DataError, FormatError } from '../../core/errors.ts';
import type { CatalogueEntry } from '../download/catalogue.ts';
import { dataset, type Dataset } from '../dataset.ts';
import { readIdx, type IdxArray } from '../idx.ts';
import { firstOf, type Source } from '../fileSource.ts';

/** What each of the four files is called, as far as anyone calls it. */
const fileNames = {
  trainImages: ['train-images-idx3-ubyte', 'train-images.idx3-ubyte'],
  trainLabels: ['train-labels-idx1-ubyte', 'train-labels.idx1-ubyte'],
  testImages: ['t10k-images-idx3-ubyte', 't10k-images.idx3-ubyte'],
  testLabels: ['t10k-labels-idx1-ubyte', 't10k-labels.idx1-ubyte'],
} as const;

const CLASSES = 10;
/** The last folder of torchvision's. */
const RAW = 'raw';

const spellings = (stems: readonly string[]): readonly string[] => stems.flatMap((stem) => [`${stem}.gz`, stem]);

/** Every name under which one of the four files may lie in a folder. */
export const knownNames: readonly string[] = Object.values(fileNames).flatMap(spellings);

/** A source, and the folders in it that are looked through too. */
interface Place {
  readonly source: Source;
  readonly below: readonly string[];
}

async function open({ source, below }: Place, stems: readonly string[]): Promise<IdxArray & { readonly name: string }> {
  const found = await firstOf(source, spellings(stems), below);
  if (found) return { name: found.name, ...(await readIdx(found.name, found.bytes)) };
  throw new FormatError(
    `[mnist] there is no ${stems[0]} nor ${stems[0]}.gz: four files are needed, images and labels of train and t10k`,
  );
}

/** Images and labels of one half, held against each other. */
async function half(
  place: Place,
  imageNames: readonly string[],
  labelNames: readonly string[],
): Promise<Dataset<'image' | 'label'>> {
  const images = await open(place, imageNames);
  const labels = await open(place, labelNames);
  if (images.shape.length !== 3) {
    throw new FormatError(
      `[mnist] ${images.name} holds [${images.shape.join(', ')}], not images [N, height, width]: give the file of images`,
    );
  }
  if (images.data.length === 0) throw new FormatError(`[mnist] ${images.name} holds no image: get the file again`);
  if (labels.shape.length !== 1 || labels.shape[0] !== images.shape[0]) {
    throw new FormatError(
      `[mnist] ${images.name} holds ${images.shape[0]} images but ${labels.name} holds [${labels.shape.join(', ')}] labels: they do not belong together; take both from one set`,
    );
  }
  const wrong = labels.data.findIndex((label) => label >= CLASSES);
  if (wrong >= 0) {
    throw new DataError(
      `[mnist] ${labels.name}: label ${wrong} is ${labels.data[wrong]}, but labels are 0 … 9: get the file again, or take one of ten classes`,
    );
  }
  return dataset({ image: { data: images.data, shape: images.shape.slice(1), scale: 1 / 255 }, label: labels.data });
}

/**
 * A set in the form of MNIST's files: images `u8[height, width]` that a model sees as 0 … 1, and labels 0 … 9.
 * @param source the four IDX files, gzipped or not, by name, in it or where torchvision keeps them
 * @throws FormatError naming the file that is missing or broken; DataError naming the label out of range
 */
export async function readMnistFiles(
  source: Source,
  { torchvision }: Pick<CatalogueEntry, 'torchvision'> = {},
): Promise<{ readonly train: Dataset<'image' | 'label'>; readonly test: Dataset<'image' | 'label'> }> {
  // The folder that torchvision was given, and the set's own in it.
  const place = { source, below: torchvision === undefined ? [] : [`${torchvision}/`, `${RAW}/`] };
  return {
    train: await half(place, fileNames.trainImages, fileNames.trainLabels),
    test: await half(place, fileNames.testImages, fileNames.testLabels),
  };
}
