import { Random } from '../core/random.ts';
import {
  adam,
  binaryCrossEntropy,
  createTrainer,
  dataset,
  linear,
  sequential,
  tanh,
  type Dataset,
  type Trainer,
} from '../index.ts';
import { Curve, PlaneMap } from './charts.ts';
import { find, nextFrame, Panel, percent } from './page.ts';

const SAMPLES = 256;
const TURNS = 1.5;
const NOISE = 0.015;

/** Two spirals around the origin, within −1 … 1: `point` f32[2] and `label` 0 or 1. */
function spirals(seed: number): Dataset {
  const random = new Random(seed, 'spirals');
  const point = new Float32Array(2 * SAMPLES);
  const label = new Float32Array(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    label[i] = i % 2;
    // The root spreads the points evenly along the arm.
    const along = Math.sqrt(random.uniform(0.01, 1));
    const angle = 2 * Math.PI * TURNS * along + Math.PI * label[i];
    point[2 * i] = 0.9 * along * Math.cos(angle) + random.normal(0, NOISE);
    point[2 * i + 1] = 0.9 * along * Math.sin(angle) + random.normal(0, NOISE);
  }
  return dataset({ point: { data: point, shape: [2] }, label });
}

/** A burst of steps between two paintings should take about so long, and not be so long that learning is a flash. */
const BURST_MS = 30;
const LONGEST_BURST = 16;
/** The map asks for 4096 answers, so it is drawn less often than the page. */
const MAP_EVERY_MS = 150;

const READY = 'Ready: press Train.';

/** The first demo: one trainer at a time, and one thing done with it at a time. */
export class Spirals {
  readonly #panel = new Panel('spirals');
  readonly #curve = new Curve(find('spirals-curve', HTMLCanvasElement));
  readonly #map = new PlaneMap(find('spirals-map', HTMLCanvasElement));
  readonly #form = find('spirals-form', HTMLFormElement);
  readonly #trainButton = find('spirals-train', HTMLButtonElement);
  readonly #onTrainer: (trainer: Trainer) => void;
  #trainer: Trainer | undefined;
  #data = spirals(0);
  #run: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();
  #last = { step: 0, loss: NaN, accuracy: NaN };
  #burst = 1;
  #mapped = 0;

  /** @param onTrainer is told of each trainer that was made */
  constructor(onTrainer: (trainer: Trainer) => void) {
    this.#onTrainer = onTrainer;
    this.#trainButton.addEventListener('click', () => (this.#run ? this.#pause() : this.#train()));
    find('spirals-step', HTMLButtonElement).addEventListener('click', () => this.#stepOnce());
    find('spirals-reset', HTMLButtonElement).addEventListener('click', () => this.#reset());
    this.#form.addEventListener('change', () => this.#changed());
    this.#reset();
  }

  draw(): void {
    this.#curve.draw();
    this.#map.draw();
  }

  #train(): void {
    if (!this.#form.reportValidity()) return;
    this.#run = new AbortController();
    this.#trainButton.textContent = 'Pause';
    const { signal } = this.#run;
    this.#enqueue(() => this.#trainUntil(signal));
  }

  #pause(): void {
    this.#run?.abort();
    this.#run = undefined;
    this.#trainButton.textContent = 'Train';
  }

  #stepOnce(): void {
    this.#pause();
    if (!this.#form.reportValidity()) return;
    this.#enqueue(async () => {
      const trainer = await this.#ready();
      await this.#advance(trainer, 1);
      await this.#drawMap(trainer);
      this.#panel.say(this.#summary());
    });
  }

  #reset(): void {
    this.#pause();
    if (!this.#form.reportValidity()) return;
    this.#enqueue(async () => {
      this.#trainer?.destroy();
      this.#trainer = undefined;
      await this.#ready();
      this.#panel.say(READY);
    });
  }

  /** New settings are a new run, which goes on if the old one did. */
  #changed(): void {
    if (!this.#form.reportValidity()) return;
    const wasTraining = this.#run !== undefined;
    this.#reset();
    if (wasTraining) this.#train();
  }

  /** One behind the other: a trainer does one thing at a time. */
  #enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.#pause();
      this.#panel.fail(error);
    });
  }

  async #ready(): Promise<Trainer> {
    if (this.#trainer) return this.#trainer;
    const [learningRate, width, seed] = ['learning-rate', 'hidden-width', 'seed'].map(
      (id) => find(id, HTMLInputElement).valueAsNumber,
    );
    this.#panel.say('Preparing …');
    this.#data = spirals(seed);
    this.#trainer = await createTrainer({
      model: sequential(linear(2, width), tanh, linear(width, width), tanh, linear(width, 1)),
      loss: binaryCrossEntropy,
      optimizer: adam({ learningRate }),
      batchSize: SAMPLES,
      seed,
      backend: 'auto',
      data: this.#data,
    });
    this.#last = { step: 0, loss: NaN, accuracy: NaN };
    this.#burst = 1;
    this.#curve.clear();
    this.#onTrainer(this.#trainer);
    await this.#panel.begin(this.#trainer);
    await this.#drawMap(this.#trainer);
    return this.#trainer;
  }

  async #trainUntil(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const trainer = await this.#ready();
    this.#panel.say('Training.');
    this.#panel.restartClock(this.#last.step);
    while (!signal.aborted) {
      const begun = performance.now();
      await this.#advance(trainer, this.#burst);
      this.#burst =
        performance.now() - begun < BURST_MS ? Math.min(LONGEST_BURST, this.#burst * 2) : (this.#burst + 1) >> 1;
      if (performance.now() - this.#mapped > MAP_EVERY_MS) await this.#drawMap(trainer);
      await nextFrame();
    }
    await this.#drawMap(trainer);
    this.#panel.say(this.#summary());
  }

  /** Each batch is the whole set, so a short fit sees as much of it as a long one. */
  async #advance(trainer: Trainer, steps: number): Promise<void> {
    for await (const { step, loss, metrics } of trainer.fit(this.#data, { steps })) {
      if (!Number.isFinite(loss))
        throw new Error(`The loss is ${loss} at step ${step}: reset, and take a smaller learning rate.`);
      this.#last = { step, loss, accuracy: metrics['accuracy'] };
      this.#curve.push(loss);
    }
    this.#panel.progress(this.#last.step, this.#last.loss);
    this.#panel.accuracy(this.#last.accuracy);
    this.#curve.draw();
  }

  async #drawMap(trainer: Trainer): Promise<void> {
    const { data: logits } = await trainer.predict(this.#map.places);
    const { point, label } = this.#data.fields;
    this.#map.show(point.data, label.data, logits);
    this.#mapped = performance.now();
  }

  #summary(): string {
    const { step, loss, accuracy } = this.#last;
    if (step === 0) return READY;
    return `Paused at step ${step}: loss ${loss.toFixed(4)}, accuracy ${percent(accuracy)}.`;
  }
}
