import { DataError, DeviceError, ShapeError } from '../core/errors.ts';
import { allocate, sizeOf, spec, type Numbers } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import { SampleStream } from '../data/order.ts';
import { requestDevice } from '../gpu/device.ts';
import { formatGraph, type State } from '../graph/graph.ts';
import type { Loss } from '../nn/losses.ts';
import { SCHEDULE_ROWS, scheduleFrom, type Optimizer } from '../optim/optimizer.ts';
import { uploadBatch, type Backend, type Executable } from '../scheduler/backend.ts';
import { CpuBackend } from '../scheduler/cpuBackend.ts';
import { GpuBackend } from '../scheduler/gpuBackend.ts';
import { rangesOf, requireFields, requireSound, rowsOf, type FieldRange } from './checks.ts';
import { RING_ROWS, TracedModel, type Fields, type Model, type Phase } from './model.ts';
import { Feed } from './feed.ts';
import { Run } from './run.ts';
import { summarizeModel } from './summary.ts';
import { verifyStep } from './verifyStep.ts';
import type { Verification } from './verify.ts';

/** Numbers by field: what `step`, `verify` and `predict` take. */
export type Samples = Readonly<Record<string, Numbers>>;

export interface TrainerOptions {
  readonly model?: Model;
  /** Of the model's outputs and the batch; with `optimizer`, the single phase of a step. */
  readonly loss?: Loss;
  readonly optimizer?: Optimizer;
  /** Several losses, each changing parameters of its own, in place of `loss` and `optimizer`. */
  readonly phases?: readonly Phase[];
  readonly batchSize: number;
  /** Fixes the first weights, the order of samples, and every draw; 0 if left out. */
  readonly seed?: number;
  /** `auto` takes the CPU where there is no WebGPU. */
  readonly backend?: 'webgpu' | 'cpu' | 'auto';
  /** A device of the caller's, which stays the caller's; one is acquired if it is left out. */
  readonly device?: GPUDevice | undefined;
  /** The fields that batches will have; taken from the first data set if left out. */
  readonly data?: Dataset | Fields;
}

export interface FitOptions {
  readonly epochs?: number;
  readonly steps?: number;
  /** Evaluated at the end of each epoch. */
  readonly validation?: Dataset;
  /** A report each so many steps, and one at the end: 1. */
  readonly every?: number;
  /** Ends training after the last submitted whole step. */
  readonly signal?: AbortSignal;
  /** False takes the samples in their own order. */
  readonly shuffle?: boolean;
}

export interface Report {
  /** Steps so far, in the trainer's life. */
  readonly step: number;
  /** Epochs so far, in this call. */
  readonly epoch: number;
  readonly loss: number;
  /** All that the losses report, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Since the call. */
  readonly seconds: number;
  readonly validation?: Readonly<Record<string, number>>;
}

/** A model's answer for a number of samples. */
export interface Prediction {
  readonly data: Numbers;
  /** The samples first. */
  readonly shape: readonly number[];
}

/** Samples that one program predicts at most. */
const LARGEST_PREDICTION = 1024;

/** A trained model's states, and the programs that use them. */
interface Prepared {
  readonly traced: TracedModel;
  readonly metrics: readonly string[];
  readonly ring: State;
  readonly evaluationRing: State;
  readonly training: readonly Executable[];
  /** Fields that a step reads, and those that a prediction reads. */
  readonly names: readonly string[];
  readonly ranges: readonly FieldRange[];
}

