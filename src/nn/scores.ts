import { DataError } from '../core/errors.ts';
import { optionsOf } from '../core/argumentChecks.ts';
import type { Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { add, div, equal, greater, maximum, mul, notEqual, sub, where } from '../ops/pointwise/arithmetic.ts';
import { cast } from '../ops/pointwise/cast.ts';
import { squaredErrors } from '../ops/losses/distance.ts';
import { exp, sqrt } from '../ops/pointwise/elementary.ts';
import { argmax } from '../ops/reductions/argmax.ts';
import { mean, sum } from '../ops/reductions/sum.ts';
import { reshape } from '../ops/shaping/views.ts';
import { aligned, crossEntropy, predictionOf, type CrossEntropyOptions } from './losses.ts';
import { scalar, type Metric } from './metric.ts';
import { targetOf, type Target } from './fieldRoles.ts';

/*
 * What a set is judged by beside its loss. A figure of the whole is that of one batch of all its samples, however it was
 * cut: what is a mean, a quotient of sums or another function of sums is taken apart by itself, the others say how they
 * come together.
 */

/** What `accuracy` may be told. */
export interface AccuracyOptions {
  /** Rows with this label count nothing. */
  readonly ignoreIndex?: number;
}

/** The share of rows whose largest logit is the label's. @param logits `[…, C]`   @param target `[…]` @returns `[]` */
export function accuracy(logits: Value, target: Target, options: AccuracyOptions = {}): Value<'f32'> {
  const defaults = { ignoreIndex: undefined };
  const { ignoreIndex } = optionsOf<AccuracyOptions, typeof defaults>('accuracy', options, defaults);
  predictionOf('accuracy', logits);
  const label = cast(targetOf('accuracy', target), 'i32');
  const hit = cast(equal(argmax(logits), label), 'f32');
  if (ignoreIndex === undefined) return mean(hit);
  const counts = cast(notEqual(label, ignoreIndex), 'f32');
  return div(sum(mul(hit, counts)), sum(counts));
}

/** √ of the mean of (x − t)². @returns `[]`, in the target's unit */
export const rootMeanSquaredError = (x: Value, target: Target): Value<'f32'> =>
  sqrt(mean(squaredErrors(x, aligned('rootMeanSquaredError', x, target))));

/** e to the mean cross-entropy: among how many classes a guess would be as hard. @returns `[]` */
export const perplexity = (logits: Value, target: Target, options: CrossEntropyOptions = {}): Value<'f32'> =>
  exp(crossEntropy(logits, targetOf('perplexity', target), options));

/** The mean cross-entropy in bits, of a model whose tokens are characters; of bytes, bits per byte. @returns `[]` */
export const bitsPerCharacter = (logits: Value, target: Target, options: CrossEntropyOptions = {}): Value<'f32'> =>
  mul(crossEntropy(logits, targetOf('bitsPerCharacter', target), options), Math.LOG2E);

/** What `rSquared` reads of some samples: their number, and by output mean, Σ (t − mean)² and Σ (x − t)². */
function spreadsIn(numbers: Float64Array, outputs: number) {
  const [count] = numbers;
  const of = (kind: number): Float64Array => numbers.subarray(1 + kind * outputs, 1 + (kind + 1) * outputs);
  const [middle, rest, around, errors] = [0, 1, 2, 3].map(of);
  return {
    count,
    means: middle.map((own, at) => own + rest[at]),
    spreads: around.map((spread, at) => spread - count * rest[at] ** 2),
    errors,
  };
}

/**
 * 1 − Σ (x − t)² / Σ (t − mean t)², the share of the targets' variance that is explained; of several outputs a sample, the
 * mean of theirs. NaN where the targets do not vary. It is no loss, since a batch's own mean is not the set's.
 * @param x `[N, …]`, predictions   @param target the same shape
 * Source: scikit-learn, r2_score; Chan, Golub and LeVeque 1983 for how two batches' variances come together
 */
export function rSquared(x: Value, target: Target): Metric {
  const rows = [predictionOf('rSquared', x).shape[0], -1];
  const t = reshape(aligned('rSquared', x, target), rows);
  const middle = mean(t, { axes: 0, keepDimensions: true });
  const outputs = middle.spec.shape[1];
  return {
    values: [
      scalar(t.spec.shape[0]),
      middle,
      // What f32 cut off the mean, which is small beside the deviations but not beside a large mean's last digit.
      mean(sub(t, middle), { axes: 0 }),
      sum(squaredErrors(t, middle), { axes: 0 }),
      sum(squaredErrors(reshape(x, rows), t), { axes: 0 }),
    ],
    merge(a, b) {
      const [one, other] = [spreadsIn(a, outputs), spreadsIn(b, outputs)];
      const count = one.count + other.count;
      const apart = one.means.map((own, at) => other.means[at] - own);
      const between = apart.map((distance) => (distance ** 2 * one.count * other.count) / count);
      return Float64Array.of(
        count,
        ...one.means.map((own, at) => own + (apart[at] * other.count) / count),
        ...new Float64Array(outputs),
        ...one.spreads.map((spread, at) => spread + other.spreads[at] + between[at]),
        ...one.errors.map((error, at) => error + other.errors[at]),
      );
    },
    finish(numbers) {
      const { spreads, errors } = spreadsIn(numbers, outputs);
      const explained = errors.map((error, at) => (spreads[at] > 0 ? 1 - error / spreads[at] : NaN));
      return explained.reduce((total, each) => total + each, 0) / outputs;
    },
  };
}

/** What `f1Score` may be told. */
export interface F1Options {
  /** Of more than two classes: the mean over those that occur, or that of all hits and misses together. `macro` */
  readonly average?: 'macro' | 'micro';
  /** Rows with this label count nothing. */
  readonly ignoreIndex?: number;
}

/**
 * The harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN).
 * @param logits `[N]` or `[N, 1]`, above 0 for the positive class, or `[…, C]`   @param target 0 and 1, or integer labels
 * @returns `[]`     Source: van Rijsbergen 1979; scikit-learn, f1_score, of which `macro` leaves out what never occurs too
 */
export function f1Score(logits: Value, target: Target, options: F1Options = {}): Value<'f32'> {
  const defaults = { average: 'macro', ignoreIndex: undefined } as const;
  const { average, ignoreIndex } = optionsOf<F1Options, typeof defaults>('f1Score', options, defaults);
  if (average !== 'macro' && average !== 'micro') {
    throw new DataError(`[f1Score] average is ${String(average)} but must be macro or micro`);
  }
  const { shape } = predictionOf('f1Score', logits);
  const isBinary = shape.length < 2 || shape.at(-1) === 1;
  const given = isBinary ? aligned('f1Score', logits, target) : targetOf('f1Score', target);
  const label = reshape(cast(given, 'i32'), [-1, 1]);
  const classes = isBinary ? 1 : shape.at(-1)!;
  const numbers = constant(
    Int32Array.from({ length: classes }, (_, at) => (isBinary ? 1 : at)),
    { shape: [1, classes], dtype: 'i32' },
  );
  const answer = isBinary ? cast(greater(reshape(logits, [-1, 1]), 0), 'i32') : reshape(argmax(logits), [-1, 1]);
  const [isLabel, isAnswer] = [label, answer].map((of) => {
    const is = cast(equal(of, numbers), 'f32');
    return ignoreIndex === undefined ? is : mul(is, cast(notEqual(label, ignoreIndex), 'f32'));
  });
  const hits = sum(mul(isLabel, isAnswer), { axes: 0 });
  const both = add(sum(isLabel, { axes: 0 }), sum(isAnswer, { axes: 0 }));
  if (average === 'micro') return div(mul(2, sum(hits)), sum(both));
  const occurs = cast(greater(both, 0), 'f32');
  return div(sum(where(greater(both, 0), div(mul(2, hits), maximum(both, 1)), 0)), sum(occurs));
}
