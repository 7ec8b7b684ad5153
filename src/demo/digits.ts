import { files, mnist, type Mnist, type MnistOptions } from '../data/index.ts';
import { adam, createTrainer, crossEntropy, flatten, linear, relu, sequential } from '../index.ts';
import { Curve } from './charts.ts';
import { find, nextFrame, Panel, percent } from './page.ts';

const HIDDEN = 128;
const CLASSES = 10;
const BATCH_SIZE = 128;
/** Time between two paintings. */
const FRAME_MS = 30;

/** The second demo: one epoch on MNIST, or on files of the user's own. */
export class Digits {
  readonly #panel = new Panel('digits');
  readonly #curve = new Curve(find('digits-curve', HTMLCanvasElement));
  readonly #stopButton = find('digits-stop', HTMLButtonElement);
  readonly #bar = find('digits-progress', HTMLProgressElement);
  readonly #origin = find('digits-origin', HTMLElement);
  #run: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor() {
    const zone = find('digits-drop', HTMLElement);
    const chooser = find('digits-files', HTMLInputElement);
    // The same files chosen again, once mended, are a change too.
    chooser.addEventListener('click', () => (chooser.value = ''));
    chooser.addEventListener('change', () => this.#take([...(chooser.files ?? [])]));
    this.#stopButton.addEventListener('click', () => this.#run?.abort());
    find('digits-load', HTMLButtonElement).addEventListener('click', () => this.#start({}));
    // On the whole page: a browser leaves a page beside whose zone a file falls.
    document.addEventListener('dragover', (event) => {
      event.preventDefault();
      zone.classList.add('over');
    });
    document.addEventListener('dragleave', () => zone.classList.remove('over'));
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      zone.classList.remove('over');
      if (!event.dataTransfer) return;
      chooser.files = event.dataTransfer.files;
      this.#take([...event.dataTransfer.files]);
    });
  }

  draw(): void {
    this.#curve.draw();
  }

  #take(chosen: readonly File[]): void {
    if (chosen.length > 0) this.#start({ source: files(chosen) });
  }

  /** A new run ends the one before. */
  #start(options: MnistOptions): void {
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    this.#work = this.#work
      .then(() => this.#train(options, run.signal))
      .catch((error: unknown) => (run.signal.aborted ? this.#panel.say('Stopped.') : this.#panel.fail(error)))
      .finally(() => (this.#stopButton.disabled = true));
  }

  /** Shows how far a download has come, and whatever is not as expected. */
  async #load(options: MnistOptions, signal: AbortSignal): Promise<Mnist> {
    this.#panel.say(options.source ? 'Reading the files.' : 'Loading MNIST.');
    this.#origin.textContent = '';
    this.#stopButton.disabled = false;
    const progress: MnistOptions['progress'] = ({ received, total }) => {
      this.#bar.hidden = false;
      [this.#bar.value, this.#bar.max] = [received, total];
    };
    try {
      return await mnist({ ...options, signal, progress, warn: (text) => (this.#origin.textContent = text) });
    } finally {
      this.#bar.hidden = true;
    }
  }

  async #train(options: MnistOptions, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { train, test, origin } = await this.#load(options, signal);
    const kind = origin.kind === 'synthetic' ? 'synthetic ' : '';
    const pixels = train.fields['image'].shape.reduce((product, extent) => product * extent, 1);
    const trainer = await createTrainer({
      model: sequential(flatten, linear(pixels, HIDDEN), relu, linear(HIDDEN, CLASSES)),
      loss: crossEntropy,
      optimizer: adam({ learningRate: 3e-3 }),
      batchSize: BATCH_SIZE,
      seed: 1,
      backend: 'auto',
      data: train,
    });
    try {
      this.#curve.clear();
      await this.#panel.begin(trainer);
      this.#panel.say(`Training on ${train.length.toLocaleString('en')} ${kind}images.`);
      let painted = performance.now();
      let last = { step: 0, loss: NaN };
      for await (last of trainer.fit(train, { epochs: 1, signal })) {
        this.#curve.push(last.loss);
        if (performance.now() - painted < FRAME_MS) continue;
        this.#panel.progress(last.step, last.loss);
        this.#curve.draw();
        await nextFrame();
        painted = performance.now();
      }
      this.#panel.progress(last.step, last.loss);
      if (this.#run?.signal !== signal) return;
      const { loss, accuracy } = await trainer.evaluate(test);
      this.#panel.accuracy(accuracy);
      const ended = signal.aborted ? `Stopped at step ${last.step}` : `One epoch, ${last.step} steps`;
      this.#panel.say(
        `${ended}. On ${test.length.toLocaleString('en')} ${kind}test images: loss ${loss.toFixed(4)}, accuracy ${percent(accuracy)}.`,
      );
    } finally {
      this.#curve.draw();
      trainer.destroy();
    }
  }
}
