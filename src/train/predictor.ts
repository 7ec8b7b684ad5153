import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import type { Dataset } from '../data/dataset.ts';
import type { GivenNumbers } from '../data/numbers.ts';
import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { OutputOf } from '../nn/layer.ts';
import { copyOfBytes } from './checkpoints/givenParameters.ts';
import { openTrainer } from './createTrainer.ts';
import type { TrainerBuffers } from './emission/buffers.ts';
import type { WgslFunction, WgslOptions } from './emission/wgslFunction.ts';
import type { GenerateOptions } from './generation/generateOptions.ts';
import type { Model } from './model.ts';
import type { CommonOptions, GivenSamples, Prediction, TrainerOptions } from './options.ts';
import type { Trainer } from './trainer.ts';
import { requireCommon } from './trainerOptions.ts';

/** A model, what it has learned, and what it is asked of. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export interface PredictorOptions<M extends Model = Model, F extends string = any> extends Pick<
  CommonOptions<F>,
  'backend' | 'device' | 'onDeviceLost' | 'kernels' | 'fuse' | 'memoryLimit' | 'seed' | 'inputs'
> {
  readonly model: M;
  /** The bytes of a safetensors file, as `saveWeights` gives them; those that chance gives, if left out. */
  readonly weights?: Uint8Array | ArrayBufferLike | undefined;
  /** What a tensor of the file is called in the model; null leaves it out. As it is, if left out. */
  readonly rename?: ((name: string) => string | null) | undefined;
  /** What samples are like: a data set, or its fields. What only a loss read may be left out. */
  readonly data: CommonOptions<F>['data'] & {};
}

const usual = {
  model: undefined,
  weights: undefined,
  rename: undefined,
  data: undefined,
  backend: 'webgpu',
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

  /** Use `createPredictor`. */
  constructor(trainer: Trainer<F, O>) {
    this.#trainer = trainer;
  }

  /** Where it runs: the adapter's name, or the CPU reference. */
  get adapter(): string {
    return this.#trainer.adapter;
  }

  get backend(): 'webgpu' | 'cpu' {
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
  predict(given: Dataset | Partial<GivenSamples<F>> | GivenNumbers | number): Promise<Prediction<O>> {
    return this.#trainer.predict(given);
  }

  /** Goes on with a text, as `Trainer.generate`. */
  generate(prompt: ArrayLike<number>, options: GenerateOptions = {}): AsyncGenerator<number, void, undefined> {
    return this.#trainer.generate(prompt, options);
  }

  /** The model as a WGSL function, as `Trainer.wgsl`. */
  wgsl(options: WgslOptions = {}): Promise<WgslFunction> {
    return this.#trainer.wgsl(options);
  }

  /** Takes other weights. @throws FormatError if the file is broken, or holds other parameters; then nothing is replaced */
  loadWeights(bytes: Uint8Array | ArrayBufferLike, file = 'the file'): Promise<void> {
    return this.#trainer.loadWeights(bytes, file);
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
 *     const reader = await createPredictor({ model, weights: bytes, data: { image: { shape: [28, 28], dtype: 'u8' } } });
 *     const { data } = await reader.predict(pixels);
 *
 * @throws DeviceError if there is no WebGPU and `backend` does not allow the CPU; FormatError for weights of another model;
 * ShapeError where layers do not fit; DataError for options that are none
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export async function createPredictor<M extends Model, F extends string = any>(
  given: PredictorOptions<M, F>,
): Promise<Predictor<F, OutputOf<M>>> {
  const where = 'createPredictor';
  const filled = optionsOf<PredictorOptions, typeof usual>(where, given, usual);
  const { weights, rename, ...options } = filled;
  const isGiven = Object(options.data) === options.data;
  requireKind(where, 'data', options.data, isGiven, 'what samples are like: a data set, or { x: { shape, dtype } }');
  if (rename !== undefined) {
    requireKind(
      where,
      'rename',
      rename,
      typeof rename === 'function',
      'a function from a name to another one, or null',
    );
  }
  const own = { ...options, batchSize: TRACED, phases: [] } as unknown as TrainerOptions<M, F>;
  requireCommon(where, own);
  const copy = weights === undefined ? undefined : copyOfBytes(where, weights);
  const trainer = await openTrainer<M, F>(own, []);
  try {
    if (copy) await trainer.loadWeights(rename ? renamed(copy, rename) : copy);
    return new Predictor(trainer);
  } catch (error) {
    trainer.destroy();
    throw error;
  }
}

/** A file whose tensors have other names. */
function renamed(bytes: Uint8Array | ArrayBuffer, rename: (name: string) => string | null): Uint8Array {
  const { tensors, metadata } = readSafetensors('the file', bytes);
  const entries = Object.entries(tensors).flatMap(([name, tensor]) => {
    const other = rename(name);
    return other === null ? [] : [[other, tensor] as const];
  });
  return writeSafetensors({ tensors: Object.fromEntries(entries), metadata });
}
