import type { BackendKind } from '../core/places.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import { DataError } from '../core/errors.ts';
import { requireModule, type OutputOf } from '../nn/layer.ts';
import type { CommandEncoder } from '../core/globalTypes.ts';
import type { Dataset } from '../data/dataset.ts';
import { copyOfBytes } from './checkpoints/givenParameters.ts';
import { partOfWeights, requirePart, type PartOfFile } from './checkpoints/partOfWeights.ts';
import { openTrainer } from './createTrainer.ts';
import type { TrainerBuffers } from './emission/buffers.ts';
import type { Forward } from './emission/forward.ts';
import type { WgslFunction, WgslOptions } from './emission/wgslFunction.ts';
import type { GpuPrediction } from './evaluation/gpuPrediction.ts';
import { telling, type ToldOf, type PredictorOutputs } from './evaluation/toldOutputs.ts';
import type { GenerateOptions } from './generation/generateOptions.ts';
import type { Model } from './model.ts';
import type { CommonOptions, Prediction, TrainerOptions } from './options.ts';
import type { GivenToPredict, Trainer } from './trainer.ts';
import { requireCommon } from './trainerOptions.ts';

/** A model, what it has learned, and what it is asked of. */
export interface PredictorOptions<
  M extends Model = Model,
  // oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
  F extends string = any,
  K extends PredictorOutputs = PredictorOutputs,
>
  extends
    PartOfFile,
    Pick<
      CommonOptions<F>,
      | 'backend'
      | 'threads'
      | 'relaxed'
      | 'device'
      | 'onDeviceLost'
      | 'kernels'
      | 'fuse'
      | 'memoryLimit'
      | 'seed'
      | 'inputs'
    > {
  readonly model: M;
  /**
   * The bytes of a safetensors file, as `saveWeights` and `save` give them: the parameters, and what layers keep beside, as
   * running averages. Those that chance gives, if left out.
   */
  readonly weights?: Uint8Array | ArrayBufferLike | undefined;
  /** What is told of the model's logits: themselves, if left out. */
  readonly outputs?: K | undefined;
  /**
   * Samples that the model is asked of at once, neither more nor less: 1 of a model that takes no other number, as one that
   * was exported so. As many as suit the device, if left out.
   */
  readonly batchSize?: number | undefined;
  /** What samples are like: a data set, or its fields. What only a loss read may be left out. */
  readonly data: CommonOptions<F>['data'] & {};
}

const usual = {
  model: undefined,
  weights: undefined,
  only: undefined,
  rename: undefined,
  outputs: 'logits',
  batchSize: undefined,
  data: undefined,
  backend: 'webgpu',
  threads: undefined,
  relaxed: undefined,
  device: undefined,
  onDeviceLost: undefined,
  kernels: 'auto',
  fuse: undefined,
  memoryLimit: undefined,
  seed: 0,
  inputs: undefined,
} as const;

