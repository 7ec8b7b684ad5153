import type { BackendName } from '../core/places.ts';
import type { Exposes } from './graphs/exposed.ts';
import type { FrameShare } from './runs/framePace.ts';
import type { Device, Signal } from '../core/globalTypes.ts';
import type { Dtype, Numbers, NumbersOf } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import type { GivenNumbers } from '../data/numbers.ts';
import type { Value } from '../graph/graph.ts';
import type { OutputOf } from '../nn/layer.ts';
import type { Loss } from '../nn/losses.ts';
import type { SaidRoles } from '../nn/fieldRoles.ts';
import type { Kernels } from '../scheduler/kernelChoice.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { Decision } from './runs/decisions.ts';
import type { CheckpointStore } from './checkpoints/checkpointStore.ts';
import type { Phase } from './model.ts';
import type { GivenFields } from './samples/sampleSource.ts';

/** Numbers by field. */
export type Samples = Readonly<Record<string, Numbers>>;

/**
 * What `step`, `verify`, `inspect` and `predict` take, as it is at the call, and batches are. It is put into the dtypes
 * that the model was traced with, where nothing of it is lost; else a DataError names field, index and value.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export type GivenSamples<in F extends string = any> = { readonly [name in F]: GivenNumbers };

/**
 * Batches one after the other, each of at most `batchSize` samples; run through anew for each epoch. Those that are data
 * sets may differ in the extents of their fields, as sentences in buckets do: each shape has a program of its own, which is
 * compiled when it first comes.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export type Batches<F extends string = any> =
  Iterable<GivenSamples<F> | Dataset<F>> | AsyncIterable<GivenSamples<F> | Dataset<F>>;

/** Batches that tell epochs apart, in place of being run through anew: so that each has an order of its own. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export interface Epochs<F extends string = any> {
  /** The batches of an epoch, which are counted from 0, behind the first `taken`: the same whenever they are asked for. */
  epoch(number: number, taken: number): Batches<F>;
  /** Batches of an epoch, if that is known: by them, or else by the first epoch, reports tell how much of one is done. */
  readonly steps?: number | undefined;
}

