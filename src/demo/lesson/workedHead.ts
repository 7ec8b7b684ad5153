import { spec } from '../../core/shape.ts';
import {
  add,
  constant,
  differentiate,
  interpret,
  matmul,
  meanSquaredError,
  mul,
  slice,
  softmax,
  type Value,
} from '../../index.ts';

/** What the lesson's head reads. A word's two numbers say how far it names a thing, and how far it stands for one. */
export const WORDS = ['cat', 'purrs', 'it'] as const;
export const EMBEDDED = [1, 0, 0, 0.5, 0.2, 1] as const;
/** What the head should give at the last word. */
export const HEAD_TARGET = [1, 0] as const;

const T = WORDS.length;
const D = HEAD_TARGET.length;
const SCALE = 1 / Math.sqrt(D);
const MINUS_INFINITY = Number.NEGATIVE_INFINITY;

/** Three matrices of two rows and two columns, row by row: what makes queries, keys and values of words. */
export const MATRICES = ['Q', 'K', 'V'] as const;
export type Matrix = (typeof MATRICES)[number];
export type HeadWeights = Readonly<Record<Matrix, readonly number[]>>;

export const FIRST_MATRICES: HeadWeights = {
  Q: [0, 1, 1, 0],
  K: [1, 0, 0, 0.5],
  V: [1, 0, 0.5, -1],
};

const matrix = (numbers: readonly number[], columns: number = D): Value =>
  constant(Float64Array.from(numbers), spec([numbers.length / columns, columns]));

/** Added to the scores: each word is shown itself and those before it. */
const causal = matrix(
  Array.from({ length: T * T }, (_, at) => (at % T > Math.floor(at / T) ? MINUS_INFINITY : 0)),
  T,
);

/** One turn's numbers, row by row, a row for each word; of `y` and the loss only the last word's is judged. */
export type HeadNumbers = Readonly<Record<'q' | 'k' | 'v' | 'scores' | 'a' | 'y' | 'loss', readonly number[]>>;

export interface HeadTurn {
  readonly values: HeadNumbers;
  /** The derivative of the loss with respect to each; those of the matrices by their letters. */
  readonly gradients: Readonly<Record<Exclude<keyof HeadNumbers, 'loss'> | Matrix, readonly number[]>>;
}

/** Numbers of values, in f64. */
function numbersOf<K extends string>(values: Readonly<Record<K, Value>>): Record<K, number[]> {
  const { outputs } = interpret({ outputs: values, writes: [] }, { precision: 'f64' });
  const numbers = Object.entries(outputs).map(([name, all]) => [name, [...all]] as const);
  return Object.fromEntries(numbers) as Record<K, number[]>;
}

/** Forward, loss and backward, by the library's own ops and derivatives, in f64. */
export function turnOfHead(weights: HeadWeights): HeadTurn {
  const x = matrix(EMBEDDED);
  const [Q, K, V] = MATRICES.map((name) => matrix(weights[name]));
  const [q, k, v] = [Q, K, V].map((projection) => matmul(x, projection));
  const scores = mul(matmul(q, k, { transposeB: true }), matrix([SCALE], 1));
  const a = softmax(add(scores, causal));
  const y = matmul(a, v);
  const loss = meanSquaredError(slice(y, [{ start: T - 1 }]), matrix(HEAD_TARGET));

  const sources = { q, k, v, scores, a, y, Q, K, V };
  const derivatives = differentiate(loss, Object.values(sources));
  const gradients = Object.fromEntries(Object.keys(sources).map((name, at) => [name, derivatives[at]!]));
  return {
    values: numbersOf({ q, k, v, scores, a, y, loss }),
    gradients: numbersOf(gradients as Record<keyof typeof sources, Value>),
  };
}

/** The matrices after an update by plain gradient descent. */
export function updatedHead(weights: HeadWeights, { gradients }: HeadTurn, rate: number): HeadWeights {
  const entries = MATRICES.map((name) => [name, weights[name].map((w, at) => w - rate * gradients[name][at])]);
  return Object.fromEntries(entries) as HeadWeights;
}
