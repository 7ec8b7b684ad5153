import { files, mnist, type Mnist } from '../../src/data/index.ts';
import { find, restart, show } from './page.ts';

/** Downloads MNIST when the visitor asks for it, and not before, or takes it from their files; then training begins anew. */
export function onMnist(loaded: (mnist: Promise<Mnist>) => void): void {
  const button = find('load', HTMLButtonElement);
  const bar = find('download', HTMLProgressElement);
  const chooser = find('files', HTMLInputElement);
  const take = async (given: readonly File[]): Promise<void> => {
    button.disabled = chooser.disabled = true;
    show('origin', 'Loading MNIST …');
    let warning = '';
    try {
      const digits = await mnist({
        ...(given.length > 0 && { source: files(given) }),
        progress: ({ received, total }) => {
          bar.hidden = false;
          [bar.value, bar.max] = [received, total];
        },
        // Synthetic digits take the place of MNIST where it is not to be had.
        warn: (text) => (warning = text),
        synthetic: { train: 4000, test: 500 },
      });
      const count = digits.train.length.toLocaleString('en');
      const isMissing = digits.origin.kind === 'synthetic';
      const lacks = `MNIST could not be loaded: choose its four files instead. ${warning}`;
      show(
        'origin',
        isMissing ? lacks : `Learns from ${count} images of MNIST: ${digits.origin.text}. ${warning}`.trim(),
      );
      button.disabled = !isMissing && given.length === 0;
      loaded(Promise.resolve(digits));
      restart();
    } catch (error) {
      show('origin', error instanceof Error ? error.message : String(error));
      button.disabled = false;
    } finally {
      bar.hidden = true;
      chooser.disabled = false;
    }
  };
  button.addEventListener('click', () => void take([]));
  // The same files chosen again, once mended, are a change too.
  chooser.addEventListener('click', () => (chooser.value = ''));
  chooser.addEventListener('change', () => void take([...(chooser.files ?? [])]));
}
