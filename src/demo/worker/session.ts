import { readSafetensors, type DownloadProgress } from '../../data/index.ts';
import { summarize } from '../../gpu/device.ts';
import {
  createTrainer,
  crossEntropy,
  DeviceError,
  requestDevice,
  take,
  type KernelChoice,
  type Loaded,
  type Trainer,
} from '../../index.ts';
import { Album } from './shownImages.ts';
import { drawn, firstDrawn, mnistFrom, type Halves } from './images.ts';
import { asBytes, buffersOf, examine, glanceAt, probe, read } from './observations.ts';
import { networkOf, optimizerOf, rateOf } from './network.ts';
import { formatNotes, parseNotes, strangenessOf, type Notes } from './checkpointNotes.ts';
import type { Command, Happening, Where } from '../protocol.ts';
import { TimeShare } from './timeShare.ts';
import { parseSettings, usualSettings, type Settings } from '../settings.ts';

/** Images of which gradients and accuracy are taken while training goes on. */
const LEARNED = 64;
const JUDGED = 1000;
/** Steps of which launches are timed. */
const PROFILED = 10;
/** Steps between two looks around for what else is to be done. */
const BURST_MS = 60;
const LONGEST_GROWTH = 4;
/** Looking on is to take at most this share of the time. */
const GLANCE_SHARE = 0.25;
const PROBE_SHARE = 0.2;
const PROBE_EVERY_MS = 700;

/** A browser whose GPU process is gone has none until the next one is there. */
const RETRY_SECONDS = 8;

type Weights = Readonly<Record<string, Float32Array>>;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** @param device or why there is none   @param trainer that goes on without one */
function whereOn(device: GPUDevice | string, trainer?: Trainer): Where {
  if (typeof device === 'string') {
    const { backend = 'wasm', adapter = 'WebAssembly' } = trainer ?? {};
    return { backend: backend === 'cpu' ? 'cpu' : 'wasm', adapter, fallback: device };
  }
  const { name, software } = summarize(device);
  return { backend: 'webgpu', adapter: name, software };
}

/** One trainer at a time, and one thing done with it at a time. */
export class Session {
  readonly #tell: (happening: Happening, buffers?: ArrayBuffer[]) => void;
  /** Or why there is none; another one, once it was lost. */
  #device: Promise<GPUDevice | string> = this.#acquire();
  #album: Album | undefined;
  #trainer: Trainer | undefined;
  /** The trainer that is ready to be looked at. */
  #watched: Trainer | undefined;
  #settings: Settings = usualSettings;
  /** Steps of this trainer, and of those whose weights it goes on with. */
  #step = 0;
  #before = 0;
  /** Epochs of the trainers before: the batch size may change under way. */
  #epochsBefore = 0;
  #running = false;
  /** Which start the steps belong to: what an earlier one has left to do is void. */
  #run = 0;
  #perSecond: number | null = null;
  /** Steps of the next burst. */
  #burst = 1;
  /** Which are fastest, as the page keeps it. */
  #kernels: string | null = null;
  #download: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #glances = new TimeShare(GLANCE_SHARE);
  readonly #probes = new TimeShare(PROBE_SHARE, PROBE_EVERY_MS);

  /** @param tell is told of all that happens, and handed the arrays in it */
  constructor(tell: (happening: Happening, buffers?: ArrayBuffer[]) => void) {
    this.#tell = tell;
  }

  /** Does one thing behind the other; what ends a download is heard at once. */
  receive(command: Command): void {
    if (command.kind === 'cancel') return this.#download?.abort();
    if (command.kind === 'data') return void this.#bring(command.from);
    if (command.kind === 'load') return void this.#load(command.file);
    if (command.kind === 'kernels') return void (this.#kernels = command.text);
    this.#enqueue(() => this.#do(command));
  }

  #enqueue(task: () => Promise<void> | void): void {
    this.#work = this.#work.then(task).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#setRunning(false);
    this.#tell({ kind: 'wrong', message: messageOf(error) });
  }

  #setRunning(running: boolean): void {
    if (this.#running === running) return;
    this.#running = running;
    this.#tell({ kind: 'running', running });
  }

