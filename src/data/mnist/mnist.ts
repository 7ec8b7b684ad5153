import { fashionMnistEntry, mnistEntry } from '../download/catalogue.ts';
import { load, type Mnist, type MnistOptions, type Platform, type StandIn } from './load.ts';
import type { Source } from '../fileSource.ts';
import { browserStore } from '../download/fileStore.ts';
import { syntheticDigits } from '../digits/syntheticDigits.ts';

/** A sixth of MNIST: a user without a network should not wait for more. */
const STAND_IN_SIZES = { train: 10_000, test: 2_000, seed: 0 };

/** What trains where MNIST is not to be had. */
export const syntheticMnist: StandIn = {
  title: 'synthetic digits',
  text: "this program's own pen",
  make: (options) => syntheticDigits({ ...STAND_IN_SIZES, ...options }),
};

/** What a page has. */
export const pagePlatform: Platform = {
  page: true,
  named: async () => 'no files were given',
  store: ({ folder }) => browserStore(folder),
  remedy: 'give the four files: files(…) makes a source of them',
};

/**
 * MNIST: images `u8[28, 28]` that a model sees as 0 … 1, and labels 0 … 9; 60,000 to train, 10,000 to test. Without a
 * source, the first of these that has it, as `origin` says: in Node the folder MILLRACE_DATA/mnist, or MILLRACE_DATA;
 * the cache; a mirror; and where there is none, synthetic digits, of which `warn` is told.
 * @param given four IDX files of any such set, gzipped or not, as a source; or options
 * @throws FormatError naming the file that is missing or broken; DataError naming a label beyond 9; the signal's reason
 */
export function mnist(given: Source | MnistOptions = {}): Promise<Mnist> {
  return load(mnistEntry, given, pagePlatform, syntheticMnist);
}

/**
 * Fashion-MNIST: clothes in MNIST's form, from where `mnist` looks, its folder being `fashion-mnist`.
 * @throws FormatError also where it is not to be had
 */
export function fashionMnist(given: Source | MnistOptions = {}): Promise<Mnist> {
  return load(fashionMnistEntry, given, pagePlatform);
}