/** What every trainer may be told; F are the names of its fields. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export interface CommonOptions<F extends string = any> extends SaidRoles<NoInfer<F>> {
  /** Samples of a step. */
  readonly batchSize: number;
  /**
   * Parts in which a step takes its samples, one after the other, so that a large batch needs the memory of a small one:
   * 1. Gradients and metrics are those of the whole batch. Of a loss that is no mean over the samples (ignored labels,
   * class weights) what it is divided by is taken first, of all parts, which costs them a second way forward. Statistics
   * over the batch, as of batch norm, are taken in each part, and where a loss is an extreme, each part trains its own.
   */
  readonly microBatches?: number;
  /**
   * Keeps an exponential moving average of the weights: average ← decay · average + (1 − decay) · weight after each step,
   * as Keras' `use_ema`. `evaluate`, `predict` and `saveWeights` then take the averages.
   */
  readonly averageWeights?: { readonly decay: number };
  /** Whether each step reports ‖gradients‖ as `gradientNorm`, before they are clipped; two launches more. */
  readonly gradientNorm?: boolean;
  /**
   * What each step leaves in buffers beside the parameters, for shaders of one's own; see `trainer.buffers`. A launch for each,
   * and other roundings where what is kept would have been in no launch's result.
   */
  readonly exposes?: Exposes;
  /**
   * Bytes that all of it may take on the GPU: what states and programs need together is reckoned before any of it is there.
   * WebGPU tells nobody how much there is: without a limit, it is tried. With 0 the error tells the need, and nothing is made.
   */
  readonly memoryLimit?: number;
  /** Whether ops share launches where they can: true, unless MILLRACE_FUSE=0 is in the environment. */
  readonly fuse?: boolean;
  /**
   * How kernels are chosen among their forms: `auto`, which measures on cards, a few milliseconds for each kind of
   * product, and guesses on software adapters, or everywhere if MILLRACE_KERNELS=guess is in the environment. A storage, as
   * `localStorage`, keeps what was measured for the next visit. Another choice gives other roundings: to repeat a run to
   * the bit, give what `trainer.kernels` said.
   */
  readonly kernels?: Kernels;
  /** Fixes the first weights, the order of samples, and every draw; 0 if left out. */
  readonly seed?: number;
  /**
   * `webgpu`; `wasm`, which is WebAssembly's vectors on the CPU; `cpu`, the references there; or `auto`: WebGPU on a card,
   * else `wasm`, also where a device is lost and no other is to be had. `webgpu` if left out.
   */
  readonly backend?: BackendName;
  /** Threads of `wasm`, this one among them: as many as there are if left out. The bits do not depend on them. */
  readonly threads?: number | undefined;
  /**
   * Whether `wasm` may multiply and add in one rounding, by relaxed vectors, where the engine has them (Chromium 114, Node 22;
   * else it makes no difference): faster, with bits that differ by machine.
   */
  readonly relaxed?: boolean | undefined;
  /** A device of the caller's, which stays the caller's; one is acquired if it is left out. */
  readonly device?: Device | undefined;
  /**
   * Asked for another device where the one in use is lost, with the reason. Left out, a trainer takes one of its own in the
   * place of one of its own; of a `device` that was given, it cannot, and fails. Null says that there is none. Training goes
   * on where it was, with the same bits if the adapter is the same.
   */
  readonly onDeviceLost?: ((reason: string) => Device | null | Promise<Device | null>) | undefined;
  /** The fields that batches will have; taken from the first data set if left out. */
  readonly data?: Dataset<F> | GivenFields<F>;
  /** Told what the caller would not expect: a figure to which nothing counts. `console.warn` if left out. */
  readonly warn?: Warn;
}

/** A trainer of one loss. */
// oxlint-disable-next-line typescript/no-explicit-any -- where neither model nor fields are known, any will do
export interface LossOptions<M = any, F extends string = any> extends CommonOptions<F> {
  readonly model: M;
  /** Of the model's outputs and the batch. */
  readonly loss: Loss<OutputOf<M>, NoInfer<F>>;
  readonly optimizer: Optimizer;
  readonly phases?: undefined;
}

/** A trainer of several losses, each of which changes parameters of its own. Without a model they are handed the batch. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in LossOptions
export interface PhaseOptions<M = any, F extends string = any> extends CommonOptions<F> {
  readonly model?: M;
  readonly phases: readonly Phase<OutputOf<M>, NoInfer<F>>[];
  readonly loss?: undefined;
  readonly optimizer?: undefined;
}

/** A model, a loss and an optimizer, or phases. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in LossOptions
export type TrainerOptions<M = any, F extends string = any> = LossOptions<M, F> | PhaseOptions<M, F>;

export type Warn = (text: string) => void;

/** A run without an end; see `FitOptions`. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export type RunOptions<F extends string = any> = Omit<FitOptions<F>, 'epochs' | 'steps' | 'resume'>;

/** How long a run lasts, what it is judged by, and what it tells. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export interface FitOptions<F extends string = any> extends FrameShare {
  readonly epochs?: number;
  readonly steps?: number;
  /** Evaluated at the end of each epoch, or as `validateEvery` says, and at the end. */
  readonly validation?: Dataset<F>;
  /** Steps between two validations. */
  readonly validateEvery?: number;
  /**
   * Asked after each validation, or, without one, when it would have been: whether to end the run, to reduce the learning
   * rates, to keep the weights. They see the metrics of validation, or those of all
   * samples trained on since they were last asked.
   */
  readonly decisions?: readonly Decision[];
  /** Steps of one submit to the GPU: at most so many, or as many as take about 100 ms, in a page 12. `auto`. */
  readonly stepsPerSubmit?: number | 'auto';
  /** A report each so many steps, and one at the end: 1. */
  readonly every?: number;
  /** Ends training after the last submitted whole step, as `trainer.stop()` does. */
  readonly signal?: Signal;
  /** False takes the samples in their own order. */
  readonly shuffle?: boolean;
  /** What becomes of a step whose loss, learning rate or gradients are NaN or infinite: `stop`; see `OnNaN`. */
  readonly onNaN?: OnNaN;
  /** The older name: true is `onNaN: 'stop'`; false takes bad steps as they are, into weights that are lost. */
  readonly stopOnNaN?: boolean;
  /** Where the run is saved now and then, and at its end: `checkpoints({ folder })` of `millrace/node`, or one's own. */
  readonly checkpoints?: CheckpointStore;
  /** Whether a run that was loaded in its middle goes on by this call, rather than another one beginning: true. */
  readonly resume?: boolean;
}

