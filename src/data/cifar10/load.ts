import { FormatError } from '../../core/errors.ts';
import { batchNames, readBatches, spellingsOf } from './batches.ts';
import { datasetOf, MEAN_GREY, type Labelled } from './form.ts';
import { unpacked } from '../gzip.ts';
import { cifar10Entry } from '../download/catalogue.ts';
import { loadOptionsOf, loadSet, type Halves, type LoadOptions, type Mnist, type Platform } from '../mnist/load.ts';
import type { Ground } from '../pixels.ts';
import { firstOf, type Source } from '../fileSource.ts';
import { labelsName, readSprites, type Decode } from './sprites.ts';
import { readTar } from '../tar.ts';

/** How CIFAR-10 is loaded. */
export interface Cifar10Options extends LoadOptions {
  /** Reads the pixels of a set that is kept as PNG pictures. A page has a reader of its own. */
  readonly decode?: Decode | undefined;
  /** What is seen where such a picture is transparent; the set's mean grey, 121, if left out: a model sees it as 0. */
  readonly ground?: Ground | undefined;
}

const ARCHIVE = cifar10Entry.files[0].name;

/** How a user brings the files. */
export const BRING = `the six files data_batch_1.bin … test_batch.bin, or ${ARCHIVE}`;

/** Reads the images and labels of a half. */
type Reader = (half: 'train' | 'test') => Promise<Labelled>;

/** A download that failed leaves an archive of no bytes, perhaps beside what it holds. */
const passingOverEmpty =
  (source: Source): Source =>
  async (file) => {
    const bytes = await source(file);
    return file.endsWith(ARCHIVE) && bytes?.length === 0 ? null : bytes;
  };

/** The reader of the form in which the files are there. @throws FormatError if they are in none */
async function readerOf(source: Source, { decode, ground = MEAN_GREY }: Cifar10Options): Promise<Reader> {
  const spritesBy = labelsName('train');
  const found = await firstOf(passingOverEmpty(source), [ARCHIVE, ...spellingsOf(batchNames.train[0]), spritesBy]);
  if (found?.name === ARCHIVE) {
    const files = readTar('cifar10', ARCHIVE, await unpacked('cifar10', ARCHIVE, found.bytes));
    return (half) => readBatches(async (file) => files.get(file) ?? null, batchNames[half]);
  }
  if (found?.name === spritesBy) return (half) => readSprites(source, half, decode, ground);
  if (found) return (half) => readBatches(source, batchNames[half]);
  throw new FormatError(
    `[cifar10] there is no ${ARCHIVE}, ${batchNames.train[0]} or ${labelsName('train')}: give the publisher's archive, its six files, or PNG pictures with their labels`,
  );
}

/** CIFAR-10 in any of its forms. @throws FormatError naming the file that is missing or broken; DataError naming a label beyond 9 */
async function readCifar10Files(source: Source, options: Cifar10Options): Promise<Halves> {
  const read = await readerOf(source, options);
  return { train: datasetOf(await read('train')), test: datasetOf(await read('test')) };
}

/** CIFAR-10 from what was given, or else from a named folder, the store, or its publisher. @param decode where none is given */
export async function loadCifar10(given: Source | Cifar10Options, platform: Platform, decode?: Decode): Promise<Mnist> {
  const usual = { decode: undefined, ground: undefined };
  const options = loadOptionsOf<Cifar10Options>(cifar10Entry, given, usual);
  const read = (source: Source): Promise<Halves> =>
    readCifar10Files(source, { ...options, decode: options.decode ?? decode });
  return loadSet(cifar10Entry, read, options, platform);
}
