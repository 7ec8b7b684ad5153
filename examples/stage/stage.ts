import { requestDevice, type Trainer } from '../../src/index.ts';
import { find, lossText, nextFrame, show, showSource } from './page.ts';

/** What a lesson makes anew at each reset. */
export interface Scene {
  /** Destroyed when the scene ends. */
  readonly trainers: readonly Trainer[];
  /** Takes so many steps, and says where that leads. */
  train(steps: number): Promise<{ readonly step: number; readonly loss: number }>;
  /** Paints what has been learned, and puts it in figures: texts by the ids at which the page shows them. */
  paint(): Promise<Readonly<Record<string, string>>>;
  /** Frees what it made beside them. */
  end?(): void;
}

/** The numbers of the page's form by name. A field that was left empty is NaN. */
export type Settings = Readonly<Record<string, number>>;

/** Makes a scene. Lessons share one device, so that what was compiled for it serves the next scene too. */
export type Begin = (settings: Settings, device: GPUDevice | undefined) => Promise<Scene>;

/** How fast a lesson goes, and how far. */
export interface Pace {
  readonly lastStep: number;
  /** Between two paintings at most, so that one sees it learn on a fast adapter too. */
  readonly stepsAtOnce: number;
}

/** A burst of steps should leave the page time to paint and to listen. */
const BURST_MS = 25;

const READY = 'Ready: press Start.';

/** A page's buttons, its form, and one scene after the other. */
class Stage {
  readonly #begin: Begin;
  readonly #pace: Pace;
  readonly #form = find('controls', HTMLFormElement);
  readonly #startButton = find('start', HTMLButtonElement);
  #scene: Scene | undefined;
  /** What the fields said when they were last in order; they may not be when a queued scene begins. */
  #settings: Record<string, number> | undefined;
  #device: GPUDevice | undefined;
  #run: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();
  #step = 0;
  #burst = 1;
  #paintAfter = 0;
  #isToRepaint = false;

  constructor(begin: Begin, pace: Pace) {
    this.#begin = begin;
    this.#pace = pace;
    this.#startButton.addEventListener('click', () => (this.#run ? this.#pause() : this.#start()));
    find('step-once', HTMLButtonElement).addEventListener('click', () => this.#stepOnce());
    find('reset', HTMLButtonElement).addEventListener('click', () => this.#reset());
    this.#form.addEventListener('change', () => this.#reset(this.#run !== undefined));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#reset(true);
    });
  }

  /** Begins at once, unless the visitor wants little motion. */
  open(): void {
    this.#reset(!matchMedia('(prefers-reduced-motion: reduce)').matches);
  }

