import type { BackendKind } from '../core/places.ts';
import { optionsOf, requireFinite } from '../core/argumentChecks.ts';
import { DataError } from '../core/errors.ts';
import type { Bytes, CommandEncoder, Device } from '../core/globalTypes.ts';
import { isDataset, requireSet, type Dataset } from '../data/dataset.ts';
import { isNumbers, type GivenNumbers } from '../data/numbers.ts';
import { requireEncoder } from '../gpu/encoder.ts';
import type { Backend } from '../scheduler/backend.ts';
import type { DeviceLife } from '../scheduler/deviceLife.ts';
import type { KernelChoice } from '../scheduler/kernelChoice.ts';
import { RecoveringBackend } from '../scheduler/recoveringBackend.ts';
import { copyOfBytes, copyOfValues, requireTexts } from './checkpoints/givenParameters.ts';
import type { Loaded, LoadOptions } from './checkpoints/loadResult.ts';
import { momentOf, noteOf, type Moment } from './checkpoints/moment.ts';
import type { EncodedPredictions } from './hosting/encodedPredictions.ts';
import type { EncodedSteps } from './hosting/encodedSteps.ts';
import { buffersOf, type TrainerBuffers } from './emission/buffers.ts';
import type { Forward } from './emission/forward.ts';
import type { WgslFunction, WgslOptions } from './emission/wgslFunction.ts';
import type { Evaluator } from './evaluation/evaluator.ts';
import type { GpuPrediction } from './evaluation/gpuPrediction.ts';
import type { Generator } from './generation/generator.ts';
import { generateSettingsOf, type GenerateOptions, type GenerateSettings } from './generation/generateOptions.ts';
import type { Feed } from './graphs/batchValues.ts';
import type { Amount } from './graphs/recordedMetrics.ts';
import type { InspectOptions, Inspection } from './inspection/inspect.ts';
import type { Profile, ProfileOptions } from './inspection/profile.ts';
import type { Verification } from './inspection/verification.ts';
import type { Phase } from './model.ts';
import type {
  Batches,
  Evaluation,
  FitOptions,
  RunOptions,
  GivenSamples,
  Prediction,
  Report,
  TrainerOptions,
} from './options.ts';
import { preparedCallsOf, type PreparedCalls } from './preparedCalls.ts';
import { fit } from './runs/fit.ts';
import { FRAME_BUDGET_MS } from './runs/framePace.ts';
import { fitOptionsOf, runDefaults, type FitSettings } from './runs/fitOptions.ts';
import { bring, takeStep } from './runs/singleStep.ts';
import type { RunInHand, TrainingRun } from './runs/trainingRun.ts';
import { requireBatch, requireWholeBatch } from './samples/batchSizes.ts';
import { requireFields, requireWhole } from './samples/dataChecks.ts';
import { DataPosition } from './samples/dataPosition.ts';
import { copyOfSet, fieldsOf, requireTrainable, type Given } from './samples/givenData.ts';
import type { Fields, GivenFields, Source } from './samples/sampleSource.ts';
import { samplesAtCall } from './samples/samplesAtCall.ts';
import { destroyedError, TrainerLife } from './trainerLife.ts';
import { TrainerLock } from './trainerLock.ts';
import { TrainerNotices } from './trainerNotices.ts';
import { trainerParts, type TrainerParts } from './trainerParts.ts';

/** Where a trainer runs, and what it must give back. */
export interface Place {
  readonly life: DeviceLife;
  readonly owned: Device | undefined;
  readonly fallback?: string;
}

/** What a model may be asked of: a set, numbers by field, numbers of the only field, or how many samples. */
export type GivenToPredict<F extends string> = Dataset | Partial<GivenSamples<F>> | GivenNumbers | number;

