import { mnist, type Mnist } from '../../src/data/index.ts';
import { find, restart, show } from './page.ts';

/** Downloads MNIST when the visitor asks for it, and not before; then training begins anew. */
export function onMnist(loaded: (mnist: Promise<Mnist>) => void): void {
  const button = find('load', HTMLButtonElement);
  const bar = find('download', HTMLProgressElement);
  button.addEventListener('click', async () => {
    button.disabled = true;
    show('origin', 'Loading MNIST …');
    let warning = '';
    try {
      const digits = await mnist({
        progress: ({ received, total }) => {
          bar.hidden = false;
          [bar.value, bar.max] = [received, total];
        },
        // Synthetic digits take the place of MNIST where it is not to be had.
        warn: (text) => (warning = text),
        synthetic: { train: 4000, test: 500 },
      });
      const count = digits.train.length.toLocaleString('en');
      show('origin', warning || `Learns from ${count} images of MNIST: ${digits.origin.text}.`);
      button.disabled = digits.origin.kind !== 'synthetic';
      loaded(Promise.resolve(digits));
      restart();
    } catch (error) {
      show('origin', error instanceof Error ? error.message : String(error));
      button.disabled = false;
    } finally {
      bar.hidden = true;
    }
  });
}