  /** Paints what a lesson has to show beside what is learned: soon in a run, else at once. */
  repaint(): void {
    this.#paintAfter = 0;
    if (this.#isToRepaint) return;
    this.#isToRepaint = true;
    this.#enqueue(async () => {
      this.#isToRepaint = false;
      await this.#paint(await this.#ready());
    });
  }

  #start(): void {
    if (this.#step >= this.#pace.lastStep) return this.#reset(true);
    const run = new AbortController();
    this.#run = run;
    this.#startButton.textContent = 'Pause';
    this.#enqueue(() => this.#play(run.signal));
  }

  #pause(): void {
    this.#run?.abort();
    this.#run = undefined;
    this.#startButton.textContent = 'Start';
  }

  #stepOnce(): void {
    this.#pause();
    this.#enqueue(async () => {
      const scene = await this.#ready();
      await this.#advance(scene, 1);
      await this.#paint(scene);
      this.#say(this.#where('Paused'));
    });
  }

  /** @param goOn whether the new scene starts at once */
  #reset(goOn = false): void {
    this.#pause();
    if (!this.#form.reportValidity()) return;
    this.#settings = this.#read();
    this.#step = 0;
    this.#enqueue(async () => {
      this.#end();
      await this.#ready();
      this.#say(READY);
    });
    if (goOn) this.#start();
  }

  /** One behind the other: a trainer does one thing at a time. */
  #enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.#pause();
      // What failed may have left nothing to go on with: a lost device, weights that are no numbers.
      this.#end();
      this.#say(error instanceof Error ? error.message : String(error), true);
    });
  }

  #end(): void {
    for (const trainer of this.#scene?.trainers ?? []) trainer.destroy();
    this.#scene?.end?.();
    this.#scene = undefined;
  }

  async #ready(): Promise<Scene> {
    if (this.#scene) return this.#scene;
    this.#say('Preparing …');
    this.#settings ??= this.#read();
    const scene = await this.#begin(this.#settings, await this.#openDevice());
    this.#scene = scene;
    this.#step = 0;
    this.#burst = 1;
    show('device', placeOf(scene.trainers[0]));
    show('step', '0');
    show('loss', '–');
    await this.#paint(scene);
    // What took long was made for the first picture, and is there for the next one.
    this.#paintAfter = 0;
    return scene;
  }

  #read(): Record<string, number> {
    const fields = [...this.#form.elements].filter((field) => field instanceof HTMLInputElement);
    return Object.fromEntries(fields.map((field) => [field.name, field.valueAsNumber]));
  }

  /** Undefined where there is no WebGPU. */
  async #openDevice(): Promise<GPUDevice | undefined> {
    if (this.#device) return this.#device;
    const device = await requestDevice().catch(() => undefined);
    this.#device = device;
    // The next scene asks for another one.
    void device?.lost.then(() => (this.#device = undefined));
    return device;
  }

  async #play(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const scene = await this.#ready();
    this.#say('Training.');
    while (!signal.aborted && this.#step < this.#pace.lastStep) {
      // Nobody would see what a hidden page learns.
      if (!document.hidden) await this.#continue(scene);
      await nextFrame();
    }
    await this.#paint(scene);
    if (!signal.aborted) this.#pause();
    this.#say(this.#where(this.#step < this.#pace.lastStep ? 'Paused' : 'Ended'));
  }

  /** Some steps, as many as leave time, and a picture of them now and then. */
  async #continue(scene: Scene): Promise<void> {
    const begun = performance.now();
    await this.#advance(scene, Math.min(this.#burst, this.#pace.lastStep - this.#step));
    const fitting = Math.floor((this.#burst * BURST_MS) / (performance.now() - begun));
    this.#burst = Math.max(1, Math.min(fitting, 2 * this.#burst, this.#pace.stepsAtOnce));
    if (performance.now() > this.#paintAfter) await this.#paint(scene);
  }

  async #advance(scene: Scene, steps: number): Promise<void> {
    const { step, loss } = await scene.train(steps);
    this.#step = step;
    show('step', step.toLocaleString('en'));
    show('loss', lossText(loss));
    if (Number.isFinite(loss)) return;
    throw new Error(`The loss is ${loss} at step ${step}: reset, and take other settings.`);
  }

  /** Pictures may ask the network thousands of times: they have a third of the time. */
  async #paint(scene: Scene): Promise<void> {
    const begun = performance.now();
    for (const [id, text] of Object.entries(await scene.paint())) show(id, text);
    const now = performance.now();
    this.#paintAfter = now + 2 * (now - begun);
  }

  #where(how: string): string {
    return this.#step === 0 ? READY : `${how} at step ${this.#step.toLocaleString('en')}.`;
  }

  #say(text: string, isWrong = false): void {
    show('status', text);
    find('status', HTMLElement).classList.toggle('wrong', isWrong);
  }
}

const placeOf = ({ backend, adapter }: Trainer): string =>
  backend === 'webgpu'
    ? `Trains by WebGPU on ${adapter}.`
    : `This browser gives the page no GPU: it trains by ${adapter}.`;

/** Plays a lesson on its page. @returns what paints it anew, for a lesson that shows more than what it learns */
export function perform(pace: Pace, begin: Begin): () => void {
  const stage = new Stage(begin, pace);
  stage.open();
  void showSource();
  return () => stage.repaint();
}