/** A model that is asked, and learns nothing: it has its weights and what one batch needs. Made by `createPredictor`. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Trainer
export class Predictor<F extends string = any, O = any> {
  readonly #trainer: Trainer<F, O>;
  readonly #part: PartOfFile;
  readonly #outputs: PredictorOutputs;

  /** Use `createPredictor`. */
  constructor(trainer: Trainer<F, O>, part: PartOfFile, outputs: PredictorOutputs) {
    this.#trainer = trainer;
    this.#part = part;
    this.#outputs = outputs;
  }

  /** Where it runs: the adapter's name, or the CPU reference. */
  get adapter(): string {
    return this.#trainer.adapter;
  }

  get backend(): BackendKind {
    return this.#trainer.backend;
  }

  /** Why it is on the CPU, where `auto` would have taken a GPU; else null. */
  get fallback(): string | null {
    return this.#trainer.fallback;
  }

  /** What it occupies on the GPU. */
  get bytes(): number {
    return this.#trainer.bytes;
  }

  /** Where its weights lie, as `Trainer.buffers`. */
  get buffers(): TrainerBuffers {
    return this.#trainer.buffers;
  }

  /** The model's outputs for any number of samples, as `Trainer.predict`. */
  predict(given: GivenToPredict<F>): Promise<Prediction<O>> {
    return this.#trainer.predict(given);
  }

  /** The same as places on the device, for shaders of one's own, as `Trainer.predictOnGpu`. */
  predictOnGpu(given: GivenToPredict<F>): Promise<GpuPrediction<O>> {
    return this.#trainer.predictOnGpu(given);
  }

  /** Brings a set where `encodePredict` reads it, and compiles what predicts it. @throws as `Trainer.prepare` */
  prepare(set: Dataset<F>): Promise<void> {
    return this.#trainer.prepare(set, { encodePredict: set });
  }

  /** Records a prediction of all samples of a set that was prepared into an encoder of a host's, as `Trainer.encodePredict`. */
  encodePredict(encoder: CommandEncoder, set: Dataset): GpuPrediction<O> {
    return this.#trainer.encodePredict(encoder, set);
  }

  /** Goes on with a text, as `Trainer.generate`. @throws DataError where probabilities or classes are told in place of logits */
  generate(prompt: ArrayLike<number>, options: GenerateOptions = {}): AsyncGenerator<number, void, undefined> {
    if (this.#outputs !== 'logits') {
      throw new DataError(
        `[generate] this predictor tells ${this.#outputs}, but a text goes on by logits: leave out \`outputs\` for it`,
      );
    }
    return this.#trainer.generate(prompt, options);
  }

  /** The model as a WGSL function, as `Trainer.wgsl`. */
  wgsl(options: WgslOptions = {}): Promise<WgslFunction> {
    return this.#trainer.wgsl(options);
  }

  /** The model's forward pass as a graph, as `Trainer.forward`. */
  forward(): Promise<Forward> {
    return this.#trainer.forward();
  }

  /**
   * Takes other weights, of a file by the same `only` and `rename` as at the beginning.
   * @throws FormatError if the file is broken, or holds other parameters; then nothing is replaced
   */
  async loadWeights(bytes: Uint8Array | ArrayBufferLike, file = 'the file'): Promise<void> {
    const part = await partOfWeights(file, copyOfBytes('loadWeights', bytes), this.#part);
    await this.#trainer.loadWeights(part, file);
  }

  /** Frees every GPU object that it made, and its device if it acquired one. */
  destroy(): void {
    this.#trainer.destroy();
  }
}

/** Samples of the batch that a model is traced with; it is asked of any number. */
const TRACED = 2;

/**
 * A model that is asked, without a loss or an optimizer: it takes the memory of its weights and of one batch.
 *
 * ```ts
 * const reader = await createPredictor({ model, weights: bytes, data: { image: { shape: [28, 28], dtype: 'u8' } } });
 * const { data } = await reader.predict(pixels);
 * ```
 *
 * With `outputs: 'classes'` it tells the likeliest class of each sample, and with `only` it is a layer of a larger model's file.
 * @throws DeviceError if there is no WebGPU and `backend` does not allow the CPU; FormatError for weights of another model;
 * ShapeError where layers do not fit; DataError for options that are none
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export async function createPredictor<M extends Model, F extends string = any, K extends PredictorOutputs = 'logits'>(
  given: PredictorOptions<M, F, K>,
): Promise<Predictor<F, ToldOf<OutputOf<M>, K>>> {
  const where = 'createPredictor';
  const filled = optionsOf<PredictorOptions, typeof usual>(where, given, usual);
  const { weights, only, rename, outputs, model, batchSize, ...options } = filled;
  requireModule(where, 'model', model);
  const isGiven = Object(options.data) === options.data;
  requireKind(where, 'data', options.data, isGiven, 'what samples are like: a data set, or { x: { shape, dtype } }');
  const part = { only, rename };
  requirePart(where, part);
  const told = {
    ...options,
    model: telling(model, outputs),
    batchSize: batchSize ?? TRACED,
    predicts: batchSize,
    phases: [],
  };
  const own = told as unknown as TrainerOptions<Model<ToldOf<OutputOf<M>, K>>, F>;
  requireCommon(where, own);
  const taken = weights === undefined ? undefined : await partOfWeights('the file', copyOfBytes(where, weights), part);
  const trainer = await openTrainer<Model<ToldOf<OutputOf<M>, K>>, F>(own, []);
  try {
    if (taken) await trainer.loadWeights(taken);
    return new Predictor(trainer, part, outputs);
  } catch (error) {
    trainer.destroy();
    throw error;
  }
}
