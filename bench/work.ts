import { Random } from '../src/core/random.ts';
import { sizeOf } from '../src/core/shape.ts';
import {
  answersOf,
  classesOf,
  featuresOf,
  GATES,
  parameterShapes,
  POOLED,
  WINDOW,
  type Cnn,
  type Lstm,
  type Network,
} from './networks.ts';

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

/** The gradient of an embedding's table[rows, columns]: dY[chosen, columns], added up by the row that each was read from. */
export interface Embedding {
  readonly kind: 'embedding';
  readonly rows: number;
  readonly columns: number;
  readonly chosen: number;
}

export type OptimizerName = 'sgd' | 'adam';

/** An optimizer's first update of so many parameters, that of step 1 over and over. */
export interface Update {
  readonly kind: 'update';
  readonly optimizer: OptimizerName;
  readonly size: number;
}

/**
 * One of a convolution's three products, stride 1, padding `same`: y of x and weight, dX of dY and weight, or dWeight of x
 * and dY. Images are stored as [N, H, W, C], weights as [window, window, C, features]; a peer may store them its own way.
 */
export interface Convolution {
  readonly kind: 'convolution';
  readonly of: 'y' | 'dX' | 'dWeight';
  /** Of x. */
  readonly images: readonly [count: number, rows: number, columns: number, channels: number];
  readonly features: number;
  /** Rows and columns of the kernel; odd. */
  readonly window: number;
}

/** Whole training steps of a classifier, on batches that are taken in turn. */
export interface Steps {
  readonly kind: 'steps';
  readonly network: Network;
  readonly batchSize: number;
  readonly batches: number;
  readonly optimizer: OptimizerName;
}

export type Work = Product | Convolution | Sum | Softmax | Embedding | Update | Steps;

/** What all peers are told alike; PyTorch's defaults, but that SGD has to go somewhere in five steps. */
export const rates = { sgd: { learningRate: 0.05 }, adam: { learningRate: 1e-3 } } as const;
export const adamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Steps whose losses are compared before any are timed. */
export const CHECKED_STEPS = 5;

/** The shape in which an operand is stored. */
export const shapeOfA = ({ M, K, transposeA }: Product): [number, number] => (transposeA ? [K, M] : [M, K]);
export const shapeOfB = ({ K, N, transposeB }: Product): [number, number] => (transposeB ? [N, K] : [K, N]);

/** Of x or dX, weight or dWeight, y or dY. */
export function convolutionShapes({ images, features, window }: Omit<Convolution, 'kind' | 'of'>) {
  const [count, rows, columns, channels] = images;
  return {
    x: [count, rows, columns, channels],
    weight: [window, window, channels, features],
    y: [count, rows, columns, features],
  };
}

/** The two operands' shapes. */
export function operandShapes(work: Convolution): [number[], number[]] {
  const { x, weight, y } = convolutionShapes(work);
  return [work.of === 'dX' ? y : x, work.of === 'dWeight' ? y : weight];
}

/** A Cnn's convolutions of so many images, each on what the pooling before it has left. */
export function convolutionsOf({ image, features }: Cnn, count: number): Omit<Convolution, 'kind' | 'of'>[] {
  const [rows, columns, channels] = image;
  return features.map((own, i) => {
    const shrunk = POOLED ** i;
    return {
      images: [count, rows / shrunk, columns / shrunk, i === 0 ? channels : features[i - 1]],
      features: own,
      window: WINDOW,
    };
  });
}

/** The numbers that a work begins with, the same for all peers. */
export interface Inputs {
  /** The two operands; x; dY and indices; parameters and gradient; or weight, bias, weight, bias and so on. */
  readonly arrays: readonly Float32Array[];
  /** Of steps: pixels [batches · batchSize, rows, columns, channels], or characters, and a class for each row of logits. */
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
    case 'convolution':
      return { arrays: operandShapes(work).map((shape) => uniform(sizeOf(shape))), images: none, labels: none };
    case 'sum':
    case 'softmax':
      return { arrays: [uniform(work.rows * work.columns, 3)], images: none, labels: none };
    case 'embedding': {
      const { rows, columns, chosen } = work;
      // Row r about as often as 1 / (r + 1), as words are; an f32 has all of them.
      const indices = Float32Array.from({ length: chosen }, () => Math.floor((rows + 1) ** random.uniform()) - 1);
      return { arrays: [uniform(chosen * columns), indices], images: none, labels: none };
    }
    case 'update':
      return { arrays: [uniform(work.size), uniform(work.size, 0.1)], images: none, labels: none };
    case 'steps': {
      const samples = work.batches * work.batchSize;
      const shapes = parameterShapes(work.network);
      return {
        arrays: shapes.map((shape, i) =>
          work.network.kind === 'gpt' ? firstOf(shape, uniform) : uniform(sizeOf(shape), limitOf(shapes, i)),
        ),
        images: bytes(samples * featuresOf(work.network), work.network.kind === 'gpt' ? work.network.vocabulary : 256),
        labels: bytes(samples * answersOf(work.network), classesOf(work.network)),
      };
    }
  }
}

