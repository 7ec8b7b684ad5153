import { DataError, DeviceError, ShapeError } from '../core/errors.ts';
import { allocate, type Dtype, type Numbers } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import { SampleStream } from '../data/order.ts';
import { formatGraph } from '../graph/graph.ts';
import { requireRate, SCHEDULE_ROWS, scheduleFrom } from '../optim/optimizer.ts';
import { uploadBatch, type Backend, type Executable } from '../scheduler/backend.ts';
import { requireFields, requireSound, rowsOf } from './checks.ts';
import { Evaluator } from './evaluator.ts';
import { Feed } from './feed.ts';
import type { Fields, Phase } from './model.ts';
import type { Evaluation, FitOptions, Prediction, Report, Samples, TrainerOptions } from './options.ts';
import { prepare, reportOf, type Prepared } from './prepared.ts';
import { Run } from './run.ts';
import { summarizeModel } from './summary.ts';
import { weightsFile, weightsIn } from './weights.ts';
import { verifyStep } from './verifyStep.ts';
import type { Verification } from './verify.ts';

/** Where a trainer runs, and what it must give back. */
export interface Place {
  readonly backend: Backend;
  readonly owned?: GPUDevice;
  readonly fallback?: string;
}

/** What there is once the model was traced. */
interface Ready {
  readonly prepared: Prepared;
  readonly evaluator: Evaluator;
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
  #ready: Promise<Ready> | undefined;
  #training: readonly Executable[] = [];
  #evaluator: Evaluator | undefined;
  #step = 0;
  #destroyed = false;
  #busy: string | undefined;

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
    const prepared = await prepare(this.#backend, this.#options, this.#phases, fields).catch((error: unknown) => {
      throw this.#failureOf(error);
    });
    if (this.#destroyed) {
      for (const program of prepared.training) program.destroy();
      throw destroyedError();
    }
    const evaluator = new Evaluator(this.#backend, prepared, this.batchSize);
    this.#training = prepared.training;
    this.#evaluator = evaluator;
    return { prepared, evaluator };
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

  /** `verify` changes the states for as long as it runs, and puts them back. */
  #requireSettled(what: string): void {
    if (this.#busy === 'verify')
      throw new DataError(`[${what}] verify is still running on this trainer: await it first`);
  }

  #enter(what: string): void {
    if (this.#busy)
      throw new DataError(
        `[${what}] ${this.#busy} is still running on this trainer: await it, or leave its loop, first`,
      );
    this.#busy = what;
  }

  /** Looks at the learning rates, and fills the schedules' tables where the step crosses into their next rows. */
  #refreshSchedules({ traced }: Prepared, step: number): void {
    for (const { phase, schedule } of traced.phases) {
      requireRate(phase.optimizer, step);
      if (step % SCHEDULE_ROWS !== 0 || step === 0) continue;
      this.#backend.writeState(schedule, scheduleFrom(phase.optimizer, step));
    }
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
   * Trains, and yields a report for each step, or for every so many, in order. Leaving the loop ends training after the
   * last submitted whole step; a slow consumer holds it back. Another call goes on in the stream of samples where this
   * one stopped. `evaluate` and `predict` may be called meanwhile: they see the last submitted step.
   * @throws DataError, before the first step, for numbers that would spoil training, and at a step without a learning
   * rate; DeviceError if the device was lost, or the trainer destroyed in the loop
   */
  async *fit(data: Dataset, options: FitOptions = {}): AsyncGenerator<Report, void, undefined> {
    const { validation, every = 1, signal, shuffle = true } = options;
    const { prepared, evaluator } = await this.#use(data);
    const { batchSize } = this;
    const total = stepsOf(options, data.length, batchSize);
    this.#check('fit', data, prepared);
    if (validation) this.#check('validation', validation, prepared);
    if (batchSize > data.length) {
      throw new DataError(
        `[fit] batchSize is ${batchSize} but the data set has ${data.length} samples: use a batch size of at most ${data.length}`,
      );
    }
    this.#enter('fit');
    const begun = performance.now();
    const firstStep = this.#step;
    const epochs = (done: number): number => (done * batchSize) / data.length;
    const run = new Run({
      total,
      // A validation must see the parameters as an epoch leaves them, so no later step may have been submitted.
      cutAfter: (done) => validation !== undefined && Math.floor(epochs(done)) > Math.floor(epochs(done - 1)),
      submit: this.#submitter(data, prepared, shuffle),
      signal,
    });
    try {
      for await (const { first, count, rows } of run.chunks()) {
        for (let done = first + 1; done <= first + count; done++) {
          const validates = validation && (run.cutAfter(done) || done === total);
          const validated = validates ? await this.#whileAlive(evaluator.evaluate(validation)) : undefined;
          if (done % every !== 0 && done !== total && !validated) continue;
          yield {
            ...reportOf(prepared, rows, firstStep + done),
            epoch: epochs(done),
            seconds: (performance.now() - begun) / 1000,
            ...(validated && { validation: validated }),
          };
        }
      }
    } catch (error) {
      throw this.#failureOf(error);
    } finally {
      this.#busy = undefined;
    }
  }

  /** Submits one step of a data set; the last of a chunk brings the ring back. */
  #submitter(data: Dataset, prepared: Prepared, shuffle: boolean): (last: boolean) => Promise<Numbers> | null {
    const stream = new SampleStream(data.length, this.#options.seed ?? 0, shuffle);
    const feed = new Feed(data, prepared.names, stream, this.batchSize);
    return (last) => {
      // Its buffers are gone, and a caller's device would be told of each use of them.
      if (this.#destroyed) throw destroyedError();
      this.#refreshSchedules(prepared, this.#step);
      feed.load(this.#step, prepared.training);
      this.#step++;
      if (last) return this.#backend.runAndRead(prepared.training, prepared.ring);
      this.#backend.run(prepared.training);
      return null;
    };
  }

  /**
   * One step on a batch of one's own, of exactly `batchSize` samples: numbers by field, or a small data set.
   * @throws ShapeError if its size is another, DataError for numbers that would spoil training
   */
  async step(batch: Samples | Dataset): Promise<Report> {
    const { prepared } = await this.#use();
    const begun = performance.now();
    const numbers = this.#batch('step', batch, prepared);
    this.#enter('step');
    try {
      this.#refreshSchedules(prepared, this.#step);
      for (const program of prepared.training) uploadBatch(program, numbers);
      const rows = await this.#whileAlive(this.#backend.runAndRead(prepared.training, prepared.ring));
      this.#step++;
      return { ...reportOf(prepared, rows, this.#step), epoch: 0, seconds: (performance.now() - begun) / 1000 };
    } finally {
      this.#busy = undefined;
    }
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

  #batch(where: string, batch: Samples | Dataset, prepared: Prepared): Samples {
    const given = isDataset(batch) ? numbersOf(batch) : batch;
    const { length, fields } = this.#samples(where, given, prepared.names, prepared);
    if (length !== this.batchSize) {
      throw new ShapeError(
        `[${where}] the batch has ${length} samples but batchSize is ${this.batchSize}: give as many`,
      );
    }
    return numbersOf({ length, fields });
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
    for (const { offset, numbers } of found) {
      this.#backend.writeState(traced.parameters, Float32Array.from(numbers), offset);
    }
  }

  /** Every parameter by name and shape as the bytes of a safetensors file. @param metadata texts to keep beside them */
  async saveWeights(metadata: Readonly<Record<string, string>> = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { traced } = (await this.#use()).prepared;
    this.#requireSettled('saveWeights');
    const arena = await this.#whileAlive(this.#backend.readState(traced.parameters));
    return weightsFile(traced.layout.ranges, arena as Float32Array, metadata);
  }

  /**
   * Replaces every parameter by those of a safetensors file.
   * @param file its name, for messages
   * @throws FormatError if it is broken, or holds other parameters; then nothing is replaced
   */
  async loadWeights(bytes: Uint8Array, file = 'the file'): Promise<void> {
    const { traced } = (await this.#use()).prepared;
    await this.writeParameters(weightsIn(traced.layout.ranges, file, bytes));
  }

  /**
   * Runs one step on a batch, holds every launch against an f64 run of its reference on the launch's own inputs, and
   * puts the states back. The first launch that strays is named.
   */
  async verify(batch: Samples | Dataset): Promise<Verification> {
    const { prepared } = await this.#use();
    const numbers = this.#batch('verify', batch, prepared);
    this.#enter('verify');
    try {
      return await this.#whileAlive(verifyStep(this.#backend, prepared.training, numbers));
    } finally {
      this.#busy = undefined;
    }
  }

  /** Layers, shapes, parameters, launches and bytes, as a table. */
  async summary(): Promise<string> {
    const { traced, training } = (await this.#use()).prepared;
    return summarizeModel(traced, training, this.batchSize, this.bytes);
  }

  /** The graphs of a training step as text, one for each phase. */
  async graph(): Promise<string> {
    const { training } = (await this.#use()).prepared;
    return training.map((program) => formatGraph(program.graph)).join('\n\n');
  }

  /** Launches of one training step; 0 on the CPU, and before the model was traced. */
  get launchesPerStep(): number {
    return this.#training.reduce((total, { launches }) => total + launches.length, 0);
  }

  /** Submits to the GPU's queue so far; 0 on the CPU. */
  get submits(): number {
    return this.#backend.submits;
  }

  /** What all its states and programs occupy. */
  get bytes(): number {
    let bytes = this.#backend.stateBytes;
    for (const program of this.#programs) bytes += program.bytes;
    return bytes;
  }

  get #programs(): readonly Executable[] {
    return [...this.#training, ...(this.#evaluator?.programs ?? [])];
  }

  /** Frees every GPU object that it made, and its device if it acquired one. */
  destroy(): void {
    for (const program of this.#programs) program.destroy();
    this.#training = [];
    this.#evaluator = undefined;
    this.#backend.destroy();
    this.#ownedDevice?.destroy();
    this.#destroyed = true;
    this.#ready = Promise.reject(destroyedError());
    this.#ready.catch(() => {});
  }
}

const destroyedError = (cause?: unknown): DeviceError =>
  new DeviceError('[trainer] it was destroyed: create another one', { cause });

const isDataset = (given: object): given is Dataset => 'fields' in given && 'length' in given;

const numbersOf = ({ fields }: Dataset): Samples =>
  Object.fromEntries(Object.entries(fields).map(([name, { data }]) => [name, data]));

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

/** How many steps `epochs` or `steps` come to: the last step takes what it lacks from the next epoch. */
function stepsOf({ epochs, steps }: FitOptions, length: number, batchSize: number): number {
  const wanted = steps ?? Math.ceil(((epochs ?? 1) * length) / batchSize);
  if (!Number.isInteger(wanted) || wanted < 1 || (steps !== undefined && epochs !== undefined)) {
    throw new DataError(`[fit] epochs is ${epochs}, steps is ${steps}: give one of them, above 0`);
  }
  return wanted;
}
