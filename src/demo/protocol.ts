// What the page and its worker tell each other: plain data, numbers in arrays that are handed over, not copied.

import type { DownloadProgress } from '../data/index.ts';
import type { Profile } from '../index.ts';
import type { Settings } from './settings.ts';

/** What goes around in training, in this order. */
export const stages = ['forward', 'loss', 'backward', 'update'] as const;

export type Stage = (typeof stages)[number];

/** One layer's work on the followed digit. */
export interface LayerGlance {
  /** As in `layer1`: what its parameters' names begin with. */
  readonly path: string;
  /** `linear`, `conv2d`, `relu` … */
  readonly kind: string;
  /** Of one sample: `[128]`, or `[height, width, channels]`. */
  readonly shape: readonly number[];
  /** What it gives out. */
  readonly output: Float32Array;
  /** ∂loss / ∂output, of the same shape. */
  readonly gradient: Float32Array;
}

export interface ParameterGlance {
  /** As in `layer1.weight`. */
  readonly name: string;
  /** A dense weight is `[in, out]`, a kernel `[height, width, in, out]`. */
  readonly shape: readonly number[];
  readonly value: Float32Array;
  /** ∂loss / ∂value for the followed digit alone. */
  readonly gradient: Float32Array;
  /** What one update by this gradient alone adds to the value. */
  readonly change: Float32Array;
}

/** One step on the followed digit alone, read from where it was computed. The step was rehearsed: training did not see it. */
export interface Glance {
  /** Steps of training before it. */
  readonly step: number;
  /** The learning rate of its update. */
  readonly rate: number;
  readonly label: number;
  /** `[28, 28]`, each 0 … 1. */
  readonly pixels: Float32Array;
  /** From the first to the last, whose output are the logits. */
  readonly layers: readonly LayerGlance[];
  readonly parameters: readonly ParameterGlance[];
  /** `[10]` */
  readonly probabilities: Float32Array;
  /** −ln of the label's probability, in nats. */
  readonly loss: number;
  /** The same after the update. */
  readonly lossAfter: number;
}

/** A test image that the network got wrong, or nearly so. */
export interface Mistake {
  /** u8[28, 28] */
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly answer: number;
  /** That the network gives the answer, and the label. */
  readonly answerProbability: number;
  readonly labelProbability: number;
}

/** How well the network reads test images. */
export interface Examination {
  readonly step: number;
  /** Images that were read. */
  readonly count: number;
  readonly accuracy: number;
  readonly loss: number;
  /** `[10, 10]`: how many of each label (row) were read as each digit (column). */
  readonly confusion: Uint32Array;
  /** The worst first. */
  readonly mistakes: readonly Mistake[];
}

/** Steps of training, one behind the other. */
export interface Taken {
  /** The last one. */
  readonly step: number;
  readonly epoch: number;
  /** Of each step. */
  readonly losses: readonly number[];
  readonly accuracies: readonly number[];
  readonly rates: readonly number[];
  readonly milliseconds: number;
  readonly submits: number;
  /** What the trainer occupies. */
  readonly bytes: number;
}

/** Training seen from outside, now and then. */
export interface Probe {
  /** Of some of the test images. */
  readonly examination: Examination;
  /** ‖∂loss / ∂weight‖ of each weight in the order of the layers, for some training images. */
  readonly gradientNorms: Readonly<Record<string, number>>;
}

/** Where a trainer runs. */
export type Where =
  | { readonly backend: 'webgpu'; readonly adapter: string; readonly software: boolean }
  /** On the CPU, with the reason. */
  | { readonly backend: 'wasm' | 'cpu'; readonly adapter: string; readonly fallback: string };

/** A trainer as it begins. */
export interface Made {
  readonly where: Where;
  readonly launches: number;
  readonly parameters: number;
  /** Steps before: 0, or those of a trainer whose weights it goes on with. */
  readonly step: number;
}

/** What was made of a file. */
export interface Opened {
  readonly name: string;
  /** The settings that it was saved with, as a link says them; empty if it says none. */
  readonly search: string;
  /** Whether training goes on where it was saved; else its weights were taken alone. */
  readonly goesOn: boolean;
  /** Why that is not what was saved, to the bit; none where it is. */
  readonly why: readonly string[];
  /** Where training is now. */
  readonly step: number;
  readonly epoch: number;
}

/** What is learned, and what it is judged by. */
export interface DataSet {
  readonly title: string;
  readonly train: number;
  readonly test: number;
  /** What the user would not expect; empty if nothing. */
  readonly warning: string;
}

export type Command =
  /** A new trainer, which goes on with the weights of the one before where `keep` says so and they fit. */
  | { readonly kind: 'configure'; readonly settings: Settings; readonly keep: boolean }
  /** Which kernels were fastest on an earlier visit. */
  | { readonly kind: 'kernels'; readonly text: string }
  /** Steps in a second, or as many as can be. */
  | { readonly kind: 'start'; readonly perSecond: number | null }
  | { readonly kind: 'pause' }
  | { readonly kind: 'step' }
  /** Another image of the digit, or the first one. */
  | { readonly kind: 'follow'; readonly digit: number; readonly another: boolean }
  /** What the network reads in a drawing, f32[28, 28]. */
  | { readonly kind: 'read'; readonly pixels: Float32Array }
  | { readonly kind: 'example' }
  | { readonly kind: 'examine' }
  /** Where the time of a step goes. */
  | { readonly kind: 'profile' }
  | { readonly kind: 'data'; readonly from: 'synthetic' | 'mnist' | readonly File[] }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'save' }
  | { readonly kind: 'load'; readonly file: File };

export type Happening =
  | ({ readonly kind: 'made' } & Made)
  | ({ readonly kind: 'data' } & DataSet)
  | ({ readonly kind: 'download' } & DownloadProgress)
  | ({ readonly kind: 'taken' } & Taken)
  | ({ readonly kind: 'probe' } & Probe)
  | { readonly kind: 'glance'; readonly glance: Glance }
  | { readonly kind: 'examination'; readonly examination: Examination }
  /** Which kernels are fastest, for the next visit: a worker has no place to keep it. */
  | { readonly kind: 'kernels'; readonly text: string }
  | { readonly kind: 'profile'; readonly profile: Profile }
  | { readonly kind: 'running'; readonly running: boolean }
  | { readonly kind: 'answer'; readonly probabilities: Float32Array }
  | { readonly kind: 'example'; readonly pixels: Float32Array }
  | { readonly kind: 'saved'; readonly bytes: Uint8Array<ArrayBuffer> }
  | ({ readonly kind: 'loaded' } & Opened)
  | { readonly kind: 'wrong'; readonly message: string }
  /** The GPU was lost, and training goes on from a step on another one. */
  | { readonly kind: 'recovered'; readonly reason: string; readonly step: number; readonly where: Where };