/** Where a trainer runs, and what it must give back. */
interface Place {
  readonly backend: Backend;
  readonly owned?: GPUDevice;
  readonly fallback?: string;
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
  readonly #evaluations = new Map<number, Executable>();
  readonly #predictions = new Map<number, Executable>();
  readonly #sound = new WeakMap<Dataset, Set<string>>();
  #prepared: Promise<Prepared> | undefined;
  #training: readonly Executable[] = [];
  #step = 0;
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
    this.#prepared ??= this.#build(fields).catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared.then(() => {});
  }

  async #build(given: Fields): Promise<Prepared> {
    const fields = Object.fromEntries(
      Object.entries(given).map(([name, { shape, dtype, scale }]) => [name, { shape, dtype, scale }]),
    );
    const { model, seed = 0, batchSize } = this.#options;
    const traced = new TracedModel({ model, phases: this.#phases, fields, batchSize, seed });
    const metrics = traced.metricNames();
    const ringOf = (name: string): State => {
      const size = RING_ROWS * metrics.length;
      return { name, spec: spec([RING_ROWS, metrics.length]), initial: () => new Float32Array(size) };
    };
    const ring = ringOf('metrics ring');
    const graphs = traced.trainingGraphs(batchSize, ring);
    const training: Executable[] = [];
    try {
      for (const graph of graphs) training.push(await this.#backend.compile(graph));
    } catch (error) {
      for (const program of training) program.destroy();
      throw error;
    }
    this.#training = training;
    const names = [...new Set(training.flatMap((program) => [...program.fields.keys()]))];
    return {
      traced,
      metrics,
      ring,
      evaluationRing: ringOf('evaluation ring'),
      training,
      names,
      ranges: rangesOf(graphs),
    };
  }

  async #ready(data?: Dataset): Promise<Prepared> {
    const source = this.#options.data ?? data;
    if (!this.#prepared) {
      if (!source) {
        throw new DataError(
          '[trainer] the shapes of the data are not known yet: give `data` to createTrainer, or call fit first',
        );
      }
      await this.prepare(source);
    }
    return this.#prepared!;
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

  /** Fills the schedules' tables where the step crosses into their next rows. */
  #refreshSchedules({ traced }: Prepared, step: number): void {
    if (step % SCHEDULE_ROWS !== 0 || step === 0) return;
    for (const { phase, schedule } of traced.phases) {
      this.#backend.writeState(schedule, scheduleFrom(phase.optimizer, step));
    }
  }

  /**
   * Trains, and yields a report for each step, or for every so many, in order. Leaving the loop ends training after the
   * last submitted whole step; a slow consumer holds it back. Another call goes on in the stream of samples where this
   * one stopped. `evaluate` and `predict` may be called meanwhile: they see the last submitted step.
   * @throws DataError, before the first step, for numbers that would spoil training
   */
  async *fit(data: Dataset, options: FitOptions = {}): AsyncGenerator<Report, void, undefined> {
    const { validation, every = 1, signal, shuffle = true } = options;
    const prepared = await this.#ready(data);
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
          const validated = validates ? await this.#evaluate(validation, prepared) : undefined;
          if (done % every !== 0 && done !== total && !validated) continue;
          yield {
            ...reportOf(prepared, rows, firstStep + done),
            epoch: epochs(done),
            seconds: (performance.now() - begun) / 1000,
            ...(validated && { validation: validated }),
          };
        }
      }
    } finally {
      this.#busy = undefined;
    }
  }

  /** Submits one step of a data set; the last of a chunk brings the ring back. */
  #submitter(data: Dataset, prepared: Prepared, shuffle: boolean): (last: boolean) => Promise<Numbers> | null {
    const stream = new SampleStream(data.length, this.#options.seed ?? 0, shuffle);
    const feed = new Feed(data, prepared.names, stream, this.batchSize);
    return (last) => {
      this.#refreshSchedules(prepared, this.#step);
      feed.load(this.#step, prepared.training);
      this.#step++;
      if (last) return this.#backend.runAndRead(prepared.training, prepared.ring);
      this.#backend.run(prepared.training);
      return null;
    };
  }

  /**
   * One step on a batch of one's own, of exactly `batchSize` samples.
   * @throws ShapeError if its size is another, DataError for numbers that would spoil training
   */
  async step(batch: Samples): Promise<Report> {
    const prepared = await this.#ready();
    const begun = performance.now();
    this.#requireBatch('step', batch, prepared);
    this.#enter('step');
    try {
      this.#refreshSchedules(prepared, this.#step);
      for (const program of prepared.training) uploadBatch(program, batch);
      const rows = await this.#backend.runAndRead(prepared.training, prepared.ring);
      this.#step++;
      return { ...reportOf(prepared, rows, this.#step), epoch: 0, seconds: (performance.now() - begun) / 1000 };
    } finally {
      this.#busy = undefined;
    }
  }

  #requireBatch(where: string, batch: Samples, { traced, names, ranges }: Prepared): void {
    const rows = rowsOf(where, traced.fields, batch, names);
    if (rows !== this.batchSize) {
      throw new ShapeError(`[${where}] the batch has ${rows} samples but batchSize is ${this.batchSize}`);
    }
    const fields = Object.fromEntries(names.map((name) => [name, { ...traced.fields[name], data: batch[name] }]));
    requireSound({ length: rows, fields }, names, ranges);
  }

  /** Loss and metrics over a whole set, every sample counted once; a partial last batch has a program of its size. */
  async evaluate(data: Dataset): Promise<{ readonly loss: number } & Readonly<Record<string, number>>> {
    const prepared = await this.#ready(data);
    this.#check('evaluate', data, prepared);
    this.#requireSettled('evaluate');
    return this.#evaluate(data, prepared);
  }

  async #evaluate(data: Dataset, prepared: Prepared): Promise<{ loss: number } & Record<string, number>> {
    const size = Math.min(this.batchSize, data.length);
    const totals = prepared.metrics.map(() => 0);
    const { evaluationControl } = prepared.traced;
    const stream = new SampleStream(data.length, 0, false);
    const run = async (n: number, firstRow: number, batches: number): Promise<void> => {
      const program = await this.#evaluation(n, prepared);
      const feed = new Feed(data, [...program.fields.keys()], stream, n, firstRow);
      for (let start = 0; start < batches; start += RING_ROWS) {
        const count = Math.min(RING_ROWS, batches - start);
        this.#backend.writeState(evaluationControl, evaluationControl.initial());
        let ring: Promise<Numbers> | undefined;
        for (let at = 0; at < count; at++) {
          feed.load(start + at, [program]);
          if (at < count - 1) this.#backend.run([program]);
          else ring = this.#backend.runAndRead([program], prepared.evaluationRing);
        }
        const rows = await ring!;
        for (let row = 0; row < count; row++) {
          totals.forEach((_, j) => (totals[j] += rows[row * totals.length + j] * n));
        }
      }
    };
    const whole = Math.floor(data.length / size);
    await run(size, 0, whole);
    const rest = data.length - whole * size;
    if (rest > 0) await run(rest, whole * size, 1);
    const means = totals.map((total) => total / data.length);
    return withLoss(prepared.metrics, means);
  }

  async #evaluation(n: number, { traced, evaluationRing }: Prepared): Promise<Executable> {
    return cached(this.#evaluations, n, () => this.#backend.compile(traced.evaluationGraph(n, evaluationRing)));
  }

  /**
   * The model's outputs for any number of samples: a data set, numbers by field, or numbers alone where the model reads
   * one field.
   */
  async predict(given: Dataset | Samples | Numbers): Promise<Prediction & Readonly<Record<string, unknown>>> {
    const prepared = await this.#ready(isDataset(given) ? given : undefined);
    this.#requireSettled('predict');
    return this.#predict(given, prepared);
  }

  async #predict(
    given: Dataset | Samples | Numbers,
    prepared: Prepared,
  ): Promise<Prediction & Record<string, unknown>> {
    const { traced } = prepared;
    const probe = await this.#prediction(1, prepared);
    const names = [...probe.fields.keys()];
    const data = asSamples(given, names, traced.fields);
    this.#check('predict', data, prepared, names);
    const outputs = Object.entries(probe.graph.outputs).map(([name, value]) => {
      const shape = [data.length, ...value.spec.shape.slice(1)];
      return { name, shape, data: allocate({ shape, dtype: value.spec.dtype }) };
    });
    const stream = new SampleStream(data.length, 0, false);
    for (let start = 0; start < data.length;) {
      const left = Math.min(LARGEST_PREDICTION, data.length - start);
      // Padded up to a power of two, so that a few programs serve every number of samples.
      const n = 2 ** Math.ceil(Math.log2(left));
      const program = await this.#prediction(n, prepared);
      new Feed(data, names, stream, n, start).load(0, [program]);
      this.#backend.run([program]);
      const rows = left;
      const first = start;
      // All copies are submitted before anything is awaited, so that another prediction cannot come in between.
      const copies = outputs.map(async ({ name, shape, data: into }) => {
        const size = sizeOf(shape.slice(1));
        const numbers = await this.#backend.readOutput(program, name);
        into.set(numbers.subarray(0, rows * size), first * size);
      });
      await Promise.all(copies);
      start += left;
    }
    const byName = Object.fromEntries(outputs.map(({ name, ...rest }) => [name, rest]));
    return { ...(byName['output'] ?? outputs[0]), ...byName };
  }

  #prediction(n: number, { traced }: Prepared): Promise<Executable> {
    return cached(this.#predictions, n, () => this.#backend.compile(traced.predictionGraph(n)));
  }

  /** Every parameter by name, read from where it lives. */
  async readParameters(): Promise<Record<string, Float32Array>> {
    const { traced } = await this.#ready();
    const arena = await this.#backend.readState(traced.parameters);
    const parts = traced.layout.ranges.map(({ name, offset, size }) => [name, arena.slice(offset, offset + size)]);
    return Object.fromEntries(parts) as Record<string, Float32Array>;
  }

  /** Replaces parameters by name; those that are not named stay. @throws ShapeError for an unknown name or a wrong size */
  async writeParameters(values: Readonly<Record<string, ArrayLike<number>>>): Promise<void> {
    const { traced } = await this.#ready();
    const { ranges } = traced.layout;
    const arena = await this.#backend.readState(traced.parameters);
    for (const [name, numbers] of Object.entries(values)) {
      const range = ranges.find((other) => other.name === name);
      if (!range || range.size !== numbers.length) {
        throw new ShapeError(
          range
            ? `[writeParameters] "${name}" is f32[${range.shape.join(', ')}], ${range.size} numbers, but ${numbers.length} came`
            : `[writeParameters] there is no "${name}": the parameters are ${ranges.map((other) => other.name).join(', ')}`,
        );
      }
      arena.set(numbers, range.offset);
    }
    this.#backend.writeState(traced.parameters, arena);
  }

  /**
   * Runs one step on a batch, holds every launch against an f64 run of its reference on the launch's own inputs, and
   * puts the states back. The first launch that strays is named.
   */
  async verify(batch: Samples): Promise<Verification> {
    const prepared = await this.#ready();
    this.#requireBatch('verify', batch, prepared);
    this.#enter('verify');
    try {
      return await verifyStep(this.#backend, prepared.training, batch);
    } finally {
      this.#busy = undefined;
    }
  }

  /** Layers, shapes, parameters, launches and bytes, as a table. */
  async summary(): Promise<string> {
    const { traced, training } = await this.#ready();
    return summarizeModel(traced, training, this.batchSize, this.bytes);
  }

  /** The graphs of a training step as text, one for each phase. */
  async graph(): Promise<string> {
    const { training } = await this.#ready();
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

  get #programs(): Executable[] {
    return [...this.#training, ...this.#evaluations.values(), ...this.#predictions.values()];
  }

  /** Frees every GPU object that it made, and its device if it acquired one. */
  destroy(): void {
    for (const program of this.#programs) program.destroy();
    this.#evaluations.clear();
    this.#predictions.clear();
    this.#backend.destroy();
    this.#ownedDevice?.destroy();
    const gone = new DeviceError('[trainer] it was destroyed: create another one');
    this.#prepared = Promise.reject(gone);
    this.#prepared.catch(() => {});
  }
}

const isDataset = (given: object): given is Dataset => 'fields' in given && 'length' in given;

/** What a prediction is asked for, as a data set. */
function asSamples(given: Dataset | Samples | Numbers, names: readonly string[], fields: Fields): Dataset {
  if (isDataset(given)) return given;
  if (ArrayBuffer.isView(given) && names.length !== 1) {
    throw new ShapeError(`[predict] the model reads "${names.join('", "')}": give numbers by name`);
  }
  const samples = ArrayBuffer.isView(given) ? { [names[0]]: given } : given;
  const length = rowsOf('predict', fields, samples, names);
  return { length, fields: Object.fromEntries(names.map((name) => [name, { ...fields[name], data: samples[name] }])) };
}

async function cached(
  programs: Map<number, Executable>,
  n: number,
  make: () => Promise<Executable>,
): Promise<Executable> {
  let program = programs.get(n);
  if (!program) programs.set(n, (program = await make()));
  return program;
}

/** How many steps `epochs` or `steps` come to: the last step takes what it lacks from the next epoch. */
function stepsOf({ epochs, steps }: FitOptions, length: number, batchSize: number): number {
  const wanted = steps ?? Math.ceil(((epochs ?? 1) * length) / batchSize);
  if (!Number.isInteger(wanted) || wanted < 1 || (steps !== undefined && epochs !== undefined)) {
    throw new DataError(`[fit] epochs is ${epochs}, steps is ${steps}: give one of them, above 0`);
  }
  return wanted;
}

function withLoss(names: readonly string[], numbers: readonly number[]): { loss: number } & Record<string, number> {
  const metrics = Object.fromEntries(names.map((name, at) => [name, numbers[at]]));
  const losses = names.filter((name) => name === 'loss' || name.endsWith('.loss'));
  return { ...metrics, loss: losses.reduce((total, name) => total + metrics[name], 0) };
}

function reportOf({ metrics }: Prepared, rows: Numbers, step: number): Pick<Report, 'step' | 'loss' | 'metrics'> {
  const row = ((step - 1) % RING_ROWS) * metrics.length;
  const numbers = metrics.map((_, at) => rows[row + at]);
  const named = withLoss(metrics, numbers);
  return { step, loss: named.loss, metrics: named };
}

/**
 * A trainer for a model, on WebGPU or on the CPU.
 * @throws DeviceError if there is no WebGPU and `backend` does not allow the CPU; ShapeError where layers do not fit
 */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const phases = phasesOf(options);
  if (!Number.isInteger(options.batchSize) || options.batchSize < 1) {
    throw new ShapeError(`[createTrainer] batchSize is ${options.batchSize} but must be a whole number above 0`);
  }
  const trainer = new Trainer(options, phases, await placeOf(options));
  try {
    if (options.data) await trainer.prepare(options.data);
  } catch (error) {
    trainer.destroy();
    throw error;
  }
  return trainer;
}

function phasesOf({ phases, loss, optimizer, model }: TrainerOptions): readonly Phase[] {
  if (phases && !loss && !optimizer && phases.length > 0) return phases;
  if (!phases && loss && optimizer && model) return [{ name: 'train', loss, optimizer }];
  throw new ShapeError('[createTrainer] give model, loss and optimizer, or phases, each with a loss and an optimizer');
}

async function placeOf({ backend = 'webgpu', device }: TrainerOptions): Promise<Place> {
  if (backend === 'cpu') return { backend: new CpuBackend() };
  if (device) return { backend: new GpuBackend(device) };
  try {
    const owned = await requestDevice();
    return { backend: new GpuBackend(owned), owned };
  } catch (error) {
    if (backend === 'auto' && error instanceof DeviceError) {
      return { backend: new CpuBackend(), fallback: error.message };
    }
    throw error;
  }
}
