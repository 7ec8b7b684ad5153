import type { Numbers } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Loss } from '../nn/losses.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { Fields, Model, Phase } from './model.ts';

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

/** One output of a model for a number of samples. */
export interface Output {
  readonly data: Numbers;
  /** The samples first. */
  readonly shape: readonly number[];
}

/** A model's answer: its only output, or the first, and all of them by name. */
export interface Prediction extends Output {
  readonly outputs: Readonly<Record<string, Output>>;
}

/** Loss and metrics by name. */
export type Evaluation = { readonly loss: number } & Readonly<Record<string, number>>;
