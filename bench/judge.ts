// What a peer computes is compared with plain loops in f64 before it is timed.

import { Random } from '../src/core/random.ts';
import { loopsJob } from './peers/loops.ts';
import { product, sum, sumLength } from './peers/loopSums.ts';
import type { Inputs, Product, Work } from './work.ts';

/** What should come out, at some or all places, and how large the numbers are that went into it. */
export interface Expected {
  /** The numbers of the whole result. */
  readonly length: number;
  /** The places that are compared; all if left out. */
  readonly places?: readonly number[];
  readonly values: ArrayLike<number>;
  /** An error is relative to these. */
  readonly magnitudes: ArrayLike<number>;
  readonly tolerance: number;
}

const UNIT = 2 ** -24;
/** Sums of products in f32, in any order, stay within this of Σ|a||b|; with TF32 or f16 they do not. */
const SUM_TOLERANCE = 32 * UNIT;
/** WGSL's exp is good to 3 + 2|x| units. */
const EXP_TOLERANCE = 64 * UNIT;
/** Adam's corrections 1 − βᵗ in f32, as libraries take them, are no better than this; |p| + |p′| is at least the change. */
const UPDATE_TOLERANCE = 1e-4;
/** Losses of steps that began alike. */
const LOSS_TOLERANCE = 1e-4;

/** Multiplications up to which the whole product is computed in f64. */
const MOST_WHOLE = 2 ** 28;
const PLACES = 4096;

/** A verdict on a result. */
export interface Verdict {
  readonly correct: boolean;
  /** The largest, relative to the magnitudes. */
  readonly error: number;
  readonly tolerance: number;
}

export function judge(result: ArrayLike<number>, expected: Expected): Verdict {
  const { length, places, values, magnitudes, tolerance } = expected;
  if (result.length !== length) return { correct: false, error: Infinity, tolerance };
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs(result[places ? places[i] : i] - values[i]) / Math.max(magnitudes[i], 1e-30);
    // NaN is no smaller than anything.
    if (!(difference <= error)) error = Number.isNaN(difference) ? Infinity : difference;
  }
  return { correct: error <= tolerance, error, tolerance };
}

export async function expectedOf(work: Work, inputs: Inputs): Promise<Expected> {
  const { arrays } = inputs;
  const absolute = (i: number) => Float64Array.from(arrays[i], Math.abs);
  if (work.kind === 'product') return expectedProduct(work, inputs);
  const of = (given: Inputs) => loopsJob(work, given, Float64Array).result();
  const values = await of(inputs);
  const all = { length: values.length, values };
  switch (work.kind) {
    case 'convolution':
    case 'embedding': {
      const sizes = arrays.map((numbers) => Float32Array.from(numbers, Math.abs));
      return { ...all, magnitudes: await of({ ...inputs, arrays: sizes }), tolerance: SUM_TOLERANCE };
    }
    case 'sum':
      return {
        ...all,
        magnitudes: sum(work, absolute(0), new Float64Array(sumLength(work))),
        tolerance: SUM_TOLERANCE,
      };
    case 'softmax':
      return { ...all, magnitudes: values, tolerance: EXP_TOLERANCE };
    case 'update':
      return { ...all, magnitudes: absolute(0).map((p, i) => p + Math.abs(values[i])), tolerance: UPDATE_TOLERANCE };
    case 'steps':
      return { ...all, magnitudes: values, tolerance: LOSS_TOLERANCE };
  }
}

/** A large product is compared at random places, each a product of one row and one column. */
function expectedProduct(work: Product, { arrays: [A, B] }: Inputs): Expected {
  const { M, K, N, transposeA, transposeB } = work;
  const length = M * N;
  const [sizeA, sizeB] = [A, B].map((numbers) => Float32Array.from(numbers, Math.abs));
  if (length * K <= MOST_WHOLE) {
    const of = (a: Float32Array, b: Float32Array) => product(work, a, b, new Float64Array(length));
    return { length, values: of(A, B), magnitudes: of(sizeA, sizeB), tolerance: SUM_TOLERANCE };
  }
  const random = new Random(2, 'places');
  const places = Array.from({ length: PLACES }, () => Math.floor(random.uniform(0, length)));
  const at = (a: Float32Array, b: Float32Array) =>
    places.map((place) => {
      const [m, n] = [Math.floor(place / N), place % N];
      let total = 0;
      for (let k = 0; k < K; k++)
        total += a[transposeA ? k * M + m : m * K + k] * b[transposeB ? n * K + k : k * N + n];
      return total;
    });
  return { length, places, values: at(A, B), magnitudes: at(sizeA, sizeB), tolerance: SUM_TOLERANCE };
}
