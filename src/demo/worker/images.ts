import { files, mnist, syntheticDigits, type Dataset, type DownloadProgress, type Mnist } from '../../data/index.ts';
import { SIDE } from './network.ts';

/** What the page learns from and is judged by, with what it is called, and what the user would not expect of it. */
export interface Halves extends Pick<Mnist, 'train' | 'test'> {
  readonly title: string;
  readonly warning: string;
}

/** What a page can begin with in half a second. */
const SYNTHETIC = { train: 6000, test: 1000, seed: 0 };

/** Digits that are drawn here and now. */
export const drawn = async (): Promise<Halves> => ({
  ...(await syntheticDigits(SYNTHETIC)),
  title: 'synthetic digits',
  warning: '',
});

/** One of them: the others have its fields. */
export const firstDrawn = async (): Promise<Dataset> =>
  (await syntheticDigits({ ...SYNTHETIC, train: 1, test: 1 })).train;

/**
 * MNIST from its mirror, or a set in its form from files of the user's own.
 * @throws FormatError for broken files; an error in words where MNIST is not to be had, or images have another size
 */
export async function mnistFrom(
  from: 'mnist' | readonly File[],
  progress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<Halves> {
  let warning = '';
  const given = from === 'mnist' ? undefined : from;
  const { train, test, origin } = await mnist({
    ...(given && { source: files(given) }),
    signal,
    progress,
    warn: (text) => (warning = text),
    synthetic: SYNTHETIC,
  }).catch((error: unknown) => {
    throw signal.aborted ? new Error('The download was stopped.') : error;
  });
  if (origin.kind === 'synthetic') {
    throw new Error(`MNIST could not be loaded: drop its four files on this page instead. ${warning}`);
  }
  const { shape } = train.fields['image'];
  if (shape.join() !== `${SIDE},${SIDE}`) {
    throw new Error(
      `The images are ${shape.join(' × ')}, but the networks of this page look at ${SIDE} × ${SIDE}: bring images of that size.`,
    );
  }
  return { train, test, warning, title: given ? 'your images' : 'MNIST' };
}