  #do(command: Exclude<Command, { readonly kind: 'cancel' | 'data' | 'load' | 'kernels' }>): Promise<void> | void {
    switch (command.kind) {
      case 'configure':
        return this.#configure(command.settings, command.keep);
      case 'start':
        return this.#start(command.perSecond);
      case 'pause':
        return this.#pause();
      case 'step':
        return this.#stepOnce();
      case 'follow':
        return this.#follow(command.digit, command.another);
      case 'read':
        return this.#read(asBytes(command.pixels));
      case 'example':
        return this.#tell({ kind: 'example', pixels: this.#here().album.next() });
      case 'examine':
        return this.#examine();
      case 'profile':
        return this.#profile();
      case 'save':
        return this.#save();
    }
  }

  async #acquire(retrySeconds = 0): Promise<GPUDevice | string> {
    try {
      const device = await requestDevice({ retrySeconds });
      void device.lost.then(() => (this.#device = this.#acquire(RETRY_SECONDS)));
      return device;
    } catch (error) {
      if (error instanceof DeviceError) return error.message;
      throw error;
    }
  }

  /** Another device for a trainer that goes on where its own was lost; null where there is none, and the CPU goes on. */
  async #another(reason: string): Promise<GPUDevice | null> {
    const device = await this.#device;
    this.#tell({ kind: 'recovered', reason, step: this.#before + this.#step, where: whereOn(device) });
    return typeof device === 'string' ? null : device;
  }

  /** Of all steps. */
  get #epoch(): number {
    const { trainer, halves } = this.#here();
    return this.#epochsBefore + (this.#step * trainer.batchSize) / halves.train.length;
  }

  /** @param kernels to have, in place of the fastest */
  async #configure(settings: Settings, keep: boolean, kernels?: KernelChoice): Promise<void> {
    const kept = keep ? await this.#trainer?.readParameters() : undefined;
    // With what is no number any more nothing can go on.
    const weights = kept && Object.values(kept).every((values) => values.every(Number.isFinite)) ? kept : undefined;
    const before = weights ? this.#before + this.#step : 0;
    this.#epochsBefore = weights ? this.#epoch : 0;
    this.#trainer?.destroy();
    this.#trainer = undefined;
    await this.#make(settings, weights, before, kernels);
  }

  /** @param weights to go on with, in place of first ones   @param before steps that they have had */
  async #make(settings: Settings, weights: Weights | undefined, before: number, kernels?: KernelChoice): Promise<void> {
    this.#settings = settings;
    const used = await this.#device;
    // While the browser compiles, the digits are drawn, if there are no images yet.
    const [trainer] = await Promise.all([this.#compiled(settings, used, kernels), this.#ready()]);
    this.#trainer = trainer;
    this.#step = 0;
    this.#before = before;
    this.#burst = 1;
    if (weights) await trainer.writeParameters(weights);
    const parameters = Object.values(await trainer.readParameters()).reduce((sum, { length }) => sum + length, 0);
    this.#tell({
      kind: 'made',
      where: whereOn(used, trainer),
      launches: trainer.launchesPerStep,
      parameters,
      step: before,
    });
    this.#enqueue(() => this.#warmUp(trainer));
  }

  /** @param device or why there is none */
  async #compiled(settings: Settings, device: GPUDevice | string, kernels?: KernelChoice): Promise<Trainer> {
    const known = this.#album?.halves.train;
    return createTrainer({
      model: networkOf(settings),
      loss: crossEntropy,
      optimizer: optimizerOf(settings),
      batchSize: Math.min(settings.batch, known?.length ?? settings.batch),
      seed: settings.seed,
      data: known ?? (await firstDrawn()),
      ...(typeof device === 'string'
        ? { backend: 'auto' }
        : { device, backend: 'auto', onDeviceLost: (reason: string) => this.#another(reason) }),
      kernels: kernels ?? {
        getItem: () => this.#kernels,
        setItem: (_, text) => this.#tell({ kind: 'kernels', text: (this.#kernels = text) }),
      },
    });
  }

  /** Some drivers compile a kernel when it first runs: in a step that is put back, unless the visitor has pressed Start. */
  async #warmUp(trainer: Trainer): Promise<void> {
    if (trainer !== this.#trainer) return;
    if (trainer.backend === 'webgpu' && !this.#running) await trainer.profile(1, { data: this.#here().halves.train });
    void this.#lookOn(trainer);
  }

  /** What looking on needs is compiled beside whatever the visitor does meanwhile, what he sees first before the rest. */
  async #lookOn(trainer: Trainer): Promise<void> {
    try {
      const { train } = this.#here().halves;
      await trainer.prepare(train, { inspect: 1, update: true });
      this.#enqueue(() => (trainer === this.#trainer ? this.#glance() : undefined));
      await trainer.prepare(train, { inspect: LEARNED, predict: JUDGED });
      this.#watched = trainer;
      this.#enqueue(() => (trainer === this.#trainer ? this.#show() : undefined));
    } catch (error) {
      // One that was given up for another has nothing to say.
      if (trainer === this.#trainer) this.#fail(error);
    }
  }

  /** The images, which are synthetic digits if nobody asked for others. */
  async #ready(): Promise<Halves> {
    if (!this.#album) this.#take(await drawn());
    return this.#album!.halves;
  }

  #take(halves: Halves): void {
    const { title, warning, train, test } = halves;
    this.#album = new Album(halves, this.#settings.digit);
    this.#tell({ kind: 'data', title, warning, train: train.length, test: test.length });
  }

  /** What is there once the page was told that it is ready. */
  #here(): { readonly trainer: Trainer; readonly album: Album; readonly halves: Halves } {
    const [trainer, album] = [this.#trainer, this.#album];
    if (trainer && album) return { trainer, album, halves: album.halves };
    throw new Error('There is no network at the moment: press Reset to begin anew.');
  }

  async #start(perSecond: number | null): Promise<void> {
    this.#here();
    this.#perSecond = perSecond;
    this.#setRunning(true);
    const run = ++this.#run;
    this.#enqueue(() => this.#train(run));
  }

  /** Some steps, and then whatever has been asked for meanwhile. */
  async #train(run: number): Promise<void> {
    if (!this.#running || run !== this.#run) return;
    const begun = performance.now();
    const slowly = this.#perSecond;
    await this.#advance(slowly === null ? this.#burst : 1);
    const elapsed = performance.now() - begun;
    const fitting = Math.max(1, Math.floor((this.#burst * BURST_MS) / elapsed));
    if (slowly === null) this.#burst = Math.min(fitting, LONGEST_GROWTH * this.#burst);
    await this.#show(slowly !== null, false);
    const again = (): void => this.#enqueue(() => this.#train(run));
    if (slowly === null) again();
    else setTimeout(again, Math.max(0, 1000 / slowly - (performance.now() - begun)));
  }

  /** Then all that is on display is of the last step, unless something else has been asked for meanwhile. */
  #pause(): void {
    if (!this.#running) return;
    this.#setRunning(false);
    const trainer = this.#trainer;
    this.#enqueue(() => (trainer === this.#trainer && !this.#running ? this.#show() : undefined));
  }

  async #stepOnce(): Promise<void> {
    this.#setRunning(false);
    await this.#advance(1);
    await this.#show();
  }

  async #advance(steps: number): Promise<void> {
    const { trainer, halves } = this.#here();
    const begun = performance.now();
    const submits = trainer.submits;
    const [losses, accuracies, rates]: number[][] = [[], [], []];
    const { train } = halves;
    for await (const { loss, metrics, learningRate } of trainer.fit(train, {
      steps,
      stepsPerSubmit: steps,
      stopOnNaN: false,
    })) {
      losses.push(loss);
      accuracies.push(metrics['accuracy']);
      rates.push(learningRate);
    }
    this.#step += losses.length;
    const step = this.#before + this.#step;
    this.#tell({
      kind: 'taken',
      step,
      epoch: this.#epoch,
      losses,
      accuracies,
      rates,
      milliseconds: performance.now() - begun,
      submits: trainer.submits - submits,
      bytes: trainer.bytes,
    });
    const last = losses.at(-1) ?? 0;
    if (Number.isFinite(last)) return;
    throw new Error(`The loss is ${last} at step ${step}: take a smaller learning rate, with which it begins anew.`);
  }

  /** What is not wanted at once is shown when its turn has come; nothing before it can be without a wait. */
  async #show(glanceAtOnce = true, probeAtOnce = true): Promise<void> {
    if (this.#trainer !== this.#watched) return;
    await this.#glances.take(glanceAtOnce, () => this.#glance());
    const { trainer, halves } = this.#here();
    await this.#probes.take(probeAtOnce, async () => {
      const sets = [take(halves.train, 0, LEARNED), take(halves.test, 0, JUDGED)] as const;
      this.#tell({ kind: 'probe', ...(await probe(trainer, this.#before + this.#step, ...sets)) });
    });
  }

  async #glance(): Promise<void> {
    const { trainer, album } = this.#here();
    const rate = rateOf(this.#settings, this.#step);
    const glance = await glanceAt(trainer, this.#before + this.#step, rate, album.followed);
    this.#tell({ kind: 'glance', glance }, buffersOf(glance));
  }

  async #follow(digit: number, another: boolean): Promise<void> {
    this.#settings = { ...this.#settings, digit };
    this.#here().album.follow(digit, another);
    await this.#glance();
  }

  async #read(pixels: Uint8Array): Promise<void> {
    this.#tell({ kind: 'answer', probabilities: await read(this.#here().trainer, pixels) });
  }

  async #examine(): Promise<void> {
    const { trainer, halves } = this.#here();
    const examination = await examine(trainer, this.#before + this.#step, halves.test);
    this.#tell({ kind: 'examination', examination });
  }

  async #profile(): Promise<void> {
    const { trainer, halves } = this.#here();
    this.#tell({ kind: 'profile', profile: await trainer.profile(PROFILED, { data: halves.train }) });
  }

  /** Beside training, which goes on until the images are there; what is asked for last is taken. */
  async #bring(from: Extract<Command, { readonly kind: 'data' }>['from']): Promise<void> {
    this.#download?.abort();
    const download = (this.#download = new AbortController());
    const isLast = (): boolean => this.#download === download;
    const progress = (received: DownloadProgress): void => {
      if (isLast()) this.#tell({ kind: 'download', ...received });
    };
    try {
      const halves = await (from === 'synthetic' ? drawn() : mnistFrom(from, progress, download.signal));
      if (!isLast()) return;
      this.#enqueue(() => {
        this.#take(halves);
        return this.#configure(this.#settings, false);
      });
    } catch (error) {
      if (isLast()) this.#tell({ kind: 'wrong', message: messageOf(error) });
    }
  }

  async #save(): Promise<void> {
    const { trainer, halves } = this.#here();
    const run = { before: this.#before, epochsBefore: this.#epochsBefore };
    const bytes = await trainer.save(formatNotes(this.#settings, halves, run));
    this.#tell({ kind: 'saved', bytes }, [bytes.buffer]);
  }

  /** A file that cannot be read stops nothing. */
  async #load(file: File): Promise<void> {
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const notes = parseNotes(readSafetensors(file.name, bytes).metadata);
      this.#enqueue(() => this.#open(file.name, bytes, notes));
    } catch (error) {
      this.#tell({ kind: 'wrong', message: messageOf(error) });
    }
  }

  /** Goes on where a checkpoint was saved, or takes the weights of another file. */
  async #open(name: string, bytes: Uint8Array, notes: Notes): Promise<void> {
    this.#setRunning(false);
    const { search } = notes;
    // Which digit is followed is the visitor's choice, not the file's.
    const { digit } = this.#settings;
    if (search) await this.#configure({ ...parseSettings(search).settings, digit }, false);
    // What does not fit is refused before anything is replaced.
    await this.#here().trainer.loadWeights(bytes, name);
    const { exact, why, step } = await this.#goOn(name, bytes);
    const goesOn = exact || step !== this.#step;
    if (goesOn) [this.#before, this.#epochsBefore, this.#step] = [notes.before, notes.epochsBefore, step];
    const reasons = goesOn ? [...why, ...strangenessOf(notes, this.#here().halves)] : why;
    const at = { step: this.#before + this.#step, epoch: this.#epoch };
    this.#tell({ kind: 'loaded', name, search, goesOn, why: reasons, ...at });
    await this.#show();
  }

  async #goOn(file: string, bytes: Uint8Array): Promise<Loaded> {
    const { trainer } = this.#here();
    const loaded = await trainer.load(bytes, { strict: false, file });
    if (loaded.exact || loaded.kernels?.adapter !== trainer.adapter) return loaded;
    // On another visit kernels were chosen otherwise, and round otherwise.
    await this.#configure(this.#settings, false, loaded.kernels);
    return this.#here().trainer.load(bytes, { strict: false, file });
  }
}