/**
 * What becomes of a step whose loss, learning rate or gradients are NaN or infinite, unless it is that nothing counts in it.
 * Neither parameters nor moments nor their averages take it up, nor, where training ends, those behind it in its submit; of
 * several phases, those before the bad one have been updated. Running averages of layers follow every batch, but take up
 * only numbers. An optimizer of one's own obeys if it is made of the shipped ones.
 * `stop`: a DataError behind the report of that step names it, what was bad first, and the first parameter with a bad
 * gradient; the trainer is as the step before left it. A loss that only the host computes, as a logarithm of a mean, is
 * found when its report is made, and the weights are as the last submitted step left them.
 * `skip`: the step is left out, and the next one is taken; as PyTorch's GradScaler does.
 * `rewind`: what was learned by the last whole hundred of the run's steps comes back, and training goes on with the samples
 * behind the bad step and their learning rates; where two such ways back lead nowhere, it stops. After Chowdhery et al. 2022,
 * "PaLM", 5.1. Batches of an iterable are then submitted one by one.
 */
export type OnNaN = 'stop' | 'skip' | 'rewind';

/** What a run tells of a step. */
export interface Report {
  /** Steps so far, in the trainer's life. */
  readonly step: number;
  /** Epochs so far, in this call. */
  readonly epoch: number;
  readonly loss: number;
  /** The step's, of the first phase. */
  readonly learningRate: number;
  /** All that the losses report, by name. */
  readonly metrics: Evaluation;
  /** Since the call. */
  readonly seconds: number;
  /** Seconds of these in which the GPU had to wait for batches of an iterable. */
  readonly waited: number;
  readonly validation?: Evaluation;
  /** How training went on, if the device was lost since the last report, in a sentence. */
  readonly recovered?: string;
  /** There if the step was bad, and left out: see `OnNaN`. */
  readonly skipped?: true;
  /** The step of whose end all that was learned came back behind this one. */
  readonly rewoundTo?: number;
  /** What was decided after this step, a sentence each. */
  readonly decided?: readonly string[];
}

/** One output of a model for a number of samples; its `dtype` tells of which kind the array is. */
export type Output<D extends Dtype = Dtype> = {
  readonly [K in D]: {
    readonly dtype: K;
    readonly data: NumbersOf[K];
    /** The samples first. */
    readonly shape: readonly number[];
  };
}[D];

/** What a model that gives O has given for a number of samples, by name; a value without a name is called `output`. */
export type Outputs<O> = unknown extends O
  ? Readonly<Record<string, Output>>
  : O extends Value<infer D>
    ? { readonly output: Output<D> }
    : { readonly [name in keyof O]: O[name] extends Value<infer D> ? Output<D> : Output };

/** A model's answer: its only output, or the first, and all of them by name. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Loss
export type Prediction<O = any> = Outputs<O>[keyof Outputs<O>] & { readonly outputs: Outputs<O> };

/** Loss and metrics by name. */
export type Evaluation = { readonly loss: number } & Readonly<Record<string, number>>;
