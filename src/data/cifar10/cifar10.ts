import { BRING, loadCifar10, type Cifar10Options } from './load.ts';
import type { Mnist } from '../mnist/load.ts';
import { pagePlatform } from '../mnist/mnist.ts';
import type { Source } from '../fileSource.ts';
import type { Pixels } from '../pixels.ts';

/** Pixels by the page's own reader, as the file has them: neither colours nor alpha are reckoned in. */
async function decodeInPage(png: Uint8Array): Promise<Pixels> {
  const asTheyAre = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;
  const bitmap = await createImageBitmap(new Blob([png as Uint8Array<ArrayBuffer>]), asTheyAre);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
}

/**
 * CIFAR-10: images `u8[32, 32, 3]` of ten classes, `cifar10Classes`, which a model sees with mean 0 and deviation 1
 * over all that are learned from, and labels 0 … 9; 50,000 to train, 10,000 to test. Without a source, the first of
 * these that has it, as `origin` says: in Node the folder MILLRACE_DATA/cifar10; the cache; in Node the publisher's
 * server, which does not let pages read (170 MB).
 * @param given as a source the publisher's binary archive, its six files, or PNG pictures in which a row is an image,
 *   with labels in `train-labels.u8` and `test-labels.u8`; or options
 * @throws FormatError naming the file that is missing or broken, or if the set is not to be had; DataError naming a
 *   label beyond 9; the signal's reason
 */
export function cifar10(given: Source | Cifar10Options = {}): Promise<Mnist> {
  const platform = { ...pagePlatform, remedy: `give ${BRING}: files(…) makes a source of them` };
  return loadCifar10(given, platform, decodeInPage);
}
