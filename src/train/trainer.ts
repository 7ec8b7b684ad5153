import { DataError, DeviceError, ShapeError } from '../core/errors.ts';
import { allocate, type Dtype, type Numbers } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import { formatGraph, type Graph, type State } from '../graph/graph.ts';
import { uploadBatch, type Backend } from '../scheduler/backend.ts';
import type { KernelChoice } from '../scheduler/choice.ts';
import { requireFields, requireSound, requireWhole, rowsOf } from './checks.ts';
import { Evaluator } from './evaluator.ts';
import { namesOfNothing, nothingCounts, type Amount } from './figures.ts';
import { fit, requireFitOptions, type Cursor } from './fit.ts';
import { Keeper } from './keeper.ts';
import { Launcher } from './launcher.ts';
import { inspectStep, type InspectOptions, type Inspection, type InspectionGraph } from './inspect.ts';
import type { Feed, Phase } from './model.ts';
import type { Batches, Evaluation, FitOptions, Prediction, Report, Samples, TrainerOptions, Warn } from './options.ts';
import { amountsOf, prepare, reportOf, type Prepared } from './prepared.ts';
import { profileStep, requirePeak, type Profile, type ProfileOptions } from './profile.ts';
import { Programs, type StepProgram } from './programs.ts';
import type { Fields, Source } from './source.ts';
import { summarizeModel } from './summary.ts';
import { tensorsIn, weightsFile, weightsIn } from './weights.ts';
import { verifyStep } from './verifyStep.ts';
import type { Verification } from './verify.ts';

/** Where a trainer runs, and what it must give back. */
export interface Place {
  readonly backend: Backend;
  readonly owned?: GPUDevice;
  readonly fallback?: string;
}

/** Where steps take their samples: from a whole set, once it is resident, or from where batches were brought. */
type Origin = Feed | { readonly data: Dataset; readonly shuffle: boolean };

/** What there is once the model was traced. */
interface Ready {
  readonly prepared: Prepared;
  readonly programs: Programs;
  readonly evaluator: Evaluator;
  readonly launcher: Launcher;
  readonly keeper: Keeper;
  /** Where a single batch is brought, and the step that reads it there. */
  readonly table: Source;
  readonly single: readonly StepProgram[];
}

/** Trains one model: a set of states and several programs that share them. */
export class Trainer {
  readonly batchSize: number;
  /** Why it is on the CPU, where `auto` would have taken a GPU; else null. */
  readonly fallback: string | null;
  readonly #backend: Backend;
  readonly #options: TrainerOptions;
  readonly #phases: readonly Phase[];
  readonly #ownedDevice: GPUDevice | undefined;
  readonly #sound = new WeakMap<Dataset, Set<string>>();
  readonly #cursors = new WeakMap<Dataset, Cursor>();
  #ready: Promise<Ready> | undefined;
  #programs: Programs | undefined;
  #single: readonly StepProgram[] = [];
  /** By number of samples. */
  readonly #inspections: Record<number, InspectionGraph> = {};
  #destroyed = false;
  #busy: string | undefined;
  #toldOfNothing = false;
  /** Of the last steps. */
  #origin: Origin | undefined;

  /** Use `createTrainer`. */
  constructor(options: TrainerOptions, phases: readonly Phase[], { backend, owned, fallback }: Place) {
    this.batchSize = options.batchSize;
    this.#options = options;
    this.#phases = phases;
    this.#backend = backend;
    this.#ownedDevice = owned;
    this.fallback = fallback ?? null;
  }

  /** Where it runs: the adapter's name, or the CPU reference. */
  get adapter(): string {
    return this.#backend.adapter;
  }

  /** Which form each kind of kernel takes, so far: given as `kernels`, it repeats a run to the bit. Null on the CPU. */
  get kernels(): KernelChoice | null {
    return this.#backend.kernels;
  }

  get backend(): 'webgpu' | 'cpu' {
    return this.#backend.kind;
  }

  /** Traces and compiles for the fields of a data set; once. @throws ShapeError where the model does not fit them */
  prepare(data: Dataset | Fields): Promise<void> {
    const fields = ('fields' in data && 'length' in data ? data.fields : data) as Fields;
    this.#ready ??= this.#prepare(fields).catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready.then(() => {});
  }

