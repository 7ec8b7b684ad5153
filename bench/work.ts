import { Random } from '../src/core/random.ts';

/** C[M, N] = A · B; a transposed operand is stored so: A as [K, M], B as [N, K]. */
export interface Product {
  readonly kind: 'product';
  readonly M: number;
  readonly K: number;
  readonly N: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** The sum of x[rows, columns] along an axis, or of all of it. */
export interface Sum {
  readonly kind: 'sum';
  readonly rows: number;
  readonly columns: number;
  readonly axis: 0 | 1 | null;
}

/** Softmax of each row of x[rows, columns]. */
export interface Softmax {
  readonly kind: 'softmax';
  readonly rows: number;
  readonly columns: number;
}

export type OptimizerName = 'sgd' | 'adam';

/** An optimizer's first update of so many parameters, that of step 1 over and over. */
export interface Update {
  readonly kind: 'update';
  readonly optimizer: OptimizerName;
  readonly size: number;
}

/** Whole training steps of a classifier with ReLU between its layers, on batches that are taken in turn. */
export interface Steps {
  readonly kind: 'steps';
  readonly layers: readonly [inputs: number, hidden: number, classes: number];
  readonly batchSize: number;
  readonly batches: number;
  readonly optimizer: OptimizerName;
}

export type Work = Product | Sum | Softmax | Update | Steps;

/** What all peers are told alike; PyTorch's defaults, but that SGD has to go somewhere in five steps. */
export const rates = { sgd: { learningRate: 0.05 }, adam: { learningRate: 1e-3 } } as const;
export const adamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Steps whose losses are compared before any are timed. */
export const CHECKED_STEPS = 5;

/** The shape in which an operand is stored. */
export const shapeOfA = ({ M, K, transposeA }: Product): [number, number] => (transposeA ? [K, M] : [M, K]);
export const shapeOfB = ({ K, N, transposeB }: Product): [number, number] => (transposeB ? [N, K] : [K, N]);

/** Of weight, bias, weight, bias. */
export const parameterShapes = ([inputs, hidden, classes]: Steps['layers']): number[][] => [
  [inputs, hidden],
  [hidden],
  [hidden, classes],
  [classes],
];

/** The numbers that a work begins with, the same for all peers. */
export interface Inputs {
  /** A and B; x; parameters and gradient; or weight, bias, weight, bias. */
  readonly arrays: readonly Float32Array[];
  /** Of steps: pixels [batches · batchSize, inputs], and a class for each row. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** What pixels are multiplied by before a network sees them. */
export const PIXEL_SCALE = 1 / 255;

export function inputsOf(work: Work): Inputs {
  const random = new Random(1, JSON.stringify(work));
  const uniform = (length: number, limit = 1) => Float32Array.from({ length }, () => random.uniform(-limit, limit));
  const bytes = (length: number, below: number) =>
    Uint8Array.from({ length }, () => Math.floor(random.uniform(0, below)));
  const none = new Uint8Array(0);
  switch (work.kind) {
    case 'product':
      return { arrays: [uniform(work.M * work.K), uniform(work.K * work.N)], images: none, labels: none };
    case 'sum':
    case 'softmax':
      return { arrays: [uniform(work.rows * work.columns, 3)], images: none, labels: none };
    case 'update':
      return { arrays: [uniform(work.size), uniform(work.size, 0.1)], images: none, labels: none };
    case 'steps': {
      const [inputs, hidden, classes] = work.layers;
      const samples = work.batches * work.batchSize;
      const [first, second] = [1 / Math.sqrt(inputs), 1 / Math.sqrt(hidden)];
      return {
        arrays: [
          uniform(inputs * hidden, first),
          uniform(hidden, first),
          uniform(hidden * classes, second),
          uniform(classes, second),
        ],
        images: bytes(samples * inputs, 256),
        labels: bytes(samples, classes),
      };
    }
  }
}

/** What doing it once amounts to, if that is worth counting. */
export function amountOf(work: Work): { readonly amount: number; readonly unit: 'FLOP' | 'bytes' | 'steps' } {
  switch (work.kind) {
    case 'product':
      return { amount: 2 * work.M * work.K * work.N, unit: 'FLOP' };
    case 'sum':
      return { amount: 4 * work.rows * work.columns, unit: 'bytes' };
    case 'softmax':
      return { amount: 8 * work.rows * work.columns, unit: 'bytes' };
    case 'update':
      // Parameters and moments are read and written, gradients read.
      return { amount: 4 * work.size * (work.optimizer === 'adam' ? 7 : 3), unit: 'bytes' };
    case 'steps':
      return { amount: 1, unit: 'steps' };
  }
}

/** Floating-point operations of doing it once, roughly: what decides who is too slow for it. */
export function costOf(work: Work): number {
  if (work.kind !== 'steps') return amountOf(work).amount;
  const [inputs, hidden, classes] = work.layers;
  return 2 * work.batchSize * hidden * (2 * inputs + 3 * classes);
}

/** Batches as most libraries want them: pixels as f32, labels as rows with a single 1. */
export function batchesOf({ layers, batchSize, batches }: Steps, { images, labels }: Inputs) {
  const [features, , classes] = layers;
  return Array.from({ length: batches }, (_, batch) => {
    const first = batch * batchSize;
    const pixels = images.subarray(first * features, (first + batchSize) * features);
    const y = new Float32Array(batchSize * classes);
    for (let b = 0; b < batchSize; b++) y[b * classes + labels[first + b]] = 1;
    return { x: Float32Array.from(pixels, (pixel) => pixel * PIXEL_SCALE), y };
  });
}