/** Trains one model: a set of states and several programs that share them. */
// oxlint-disable-next-line typescript/no-explicit-any -- a trainer of which neither is known takes and gives any
export class Trainer<F extends string = any, O = any> {
  readonly batchSize: number;
  readonly #backend: Backend;
  readonly #options: TrainerOptions;
  readonly #phases: readonly Phase[];
  #ownedDevice: Device | undefined;
  #fallback: string | null;
  readonly #position = new DataPosition();
  #ready: Promise<TrainerParts> | undefined;
  /** Once they are there. */
  #parts: TrainerParts | undefined;
  #generator: Generator | undefined;
  readonly #lock = new TrainerLock({
    taken: () => this.#encoded?.settle(),
    left: () => this.#arm(),
  });
  #encoded: EncodedSteps | undefined;
  #encodedPredictions: EncodedPredictions | undefined;
  readonly #life = new TrainerLife();
  readonly #notices: TrainerNotices;

  /** Use `createTrainer`. */
  constructor(
    options: TrainerOptions,
    phases: readonly Phase[],
    { life, owned, fallback }: Place,
    placeAfter: (last: DeviceLife) => Promise<Place>,
  ) {
    this.batchSize = options.batchSize;
    this.#options = options;
    this.#phases = phases;
    this.#notices = new TrainerNotices(options);
    this.#ownedDevice = owned;
    this.#fallback = fallback ?? null;
    this.#backend =
      life.backend.kind !== 'webgpu'
        ? life.backend
        : new RecoveringBackend(life, {
            reopen: async (last) => this.#moveTo(await placeAfter(last)),
            note: () =>
              this.#parts && this.#lock.isSettled
                ? noteOf(this.#moment(this.#parts, this.#lock.isFree), this.#parts.saver)
                : null,
            recovered: (how) => {
              this.#notices.recovered = how;
              if (this.#lock.isFree) this.#encoded?.goOnAnew();
            },
          });
  }

  /** Where it is now, in the run that is going on. @param isEncoding whether only the GPU knows where the stream is */
  #moment({ submitter }: TrainerParts, isEncoding = false): Moment {
    const { seed = 0 } = this.#options;
    const own = { backend: this.#backend, submitter, batchSize: this.batchSize, seed };
    return momentOf(own, this.#lock.running?.moment?.() ?? null, this.#position.stream, isEncoding);
  }

  /** Its device was lost: on another one. */
  #moveTo({ life, owned, fallback }: Place): DeviceLife {
    this.#ownedDevice = owned;
    this.#fallback = fallback ?? null;
    if (this.#life.isOver) owned?.destroy();
    this.#life.require();
    return life;
  }

  /** Why it is on the CPU, where `auto` would have taken a GPU; else null. */
  get fallback(): string | null {
    return this.#fallback;
  }

  /** Where it runs: the adapter's name, or the CPU reference. */
  get adapter(): string {
    return this.#backend.adapter;
  }

  /** Which form each kind of kernel takes, so far: given as `kernels`, it repeats a run to the bit. Null on the CPU. */
  get kernels(): KernelChoice | null {
    return this.#backend.kernels;
  }

  get backend(): BackendKind {
    return this.#backend.kind;
  }

  /**
   * Traces the model for the fields of a data set, once, and compiles a step, and whatever calls are named, so that none of
   * them waits for a compiler. It may be called during `fit`, which goes on meanwhile.
   * @throws ShapeError where the model does not fit the fields; DataError for numbers of samples that are none
   */
  async prepare(data: Dataset<F> | GivenFields<F>, calls: PreparedCalls<F> = {}): Promise<void> {
    const fields = fieldsOf('prepare', data);
    const { evaluate, predict, inspect, update, encodeStep, encodePredict } = preparedCallsOf(calls);
    if (encodePredict) requireSet('prepare, encodePredict', encodePredict);
    const shown = encodePredict && this.#given('prepare', encodePredict);
    const judged = evaluate && this.#given('prepare', evaluate);
    if (encodeStep) requireSet('prepare, encodeStep', data);
    const encoded = encodeStep ? this.#given('prepare', data as Dataset) : undefined;
    const { prepared, ...ready } = await this.#trace(fields);
    if (evaluate) requireFields('prepare', prepared.traced.fields, evaluate, prepared.names);
    const compiled: Promise<unknown>[] = [];
    if (judged) compiled.push(ready.evaluator().then((made) => made.prepare(judged)));
    if (predict) compiled.push(ready.evaluator().then((made) => made.preparePrediction(predict)));
    if (inspect) compiled.push(ready.inspector().then((made) => made.prepare(inspect, update)));
    if (shown) compiled.push(this.#preparePrediction(shown));
    if (encoded && encodeStep) compiled.push(this.#prepareSteps(encoded, encodeStep.shuffle));
    await this.#life.while(Promise.all(compiled));
  }

  async #preparePrediction(given: Given): Promise<void> {
    const { prepared, evaluator, encodedPredictions } = this.#parts!;
    requireFields('prepare', prepared.traced.fields, given.set, (await evaluator()).inputs);
    this.#encodedPredictions = await encodedPredictions();
    await this.#encodedPredictions.prepare(given);
  }

  async #prepareSteps(given: Given, shuffle: boolean): Promise<void> {
    const parts = this.#parts!;
    requireFields('prepare', parts.prepared.traced.fields, given.set, parts.prepared.names);
    requireBatch('prepare', given.set, this.batchSize);
    const { EncodedSteps } = await import('./inquiries.ts');
    const encoded = await EncodedSteps.of(given, shuffle, {
      ...parts,
      backend: this.#backend,
      batchSize: this.batchSize,
      cursor: () => this.#position.cursorOf(given.set),
      told: (amounts, step) => this.#notices.tellOfNothing(parts.prepared, amounts, step),
    });
    // Of a set before.
    await this.#encoded?.settle();
    this.#encoded?.release();
    this.#encoded = encoded;
    // A run that goes on has its own, and arms the steps when it ends.
    if (!this.#lock.isFree) return;
    this.#position.origin = { data: given.set, shuffle };
    encoded.arm();
  }

  /** Behind a call that moved on, steps may be encoded again. */
  #arm(): void {
    if (this.#life.isOver || !this.#encoded) return;
    try {
      this.#encoded.arm();
    } catch {
      // Whoever encodes the next step is told.
    }
  }

  #encodedSteps(where: string): EncodedSteps {
    this.#life.require();
    if (this.#encoded) return this.#encoded;
    throw new DataError(`[${where}] no set is ready to take steps on: await prepare(data, { encodeStep: true }) first`);
  }

  /**
   * Records one training step into a command encoder of the host's, who submits it, or drops it, as if it had not been: the
   * step is counted where it is run. Nothing is submitted, uploaded, mapped or awaited here, and all that could be wrong is
   * found before anything is recorded. It takes the next samples of the set that `prepare` was given with `encodeStep`, and
   * is the step that `fit` would take; a bad one is left out, as by `step`. Any number may be recorded into one encoder. What
   * they reported, `readReports` tells, which is to be awaited once in 1,024 steps; learning rates are asked that far ahead.
   * Submit or drop what was encoded before another call of the trainer's.
   * @param encoder of the trainer's device, with no pass open: who has one open is told so by the encoder's `finish`
   * @throws DataError before `prepare`, while another call trains, for what is no encoder, without a learning rate, and where
   * nobody reads the reports; DeviceError on the CPU, and until another device has taken the place of one that was lost
   */
  encodeStep(encoder: CommandEncoder): void {
    const encoded = this.#encodedSteps('encodeStep');
    requireEncoder('encodeStep', encoder);
    this.#lock.requireFree('encodeStep');
    encoded.encode(encoder);
  }

  /**
   * Records a prediction of all samples of a set into a command encoder of the host's, as `encodeStep` records a step. The
   * outputs lie in buffers of their own, always the same for the same set: they hold what the encoder's last prediction
   * left once it is submitted, for whatever is encoded or submitted behind it, until the set is predicted again.
   * @param set that `prepare` was given as `encodePredict`   @returns where the only output lies, or the first, and all by name
   * @throws DataError before `prepare`, for what is no encoder, and while a call passes that puts states back; DeviceError on
   * the CPU, and until another device has taken the place of one that was lost
   */
  encodePredict(encoder: CommandEncoder, set: Dataset): GpuPrediction<O> {
    this.#life.require();
    requireEncoder('encodePredict', encoder);
    requireSet('encodePredict', set);
    this.#lock.requireSettled('encodePredict');
    if (this.#encodedPredictions) return this.#encodedPredictions.encode<O>(set, encoder);
    throw new DataError(
      '[encodePredict] no set is ready to be predicted: await prepare(data, { encodePredict: set }) first',
    );
  }

  /**
   * The reports of encoded steps that were submitted since the last call, in order: the last 1,024. It waits for them by a
   * copy and a submit of its own, behind all that the host has submitted.
   * @throws DataError before `prepare`; DeviceError if the device was lost and no other took its place
   */
  async readReports(): Promise<readonly Report[]> {
    const reports = await this.#life.while(this.#encodedSteps('readReports').takeReports());
    const recovered = this.#notices.takeRecovered();
    return reports.map((report, at) => (at === 0 && recovered !== undefined ? { ...report, recovered } : report));
  }

  /** Once. */
  #trace(fields: Fields): Promise<TrainerParts> {
    return (this.#ready ??= this.#prepare(fields).catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    }));
  }

  async #prepare(fields: Fields): Promise<TrainerParts> {
    const made = trainerParts(this.#backend, this.#options, this.#phases, fields, this.#notices.warn);
    const parts = await made.catch((error: unknown) => this.#life.fail(error));
    if (this.#life.isOver) parts.programs.destroy();
    this.#life.require();
    return (this.#parts = parts);
  }

  async #use(data?: Dataset): Promise<TrainerParts> {
    const source = this.#options.data ?? data;
    if (!this.#ready) {
      if (!source) {
        throw new DataError(
          '[trainer] the shapes of the data are not known yet: give `data` to createTrainer, or a data set to this call or to fit first',
        );
      }
      await this.#trace(fieldsOf('trainer', source));
    }
    return this.#ready!;
  }

  /** A set as it is at this call, or was at the one that gave it first. */
  #given(where: string, set: Dataset): Given {
    return this.#parts?.programs.sets.given(where, set) ?? { set, copy: copyOfSet(where, set) };
  }

  /** The same of whatever samples a call is given. */
  #samples(where: string, given: Parameters<typeof samplesAtCall>[1]): ReturnType<typeof samplesAtCall> {
    return samplesAtCall(where, given, (at, set) => this.#given(at, set));
  }

  /**
   * Trains, and yields a report for each step, or for every so many, in order; none is lost, and a slow consumer holds
   * training back. A data set lies on the GPU as a whole, and many steps go there in one submit; the last step of the
   * run takes what is left of the samples. An iterable of batches is taken in ahead of the GPU. Leaving the loop ends
   * training after the last submitted whole step. Another call goes on in the set's endless stream of samples where the
   * last one stopped. `evaluate` and `predict` may be called meanwhile: they see the last submitted step. Awaited instead of
   * iterated over, it trains to its end and gives the last report: see `TrainingRun`.
   * @throws DataError at the call for what it does not take; from its reports, before the first step, for numbers that
   * would spoil training, at a step without a learning rate or sound batch, and behind one whose loss is NaN or infinite
   * (`stopOnNaN`); DeviceError if there is no room for the set, if the device was lost, or the trainer destroyed in
   * the loop; whatever an iterable throws. The steps before have been taken then, and their reports given.
   */
  fit(data: Dataset<F> | Batches<F>, options: FitOptions<F> = {}): TrainingRun {
    const settings = fitOptionsOf(options);
    requireTrainable(data);
    // Sets are what they are at the call, though nothing runs before the first report is asked for.
    const training = isDataset(data) ? this.#given('fit', data) : undefined;
    const { validation: judge } = settings;
    const validation = judge === undefined ? judge : this.#given('validation', judge);
    return this.#lock.run((run) => this.#fit(run, data, settings, training, validation));
  }

  /**
   * Trains on a set until `stop`, beside whatever else a page or an app does: as many whole steps in each frame as fit into
   * `budgetMs` of the GPU's time, 6 if left out. As `fit` else: iterate over the reports, or hold the run and call `stop`.
   * @throws DataError at the call for what it does not take; else as `fit`
   */
  run(data: Dataset<F>, options: RunOptions<F> = {}): TrainingRun {
    requireSet('run', data);
    const { budgetMs = FRAME_BUDGET_MS } = optionsOf('run', options, runDefaults());
    const steps = Math.floor(Number.MAX_SAFE_INTEGER / this.batchSize);
    return this.fit(data, { ...options, budgetMs, steps, resume: false });
  }

  async *#fit(
    run: RunInHand,
    data: Dataset | Batches,
    options: FitSettings,
    training: Given | undefined,
    validation: Given | undefined,
  ): AsyncGenerator<Report, void, undefined> {
    const end = this.#lock.begin(run, options.signal);
    try {
      const set = training?.set;
      const ready = await this.#use(set);
      const { prepared } = ready;
      const { batchSize } = this;
      const saver = options.checkpoints && (await ready.saver());
      const { traced, names } = prepared;
      if (set) requireFields('fit', traced.fields, set, names);
      if (validation) requireFields('validation', traced.fields, validation.set, names);
      if (set) requireBatch('fit', set, batchSize);
      const before = this.#position.resume(data, options.resume);
      const parts = {
        ...ready,
        backend: this.#backend,
        batchSize,
        cursorOf: (of: Dataset) => this.#position.cursorOf(of),
        training,
        validation,
        run,
        before,
        feed: (feed: Feed) => (this.#position.origin = feed),
        tellOfNothing: (amounts: readonly Amount[], step: number) =>
          this.#notices.tellOfNothing(prepared, amounts, step),
        save: () => saver!.save(this.#moment(ready)),
        warn: this.#notices.warn,
        takeRecovered: () => this.#notices.takeRecovered(),
        isAlive: () => !this.#life.isOver,
        requireAlive: () => this.#life.require(),
      };
      await this.#lock.take('fit', run);
      this.#position.origin = set && { data: set, shuffle: options.shuffle };
      yield* fit(parts, data, options);
    } catch (error) {
      run.failure = { error: this.#life.failureOf(error) };
      throw run.failure.error;
    } finally {
      end();
    }
  }

  /**
   * Ends the run in hand after the last submitted whole step, as leaving its loop does, but from anywhere: also where the
   * loop was forgotten in the middle. Reports that are left wait for who asks for them. Does nothing without a run.
   * @returns settled when the run has ended; what is called meanwhile waits for that by itself
   */
  stop(): Promise<void> {
    return this.#lock.stop();
  }

  /**
   * One step on a batch of one's own, of exactly `batchSize` samples: numbers by field, or a small data set. A bad one is
   * left out, as its report says; see `OnNaN`.
   * @throws ShapeError if its size is another, DataError for numbers that would spoil training
   */
  async step(batch: GivenSamples<F> | Dataset<F>): Promise<Report> {
    const samples = this.#samples('step', batch);
    const ready = await this.#use(isDataset(batch) ? batch : undefined);
    const begun = performance.now();
    await this.#lock.take('step');
    try {
      const numbers = requireWholeBatch('step', await this.#life.while(samples(ready)), this.batchSize);
      this.#position.origin = { source: ready.table, shuffle: false };
      bring(this.#backend, ready, numbers);
      const { amounts, report } = await this.#life.while(takeStep(ready, this.batchSize));
      const seconds = (performance.now() - begun) / 1000;
      this.#notices.tellOfNothing(ready.prepared, amounts, report.step);
      const recovered = this.#notices.takeRecovered();
      return { ...report, epoch: 0, seconds, waited: 0, ...(recovered !== undefined && { recovered }) };
    } finally {
      this.#lock.leave();
    }
  }

  /**
   * Loss and metrics of a whole set, as one batch of all its samples would give them, however they are cut; see `Measures`.
   * NaN where nothing counts, as `warn` is told. A partial last batch has a program of its size.
   */
  async evaluate(data: Dataset<F>): Promise<Evaluation> {
    const given = this.#given('evaluate', data);
    const ready = await this.#use(data);
    const { prepared } = ready;
    requireFields('evaluate', prepared.traced.fields, data, prepared.names);
    const evaluator = await ready.evaluator();
    this.#lock.requireSettled('evaluate');
    return this.#life.while(evaluator.evaluate(given));
  }

  /**
   * The model's outputs for any number of samples: a data set, numbers by field, or numbers alone where the model reads
   * one field. Where it reads none, as a generator that draws its own noise, how many: `predict(16)`. What it draws is the
   * same at each call, and what all samples as one batch would draw.
   * @throws DataError for numbers that the dtype of their field does not hold, or that would spoil the outputs
   */
  async predict(given: GivenToPredict<F>): Promise<Prediction<O>> {
    const { evaluator, data } = await this.#asked('predict', given);
    return this.#life.while(evaluator.predict<O>(data));
  }

  /**
   * The same, left on the device: for shaders of one's own, which may bind it. Nothing is read back, and nothing waits for the
   * GPU: what is submitted to the device's queue from here on finds the outputs there. They stay until the next call of
   * this one, and are gone where the device is lost.
   * @throws DataError or ShapeError as `predict`; DeviceError on the CPU
   */
  async predictOnGpu(given: GivenToPredict<F>): Promise<GpuPrediction<O>> {
    const { evaluator, data } = await this.#asked('predictOnGpu', given);
    return this.#life.while(evaluator.predictOnGpu<O>(data));
  }

  /** Samples that a model is asked of. */
  async #asked(where: string, given: GivenToPredict<F>): Promise<{ evaluator: Evaluator; data: Dataset }> {
    const samples = this.#samples(where, given as Dataset | GivenSamples | GivenNumbers | number);
    const set = !isNumbers(given) && isDataset(given) ? given : undefined;
    const ready = await this.#use(set);
    const { prepared } = ready;
    const evaluator = await ready.evaluator();
    if (set) requireFields(where, prepared.traced.fields, set, evaluator.inputs);
    this.#lock.requireSettled(where);
    return { evaluator, data: await this.#life.while(samples(ready, evaluator.inputs)) };
  }

  /**
   * Goes on with a text, token by token: `for await (const token of trainer.generate(prompt))`. The model reads tokens
   * `[N, T]` and gives logits of the token behind each, `[N, T, V]`. What it keeps of the text and the draws stay on the
   * device, many tokens are one submit. The same seed gives the same tokens, whatever a submit holds, as long as the weights
   * are the same: those of the last submitted step, or their averages. Nothing runs before a token is asked for; leaving the
   * loop ends it. A trainer has one text at a time: the next one ends the one before.
   * @param prompt at least one token, each below V
   * @throws DataError at the call for what it does not take; from its loop, for a token that is none, for logits that are no
   * numbers, and for a model that looks across tokens otherwise than within the whole; ShapeError for a model of anything
   * but tokens; DeviceError if the device was lost or the trainer destroyed
   */
  generate(prompt: ArrayLike<number>, options: GenerateOptions = {}): AsyncGenerator<number, void, undefined> {
    return this.#generate(generateSettingsOf(prompt, options));
  }

  async *#generate(settings: GenerateSettings): AsyncGenerator<number, void, undefined> {
    try {
      const { prepared, programs } = await this.#use();
      // Who never generates need not load what it takes.
      const { Generator } = await import('./inquiries.ts');
      this.#generator ??= new Generator(this.#backend, prepared, programs);
      yield* this.#generator.generate(settings, () => {
        this.#life.require();
        this.#lock.requireSettled('generate');
      });
    } catch (error) {
      this.#life.fail(error);
    }
  }

  /**
   * Takes a data set anew that was changed since it was given: its numbers are checked, and put in the place of those that
   * this trainer holds. Its stream of samples goes on where it was. See `Dataset`.
   * @throws DataError, replacing nothing, for numbers that would spoil training, or while the set is in use
   */
  async refresh(data: Dataset<F>): Promise<void> {
    const copy = copyOfSet('refresh', data);
    const { prepared, programs } = await this.#use(data);
    requireFields('refresh', prepared.traced.fields, data, prepared.names);
    this.#lock.requireSettled('refresh');
    programs.sets.refresh(data, copy);
  }

  /** Every parameter by name, read from where it lives. */
  async readParameters(): Promise<Record<string, Float32Array>> {
    const { traced } = (await this.#use()).prepared;
    const { parametersOf } = await import('./checkpoints/files.ts');
    this.#lock.requireSettled('readParameters');
    return this.#life.while(parametersOf(this.#backend, traced));
  }

  /** Replaces parameters by name; those that are not named stay. @throws ShapeError for an unknown name or a wrong size */
  async writeParameters(values: Readonly<Record<string, ArrayLike<number>>>): Promise<void> {
    const given = copyOfValues(values);
    const { traced } = (await this.#use()).prepared;
    const { putParameters } = await import('./checkpoints/files.ts');
    this.#lock.requireSettled('writeParameters');
    putParameters(this.#backend, traced, given);
  }

  /**
   * Begins the optimizer anew, or those of all phases, as if it had just been made: moments as at first, whatever follows from
   * the step, as Adam's corrections and a schedule of learning rates, from its first step on, and what decisions made of the
   * rates undone. Averages of the weights begin at what these are now. All else goes on: weights, what layers keep, the stream
   * of samples, what is drawn by chance, and the steps that reports count.
   * @param options a learning rate, of the first step of the first phase: all others are multiplied along with it, as a
   * schedule's are
   * @throws DataError while another call trains, or for a rate where the first step has none to be multiplied
   */
  async resetOptimizer(options: { readonly learningRate?: number } = {}): Promise<void> {
    const none = { learningRate: undefined };
    const { learningRate } = optionsOf<typeof options, typeof none>('resetOptimizer', options, none);
    if (learningRate !== undefined) requireFinite('resetOptimizer', 'learningRate', learningRate, 0);
    const { submitter } = await this.#use();
    await this.#lock.take('resetOptimizer');
    try {
      this.#life.require();
      submitter.beginOptimizers(learningRate);
    } finally {
      this.#lock.leave();
    }
  }

  /**
   * All that training goes on from, as the bytes of a safetensors file, as the last submitted step leaves it: the weights under
   * their own names, as `saveWeights` without averages gives them; and below `__millrace__` the optimizer's moments,
   * averages, the weights that a decision keeps, step, epoch, position, seed, what the decisions have seen, the figures of
   * steps that are not reported yet. It may be called during `fit`, which goes on meanwhile.
   * @param metadata texts to keep beside them
   */
  async save(metadata: Readonly<Record<string, string>> = {}): Promise<Bytes> {
    requireTexts('save', metadata);
    const ready = await this.#use();
    const saver = await ready.saver();
    this.#lock.requireSettled('save');
    if (this.#lock.isFree) await this.#encoded?.settle();
    return this.#life.while(saver.save(this.#moment(ready), metadata));
  }

  /**
   * Goes on where a trainer was saved: with the same model, optimizer, data and adapter, in the same bits. Where that was in
   * the middle of a run, the next call of `fit` ends that run: its `epochs` or `steps` count from where the run began,
   * its decisions remember, and its reports go on behind the last one. An iterable of batches is asked to `drop` those that
   * were taken, or run through. With `strict: false` a file of weights, of whatever model, is taken too: what fits by name and
   * shape, and the rest is told.
   * @throws FormatError, replacing nothing, for a file that is broken, or of another training; DataError during `fit`
   */
  async load(bytes: Uint8Array | ArrayBufferLike, options: LoadOptions = {}): Promise<Loaded> {
    const { strict, file } = optionsOf('load', options, { strict: true, file: 'the file' });
    const given = copyOfBytes('load', bytes);
    const saver = await (await this.#use()).saver();
    await this.#lock.take('load');
    try {
      const { loaded, stream, run } = await this.#life.while(saver.load(given, file, strict));
      this.#position.goOnAt(stream, run);
      return loaded;
    } finally {
      this.#lock.leave();
    }
  }

  /**
   * Every parameter, or its average if one is kept, and all that layers keep beside, as running averages, by name and shape
   * as the bytes of a safetensors file.
   * @param metadata texts to keep beside them
   */
  async saveWeights(metadata: Readonly<Record<string, string>> = {}): Promise<Bytes> {
    requireTexts('saveWeights', metadata);
    const { traced } = (await this.#use()).prepared;
    const { learnedOf, weightsFile } = await import('./checkpoints/files.ts');
    this.#lock.requireSettled('saveWeights');
    return weightsFile(await this.#life.while(learnedOf(this.#backend, traced)), metadata);
  }

  /**
   * Replaces every parameter, and what layers keep, by those of a safetensors file.
   * @param file its name, for messages
   * @throws FormatError if it is broken, or holds other parameters; then nothing is replaced
   */
  async loadWeights(bytes: Uint8Array | ArrayBufferLike, file = 'the file'): Promise<void> {
    const given = copyOfBytes('loadWeights', bytes);
    const { traced } = (await this.#use()).prepared;
    const { putLearned, weightsIn, weightsOf } = await import('./checkpoints/files.ts');
    const tensors = weightsIn(weightsOf(traced), file, given);
    this.#life.require();
    this.#lock.requireSettled('loadWeights');
    putLearned(this.#backend, traced, tensors);
  }

  /**
   * Runs one step on a batch, holds every launch against an f64 run of its reference on the launch's own inputs, and
   * puts the states back. The first launch that strays is named.
   */
  async verify(batch: GivenSamples<F> | Dataset<F>): Promise<Verification> {
    const samples = this.#samples('verify', batch);
    const ready = await this.#use(isDataset(batch) ? batch : undefined);
    const { submitter, single } = ready;
    const { verifyStep } = await import('./inquiries.ts');
    await this.#lock.take('verify');
    try {
      const numbers = requireWholeBatch('verify', await this.#life.while(samples(ready)), this.batchSize);
      this.#life.require();
      submitter.requireSchedules();
      return await this.#life.while(verifyStep(this.#backend, single, () => bring(this.#backend, ready, numbers)));
    } finally {
      this.#lock.leave();
    }
  }

  /**
   * One step on samples of one's own, of any number, read from where it was computed: what each layer gives, the loss, the
   * gradients that flow back, and, if asked for, what the optimizer's update would change. Nothing is left changed: training
   * goes on as if it had not been. Without the update it may be called during `fit`, and sees the last submitted step. Of
   * several phases it is the first one's.
   * @throws ShapeError or DataError for samples that do not fit
   */
  async inspect(samples: GivenSamples<F> | Dataset<F>, options: InspectOptions = {}): Promise<Inspection> {
    const { update } = optionsOf('inspect', options, { update: false });
    const taken = this.#samples('inspect', samples);
    const ready = await this.#use(isDataset(samples) ? samples : undefined);
    const { submitter } = ready;
    const inspector = await ready.inspector();
    const batch = await this.#life.while(taken(ready));
    const inspecting = await inspector.prepare(batch.length, update);
    if (update) await this.#lock.take('inspect');
    else this.#lock.requireSettled('inspect');
    try {
      this.#life.require();
      if (update) submitter.requireSchedules();
      return await this.#life.while(inspector.inspect(batch, inspecting));
    } finally {
      if (update) this.#lock.leave();
    }
  }

  /**
   * Runs so many training steps, 20 if left out, times every launch of them, and puts the states back: training goes on
   * as if nothing had been. Times are the GPU's own where its device has timestamps; see `Profile`. `formatProfile` makes a
   * table of it. Timestamps are coarse unless the device came from
   * `requestDevice({ dawn: ['disable-dawn-features=timestamp_quantization'] })`, or from a browser that was told so.
   * @throws DataError if no samples are known, or for a number of steps or a peak that is none
   */
  async profile(steps = 20, options: ProfileOptions = {}): Promise<Profile> {
    requireWhole('profile', 'steps', steps);
    const { data, peak = {} } = optionsOf('profile', options, { data: undefined, peak: undefined });
    const given = data === undefined ? data : this.#given('profile', data);
    const { profileStep, requirePeak } = await import('./inquiries.ts');
    requirePeak(peak);
    const { prepared, programs, submitter } = await this.#use(data);
    if (data) {
      requireFields('profile', prepared.traced.fields, data, prepared.names);
      requireBatch('profile', data, this.batchSize);
    }
    const origin = data ? { data, shuffle: true } : this.#position.origin;
    if (!origin) {
      throw new DataError(
        '[profile] there are no samples yet to take steps on: give `data`, or call fit or step first',
      );
    }
    const timed = async (source: Source): Promise<Profile> => {
      const feed = { source, shuffle: origin.shuffle };
      const step = await programs.step(this.batchSize, feed);
      return profileStep(this.#backend, step, steps, peak, () => {
        submitter.begin('take');
        submitter.moveTo({ epoch: 0, position: 0 }, feed);
      });
    };
    await this.#lock.take('profile');
    try {
      const work =
        'data' in origin
          ? programs.sets.withResident(given ?? this.#given('profile', origin.data), timed)
          : timed(origin.source);
      return await this.#life.while(work);
    } finally {
      this.#lock.leave();
    }
  }

  /** Layers, shapes, parameters, launches and bytes, as a table. */
  async summary(): Promise<string> {
    const { prepared, single } = await this.#use();
    const { summarizeModel } = await import('./inquiries.ts');
    return summarizeModel(prepared.traced, single, this.#backend.used);
  }

  /** The graphs of a training step as text: one for each phase, or, for a step in parts, for its parts and its update. */
  async graph(): Promise<string> {
    const { single } = await this.#use();
    const { formatSteps } = await import('./inquiries.ts');
    return formatSteps(single);
  }

  /**
   * Where its numbers lie on the device: for shaders of one's own, which may bind them. They are what the last submitted step
   * left, for whatever is submitted behind it, and stay in these buffers as long as the trainer lives, unless its device is
   * lost, which a report's `recovered` tells.
   * @throws DataError if the shapes of the data are not known yet; DeviceError on the CPU
   */
  get buffers(): TrainerBuffers {
    this.#life.require();
    if (this.#parts) return buffersOf(this.#backend, this.#parts.prepared.traced);
    throw new DataError(
      '[buffers] the shapes of the data are not known yet: give `data` to createTrainer, or await prepare(data) first',
    );
  }

  /**
   * The model's forward pass as a function in WGSL: from one sample to its output, by one invocation, for a shader that asks
   * it at each pixel or vertex. It reads the weights where they are, `buffers.weights`, so nothing is copied, and sees what
   * the last submitted step left. A loop over all weights in each invocation: for small models.
   * @throws ShapeError for a model of anything but products, pointwise ops, reshape, concat and slice, of several outputs,
   * or one that keeps states, as batch norm; DataError for names that are none
   */
  async wgsl(options: WgslOptions = {}): Promise<WgslFunction> {
    const { prepared } = await this.#use();
    const { wgslFunctionOf } = await import('./inquiries.ts');
    return wgslFunctionOf(prepared.traced, options);
  }

  /**
   * The model's forward pass as it is judged and asked, as a graph, and what it has learned, by name: for who writes it
   * elsewhere, as `toOnnx` of `millrace/interop`. Where averages of weights are kept, parameters are their averages, or, with
   * `averages: false`, what training goes on from.
   */
  async forward(options: { readonly averages?: boolean } = {}): Promise<Forward> {
    const { averages } = optionsOf('forward', options, { averages: true });
    const { traced } = (await this.#use()).prepared;
    const { forwardOf } = await import('./inquiries.ts');
    this.#lock.requireSettled('forward');
    return this.#life.while(forwardOf(this.#backend, traced, averages));
  }

  /** Launches of one training step; 0 on the CPU, and before the model was traced. */
  get launchesPerStep(): number {
    return (this.#parts?.single ?? []).reduce((total, { program }) => total + program.launches.length, 0);
  }

  /** Submits to the GPU's queue so far; 0 on the CPU. */
  get submits(): number {
    return this.#backend.submits;
  }

  /** What all its states, data sets and programs occupy. */
  get bytes(): number {
    return this.#backend.used.total;
  }

  /** Frees every GPU object that it made, and its device if it acquired one. */
  destroy(): void {
    this.#life.end();
    this.#position.origin = undefined;
    this.#encoded = undefined;
    this.#encodedPredictions = undefined;
    this.#parts?.programs.destroy();
    this.#parts = undefined;
    this.#backend.destroy();
    this.#ownedDevice?.destroy();
    this.#ready = Promise.reject(destroyedError());
    this.#ready.catch(() => {});
  }
}
