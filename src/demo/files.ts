import { find, put } from './page.ts';
import type { Command, DataSet, Happening } from './protocol.ts';

const isSaved = ({ name }: File): boolean => name.endsWith('.safetensors');

const button = (id: string): HTMLButtonElement => find(id, HTMLButtonElement);

/** What comes from files or goes into them: images to learn from, and checkpoints. */
export class Files {
  readonly #send: (command: Command) => void;
  readonly #say: (text: string) => void;
  readonly #bar = find('progress', HTMLProgressElement);

  /** @param say is told what has been begun */
  constructor(send: (command: Command) => void, say: (text: string) => void) {
    this.#send = send;
    this.#say = say;
    const chooser = find('files', HTMLInputElement);
    // The same files chosen again, once mended, are a change too.
    chooser.addEventListener('click', () => (chooser.value = ''));
    chooser.addEventListener('change', () => this.#take([...(chooser.files ?? [])]));
    button('mnist').addEventListener('click', () => this.#bring('mnist', 'Loading MNIST …'));
    button('synthetic').addEventListener('click', () => this.#bring('synthetic', 'Drawing digits …'));
    button('cancel').addEventListener('click', () => send({ kind: 'cancel' }));
    button('save').addEventListener('click', () => send({ kind: 'save' }));
    this.#drop(find('drop', HTMLElement));
  }

  /** On the whole page: a browser leaves a page beside whose zone a file falls. */
  #drop(zone: HTMLElement): void {
    document.addEventListener('dragover', (event) => {
      event.preventDefault();
      zone.classList.add('over');
    });
    document.addEventListener('dragleave', () => zone.classList.remove('over'));
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      zone.classList.remove('over');
      this.#take([...(event.dataTransfer?.files ?? [])]);
    });
  }

  #take(chosen: readonly File[]): void {
    const saved = chosen.find(isSaved);
    if (saved) {
      this.#say(`Reading ${saved.name} …`);
      this.#send({ kind: 'load', file: saved });
    } else if (chosen.length > 0) this.#bring(chosen, 'Reading the files …');
  }

  #bring(from: Extract<Command, { readonly kind: 'data' }>['from'], text: string): void {
    this.#say(text);
    button('cancel').disabled = from !== 'mnist';
    this.#send({ kind: 'data', from });
  }

  download({ received, total }: Extract<Happening, { readonly kind: 'download' }>): void {
    this.#bar.hidden = false;
    [this.#bar.value, this.#bar.max] = [received, total];
  }

  /** Nothing is being read any more. */
  settle(): void {
    this.#bar.hidden = true;
    button('cancel').disabled = true;
  }

  data({ title, train, test, warning }: DataSet): void {
    this.settle();
    const [learned, judged] = [train, test].map((count) => count.toLocaleString('en'));
    put('origin', `Learns from ${learned} images and is judged by ${judged} others: ${title}. ${warning}`.trim());
  }

  /** Hands the visitor a file. */
  save(bytes: Uint8Array<ArrayBuffer>, name: string): void {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}