/** Each within 1 / √fan-in: a weight's is all of its axes but the last, a bias has its weight's. */
const limitOf = (shapes: readonly (readonly number[])[], i: number): number =>
  1 / Math.sqrt(sizeOf(shapes[i - (i % 2)].slice(0, -1)));

/** Of a Gpt: weights of nanoGPT's deviation, scales of norms near 1. */
const firstOf = (shape: readonly number[], uniform: (length: number, limit: number) => Float32Array): Float32Array =>
  shape.length === 1 ? uniform(sizeOf(shape), 0.1).map((x) => 1 + x) : uniform(sizeOf(shape), 0.02 * Math.sqrt(3));

/** What doing it once amounts to, if that is worth counting. */
export function amountOf(work: Work): { readonly amount: number; readonly unit: 'FLOP' | 'bytes' | 'steps' } {
  switch (work.kind) {
    case 'product':
      return { amount: 2 * work.M * work.K * work.N, unit: 'FLOP' };
    case 'convolution': {
      const { weight, y } = convolutionShapes(work);
      return { amount: 2 * sizeOf(weight) * sizeOf(y.slice(0, -1)), unit: 'FLOP' };
    }
    case 'sum':
      return { amount: 4 * work.rows * work.columns, unit: 'bytes' };
    case 'softmax':
      return { amount: 8 * work.rows * work.columns, unit: 'bytes' };
    case 'embedding':
      return { amount: 4 * work.columns * (work.rows + work.chosen), unit: 'bytes' };
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
  const { network, batchSize } = work;
  if (network.kind === 'gpt') {
    const weights = parameterShapes(network).filter(({ length }) => length === 2);
    return weights.reduce((sum, shape) => sum + 6 * batchSize * network.context * sizeOf(shape), 0);
  }
  const weights = parameterShapes(network).filter((_, i) => i % 2 === 0);
  const places = placesOf(network);
  // Forward, dWeight, and dX but of the first.
  return weights.reduce((sum, shape, i) => sum + 2 * batchSize * sizeOf(shape) * (places[i] ?? 1) * (i ? 3 : 2), 0);
}

/** How often a sample meets each weight, where it is more than once. */
function placesOf(network: Network): number[] {
  switch (network.kind) {
    case 'mlp':
    case 'gpt':
      return [];
    case 'cnn':
      return convolutionsOf(network, 1).map(({ images }) => images[1] * images[2]);
    case 'lstm':
      return [network.sequence[0], network.sequence[0]];
  }
}

/** By what a network's samples are multiplied: characters are what they are. */
export const scaleOf = ({ kind }: Network): number => (kind === 'gpt' ? 1 : PIXEL_SCALE);

/** Rows with a single 1 each. */
export function singleOnes(at: ArrayLike<number>, classes: number): Float32Array {
  const rows = new Float32Array(at.length * classes);
  for (let row = 0; row < at.length; row++) rows[row * classes + at[row]] = 1;
  return rows;
}

/** Batches as most libraries want them: pixels as f32, labels as rows with a single 1. */
export function batchesOf({ network, batchSize, batches }: Steps, { images, labels }: Inputs) {
  const [features, classes] = [featuresOf(network), classesOf(network)];
  return Array.from({ length: batches }, (_, batch) => {
    const first = batch * batchSize;
    const pixels = images.subarray(first * features, (first + batchSize) * features);
    const rows = batchSize * answersOf(network);
    const own = labels.subarray(batch * rows, (batch + 1) * rows);
    return { x: Float32Array.from(pixels, (pixel) => pixel * scaleOf(network)), y: singleOnes(own, classes) };
  });
}

/** Numbers with their axes in another order: axis i of the result is axis `order[i]` of what is given. */
export function permute(numbers: ArrayLike<number>, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const extents = order.map((axis) => shape[axis]);
  return Float32Array.from({ length: numbers.length }, (_, at) => {
    let [from, left] = [0, at];
    for (let i = order.length - 1; i >= 0; i--) {
      from += (left % extents[i]) * strides[order[i]];
      left = Math.floor(left / extents[i]);
    }
    return numbers[from];
  });
}

/** Parameters as most libraries have an Lstm's: all units' first gates, then all units' second ones, and so on. */
export const gateByGate = ({ units }: Lstm, arrays: readonly Float32Array[]): Float32Array[] =>
  arrays.map((numbers, i) =>
    i < 4 ? permute(numbers, [numbers.length / (units * GATES), units, GATES], [0, 2, 1]) : numbers,
  );