  async #prepare(fields: Fields): Promise<Ready> {
    const prepared = prepare(this.#options, this.#phases, fields);
    const programs = new Programs(this.#backend, prepared);
    try {
      const table = programs.table(this.batchSize);
      const single = await programs.step(this.batchSize, { source: table, shuffle: false });
      if (this.#destroyed) throw destroyedError();
      this.#programs = programs;
      this.#single = single;
      const evaluator = new Evaluator(this.#backend, prepared, programs, this.batchSize, this.#warn);
      const launcher = new Launcher(this.#backend, prepared);
      const keeper = new Keeper(this.#backend, prepared.traced);
      return { prepared, programs, evaluator, launcher, keeper, table, single };
    } catch (error) {
      programs.destroy();
      throw this.#failureOf(error);
    }
  }

  async #use(data?: Dataset): Promise<Ready> {
    const source = this.#options.data ?? data;
    if (!this.#ready) {
      if (!source) {
        throw new DataError(
          '[trainer] the shapes of the data are not known yet: give `data` to createTrainer, or call fit first',
        );
      }
      await this.prepare(source);
    }
    return this.#ready!;
  }

  /** Holds a data set against the model, once for each set. */
  #check(where: string, data: Dataset, { traced, names, ranges }: Prepared, only = names): void {
    requireFields(where, traced.fields, data, only);
    const checked = this.#sound.get(data) ?? new Set<string>();
    const left = only.filter((name) => !checked.has(name));
    if (left.length > 0) requireSound(data, left, ranges);
    this.#sound.set(data, new Set([...checked, ...left]));
  }

  #requireBatch(where: string, { length }: Dataset): void {
    const { batchSize } = this;
    if (batchSize <= length) return;
    throw new DataError(
      `[${where}] batchSize is ${batchSize} but the data set has ${length} samples: use a batch size of at most ${length}`,
    );
  }

  /** `verify`, `profile` and a rehearsed update change the states for as long as they run, and put them back. */
  #requireSettled(what: string): void {
    if (this.#busy === 'verify' || this.#busy === 'profile' || this.#busy === 'inspect')
      throw new DataError(`[${what}] ${this.#busy} is still running on this trainer: await it first`);
  }

  #enter(what: string): void {
    if (this.#busy)
      throw new DataError(
        `[${what}] ${this.#busy} is still running on this trainer: await it, or leave its loop, first`,
      );
    this.#busy = what;
  }

  /** Whatever fails once the trainer was destroyed fails because of it. */
  #failureOf(error: unknown): unknown {
    return this.#destroyed ? destroyedError(error) : error;
  }

  /** Work that `destroy` cuts short fails in one way, even if states that are gone left it something to work with. */
  async #whileAlive<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      if (!this.#destroyed) return result;
    } catch (error) {
      throw this.#failureOf(error);
    }
    throw destroyedError();
  }

  /**
   * Trains, and yields a report for each step, or for every so many, in order; none is lost, and a slow consumer holds
   * training back. A data set lies on the GPU as a whole, and many steps go there in one submit; the last step of the
   * run takes what is left of the samples. An iterable of batches is taken in ahead of the GPU. Leaving the loop ends
   * training after the last submitted whole step. Another call goes on in the set's endless stream of samples where the
   * last one stopped. `evaluate` and `predict` may be called meanwhile: they see the last submitted step.
   * @throws DataError, before the first step, for numbers that would spoil training, and at a step without a learning
   * rate or sound batch; DeviceError if there is no room for the set, if the device was lost, or the trainer destroyed in
   * the loop; whatever an iterable throws. The steps before have been taken then, and their reports given.
   */
  async *fit(data: Dataset | Batches, options: FitOptions = {}): AsyncGenerator<Report, void, undefined> {
    const set = isDataset(data) ? data : undefined;
    const ready = await this.#use(set);
    const { prepared } = ready;
    const { batchSize } = this;
    requireFitOptions(options);
    if (set) this.#check('fit', set, prepared);
    if (options.validation) this.#check('validation', options.validation, prepared);
    if (set) this.#requireBatch('fit', set);
    const shop = {
      ...ready,
      backend: this.#backend,
      batchSize,
      cursors: this.#cursors,
      accept: (batch: Samples | Dataset, index: number) => this.#accepted(batch, index, prepared),
      feed: (feed: Feed) => (this.#origin = feed),
      tellOfNothing: (amounts: readonly Amount[], step: number) => this.#tellOfNothing(prepared, amounts, step),
      isAlive: () => !this.#destroyed,
      requireAlive: () => this.#requireAlive(),
    };
    this.#enter('fit');
    this.#origin = set && { data: set, shuffle: options.shuffle ?? true };
    try {
      yield* fit(shop, data, options);
    } catch (error) {
      throw this.#failureOf(error);
    } finally {
      this.#busy = undefined;
    }
  }

  /** Once, for a data set may have many such steps. */
  #tellOfNothing({ figures }: Prepared, amounts: readonly Amount[], step: number): void {
    if (this.#toldOfNothing) return;
    const names = namesOfNothing(figures, amounts);
    if (names.length === 0) return;
    this.#toldOfNothing = true;
    this.#warn(`[fit] ${nothingCounts(names)} in step ${step} counts`);
  }

  get #warn(): Warn {
    return this.#options.warn ?? ((text) => console.warn(text));
  }

  /** Its buffers may be gone, and a caller's device would be told of each use of them. */
  #requireAlive(): void {
    if (this.#destroyed) throw destroyedError();
  }

  /**
   * One step on a batch of one's own, of exactly `batchSize` samples: numbers by field, or a small data set.
   * @throws ShapeError if its size is another, DataError for numbers that would spoil training
   */
  async step(batch: Samples | Dataset): Promise<Report> {
    const { prepared, launcher, table, single } = await this.#use();
    const begun = performance.now();
    const numbers = this.#batch('step', batch, prepared);
    this.#enter('step');
    this.#origin = { source: table, shuffle: false };
    try {
      this.#bring(numbers, table, launcher);
      const rows = await this.#whileAlive(launcher.launch({ programs: [single] }));
      const seconds = (performance.now() - begun) / 1000;
      const amounts = amountsOf(prepared, rows, launcher.step, this.batchSize);
      this.#tellOfNothing(prepared, amounts, launcher.step);
      return { ...reportOf(prepared, amounts, launcher.step), epoch: 0, seconds, waited: 0 };
    } finally {
      this.#busy = undefined;
    }
  }

  /** Puts a batch where the next step takes its samples from. */
  #bring({ fields }: Dataset, table: Source, launcher: Launcher): void {
    for (const [name, { states }] of Object.entries(table.fields)) {
      this.#backend.writeState(states[0], fields[name].data);
    }
    launcher.moveTo({ epoch: 0, position: 0 });
  }

  /** A batch of an iterable. */
  #accepted(batch: Samples | Dataset, index: number, prepared: Prepared): Dataset {
    const given = isDataset(batch) ? numbersOf(batch) : batch;
    const samples = inBatch(index, () => this.#samples(`fit, batch ${index}`, given, prepared.names, prepared));
    if (samples.length <= this.batchSize) return samples;
    throw new ShapeError(
      `[fit, batch ${index}] the batch has ${samples.length} samples but batchSize is ${this.batchSize}: give at most as many`,
    );
  }

  /** Numbers by field as a sound data set, each in the dtype that its field was traced with. */
  #samples(where: string, given: Samples, names: readonly string[], { traced, ranges }: Prepared): Dataset {
    const length = rowsOf(where, traced.fields, given, names);
    const fieldsOf = (dataOf: (name: string) => Numbers): Dataset => ({
      length,
      fields: Object.fromEntries(names.map((name) => [name, { ...traced.fields[name], data: dataOf(name) }])),
    });
    requireSound(
      fieldsOf((name) => given[name]),
      names,
      ranges,
    );
    return fieldsOf((name) => inDtype(given[name], traced.fields[name].dtype));
  }

  #batch(where: string, batch: Samples | Dataset, prepared: Prepared): Dataset {
    const given = isDataset(batch) ? numbersOf(batch) : batch;
    const samples = this.#samples(where, given, prepared.names, prepared);
    if (samples.length === this.batchSize) return samples;
    throw new ShapeError(
      `[${where}] the batch has ${samples.length} samples but batchSize is ${this.batchSize}: give as many`,
    );
  }

  /** Loss and metrics over a whole set, every sample counted once; a partial last batch has a program of its size. */
  async evaluate(data: Dataset): Promise<Evaluation> {
    const { prepared, evaluator } = await this.#use(data);
    this.#check('evaluate', data, prepared);
    this.#requireSettled('evaluate');
    return this.#whileAlive(evaluator.evaluate(data));
  }

  /**
   * The model's outputs for any number of samples: a data set, numbers by field, or numbers alone where the model reads
   * one field.
   */
  async predict(given: Dataset | Samples | Numbers): Promise<Prediction> {
    const { prepared, evaluator } = await this.#use(isDataset(given) ? given : undefined);
    const names = evaluator.inputs;
    const data = isDataset(given) ? given : this.#samples('predict', asSamples(given, names), names, prepared);
    this.#check('predict', data, prepared, names);
    this.#requireSettled('predict');
    return this.#whileAlive(evaluator.predict(data));
  }

  /** Every parameter by name, read from where it lives. */
  async readParameters(): Promise<Record<string, Float32Array>> {
    const { traced } = (await this.#use()).prepared;
    this.#requireSettled('readParameters');
    const arena = await this.#whileAlive(this.#backend.readState(traced.parameters));
    const parts = traced.layout.ranges.map(({ name, offset, size }) => [name, arena.slice(offset, offset + size)]);
    return Object.fromEntries(parts) as Record<string, Float32Array>;
  }

  /** Replaces parameters by name; those that are not named stay. @throws ShapeError for an unknown name or a wrong size */
  async writeParameters(values: Readonly<Record<string, ArrayLike<number>>>): Promise<void> {
    const { traced } = (await this.#use()).prepared;
    const { ranges } = traced.layout;
    this.#requireSettled('writeParameters');
    const found = Object.entries(values).map(([name, numbers]) => {
      const range = ranges.find((other) => other.name === name);
      if (range?.size === numbers.length) return { offset: range.offset, numbers };
      throw new ShapeError(
        range
          ? `[writeParameters] "${name}" is f32[${range.shape.join(', ')}], ${range.size} numbers, but ${numbers.length} came: give them all`
          : `[writeParameters] there is no "${name}": the parameters are ${ranges.map((other) => other.name).join(', ')}`,
      );
    });
    const arenas: State[] = [traced.parameters, ...(traced.averages ? [traced.averages] : [])];
    for (const { offset, numbers } of found) {
      for (const arena of arenas) this.#backend.writeState(arena, Float32Array.from(numbers), offset);
    }
  }

  /**
   * Every parameter, or its average if one is kept, and all that layers keep beside, as running averages, by name and shape
   * as the bytes of a safetensors file.
   * @param metadata texts to keep beside them
   */
  async saveWeights(metadata: Readonly<Record<string, string>> = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { traced } = (await this.#use()).prepared;
    this.#requireSettled('saveWeights');
    const states = [traced.averages ?? traced.parameters, ...traced.registry.states.values()];
    const read = this.#whileAlive(Promise.all(states.map((state) => this.#backend.readState(state))));
    const [arena, ...kept] = (await read) as Float32Array[];
    const ofLayers = [...traced.registry.states.values()].map(({ name, spec: { shape } }, at) => {
      return [name, { shape, data: kept[at] }] as const;
    });
    return weightsFile({ ...tensorsIn(traced.layout.ranges, arena), ...Object.fromEntries(ofLayers) }, metadata);
  }

  /**
   * Replaces every parameter, and what layers keep, by those of a safetensors file.
   * @param file its name, for messages
   * @throws FormatError if it is broken, or holds other parameters; then nothing is replaced
   */
  async loadWeights(bytes: Uint8Array, file = 'the file'): Promise<void> {
    const { traced } = (await this.#use()).prepared;
    const states = [...traced.registry.states.values()];
    const kept = states.map(({ name, spec: { shape } }) => ({ name, shape }));
    const tensors = weightsIn([...traced.layout.ranges, ...kept], file, bytes);
    const parameters = traced.layout.ranges.map(({ name }) => [name, tensors[name]] as const);
    await this.writeParameters(Object.fromEntries(parameters));
    for (const state of states) this.#backend.writeState(state, tensors[state.name]);
  }

  /**
   * Runs one step on a batch, holds every launch against an f64 run of its reference on the launch's own inputs, and
   * puts the states back. The first launch that strays is named.
   */
  async verify(batch: Samples | Dataset): Promise<Verification> {
    const { prepared, launcher, table, single } = await this.#use();
    const numbers = this.#batch('verify', batch, prepared);
    this.#enter('verify');
    try {
      this.#requireAlive();
      launcher.requireSchedules();
      return await this.#whileAlive(verifyStep(this.#backend, single, () => this.#bring(numbers, table, launcher)));
    } finally {
      this.#busy = undefined;
    }
  }

  /**
   * One step on samples of one's own, of any number, read from where it was computed: what each layer gives, the loss, the
   * gradients that flow back, and, if asked for, what the optimizer's update would change. Nothing is left changed: training
   * goes on as if it had not been. Without the update it may be called during `fit`, and sees the last submitted step. Of
   * several phases it is the first one's.
   * @throws ShapeError or DataError for samples that do not fit
   */
  async inspect(samples: Samples | Dataset, { update = false }: InspectOptions = {}): Promise<Inspection> {
    const { prepared, launcher, programs } = await this.#use(isDataset(samples) ? samples : undefined);
    const { traced, names } = prepared;
    const given = isDataset(samples) ? numbersOf(samples) : samples;
    const { length, fields } = this.#samples('inspect', given, names, prepared);
    const inspection = (this.#inspections[length] ??= traced.inspectionGraph(length));
    const reader = await programs.inspection(length, 'reading', () => inspection.graph);
    const updater = update ? await programs.inspection(length, 'rehearsal', () => traced.rehearsalGraph(length)) : null;
    if (update) this.#enter('inspect');
    else this.#requireSettled('inspect');
    try {
      this.#requireAlive();
      if (update) launcher.requireSchedules();
      const batch = Object.fromEntries(names.map((name) => [name, fields[name].data]));
      for (const program of updater ? [reader, updater] : [reader]) uploadBatch(program, batch);
      return await this.#whileAlive(inspectStep(this.#backend, traced, inspection, reader, updater));
    } finally {
      if (update) this.#busy = undefined;
    }
  }

  /**
   * Runs so many training steps, 20 if left out, times every launch of them, and puts the states back: training goes on
   * as if nothing had been. Times are the GPU's own where its device has timestamps; see `Profile`. `formatProfile` makes a
   * table of it. Timestamps are coarse unless the device came from
   * `requestDevice({ dawn: ['disable-dawn-features=timestamp_quantization'] })`, or from a browser that was told so.
   * @throws DataError if no samples are known, or for a number of steps or a peak that is none
   */
  async profile(steps = 20, { data, peak = {} }: ProfileOptions = {}): Promise<Profile> {
    requireWhole('profile', 'steps', steps);
    requirePeak(peak);
    const { prepared, programs } = await this.#use(data);
    if (data) {
      this.#check('profile', data, prepared);
      this.#requireBatch('profile', data);
    }
    const origin = data ? { data, shuffle: true } : this.#origin;
    if (!origin) {
      throw new DataError(
        '[profile] there are no samples yet to take steps on: give `data`, or call fit or step first',
      );
    }
    const timed = async (source: Source): Promise<Profile> => {
      const step = await programs.step(this.batchSize, { source, shuffle: origin.shuffle });
      return profileStep(this.#backend, step, steps, peak);
    };
    this.#enter('profile');
    try {
      const work = 'data' in origin ? programs.withResident(origin.data, timed) : timed(origin.source);
      return await this.#whileAlive(work);
    } finally {
      this.#busy = undefined;
    }
  }

  /** Layers, shapes, parameters, launches and bytes, as a table. */
  async summary(): Promise<string> {
    const { prepared, single } = await this.#use();
    return summarizeModel(prepared.traced, single, this.bytes);
  }

  /** The graphs of a training step as text: one for each phase, or, for a step in parts, for its parts and its update. */
  async graph(): Promise<string> {
    const graphs = new Set<Graph>((await this.#use()).single.map(({ program }) => program.graph));
    return [...graphs].map(formatGraph).join('\n\n');
  }

  /** Launches of one training step; 0 on the CPU, and before the model was traced. */
  get launchesPerStep(): number {
    return this.#single.reduce((total, { program }) => total + program.launches.length, 0);
  }

  /** Submits to the GPU's queue so far; 0 on the CPU. */
  get submits(): number {
    return this.#backend.submits;
  }

  /** What all its states, data sets and programs occupy. */
  get bytes(): number {
    return this.#backend.bytes + (this.#programs?.bytes ?? 0);
  }

  /** Frees every GPU object that it made, and its device if it acquired one. */
  destroy(): void {
    this.#destroyed = true;
    this.#origin = undefined;
    this.#programs?.destroy();
    this.#single = [];
    this.#backend.destroy();
    this.#ownedDevice?.destroy();
    this.#ready = Promise.reject(destroyedError());
    this.#ready.catch(() => {});
  }
}

const destroyedError = (cause?: unknown): DeviceError =>
  new DeviceError('[trainer] it was destroyed: create another one', { cause });

const isDataset = (given: object): given is Dataset => 'fields' in given && 'length' in given;

const numbersOf = ({ fields }: Dataset): Samples =>
  Object.fromEntries(Object.entries(fields).map(([name, { data }]) => [name, data]));

/** Says of an error in a batch's numbers in which batch they are. */
function inBatch<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DataError) error.message += ` (in batch ${index})`;
    throw error;
  }
}

/** Numbers alone are those of the only field. */
function asSamples(given: Samples | Numbers, names: readonly string[]): Samples {
  if (!ArrayBuffer.isView(given)) return given;
  if (names.length !== 1) {
    throw new ShapeError(`[predict] the model reads "${names.join('", "')}": give numbers by name`);
  }
  return { [names[0]]: given };
}

function inDtype(numbers: Numbers, dtype: Dtype): Numbers {
  const own = allocate({ shape: [0], dtype });
  if (numbers.constructor === own.constructor) return numbers;
  const copy = allocate({ shape: [numbers.length], dtype });
  copy.set(numbers);
  return copy;
}
