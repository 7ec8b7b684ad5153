import { ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind, type ContextLike } from '../core/argumentChecks.ts';
import { formatSpec, sameShape, type Spec } from '../core/shape.ts';
import { isValue, specOf, type Value } from '../graph/graph.ts';
import { cast } from '../ops/pointwise/cast.ts';
import { ctcLosses, type CtcLengths } from '../ops/losses/ctc.ts';
import { crossEntropyRows, type CrossEntropyRowsOptions } from '../ops/losses/crossEntropy.ts';
import {
  absoluteErrors,
  binaryCrossEntropies,
  huberErrors,
  kullbackLeiblerTerms,
  squaredErrors,
} from '../ops/losses/distance.ts';
import { div, equal, greater } from '../ops/pointwise/arithmetic.ts';
import { mean, sum } from '../ops/reductions/sum.ts';
import { reshape } from '../ops/shaping/views.ts';
import type { Context } from './layer.ts';
import type { Metric } from './metric.ts';
import { targetOf, type BatchValues, type Target } from './fieldRoles.ts';

/**
 * A loss, and what else is to be reported; a value of several elements is averaged. Over several batches, or the parts of
 * one, each is what it would be of all their samples at once, as far as it is computed from sums or extremes over them: a
 * mean, a quotient of two sums, the root of one, a largest error. Of any other value, as a median, the mean is taken by
 * samples; `metric` says how else.
 */
export interface Measures {
  readonly loss: Value;
  readonly [metric: string]: Value | Metric;
}

/**
 * What training makes small: of the model's outputs, the batch and the context.
 * What a model gives out is known only when it is traced, so a loss says itself what it takes.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- see above
export type Loss<O = any, F extends string = any> = (
  outputs: O,
  batch: BatchValues<F>,
  context: Context,
) => Value | Measures;

/** What a model gave is f32; what is not is most often the target. @throws ShapeError that says so */
export function predictionOf(where: string, x: Value): Spec {
  const given = specOf(where, 'the prediction', x);
  if (given.dtype === 'f32') return given;
  throw new ShapeError(
    `[${where}] the prediction is ${formatSpec(given)} but must be f32: it comes first, and the target behind it`,
  );
}

/** Target values in the prediction's shape: a column `[N, 1]` is compared with `[N]`, never broadcast into `[N, N]`. */
export function aligned(where: string, x: Value, target: Target): Value<'f32'> {
  const given = predictionOf(where, x);
  const t = cast(targetOf(where, target), 'f32');
  if (sameShape(given.shape, t.spec.shape)) return t;
  const [a, b] = [x, t].map(({ spec: { shape } }) => shape.filter((extent, axis) => axis === 0 || extent !== 1));
  if (sameShape(a, b)) return reshape(t, given.shape);
  throw new ShapeError(
    `[${where}] the prediction is ${formatSpec(given)} but the target is ${formatSpec(t.spec)}: they must have one shape`,
  );
}

/** Mean of (x − t)². @returns `[]`, in the target's squared unit */
export const meanSquaredError = (x: Value, target: Target): Value<'f32'> =>
  mean(squaredErrors(x, aligned('meanSquaredError', x, target)));

/** Mean of |x − t|. @returns `[]`, in the target's unit */
export const meanAbsoluteError = (x: Value, target: Target): Value<'f32'> =>
  mean(absoluteErrors(x, aligned('meanAbsoluteError', x, target)));

/** What `huber` may be told. */
export interface HuberOptions extends ContextLike {
  /** Where the parabola becomes a line: 1, as in PyTorch. */
  readonly delta?: number;
}

/** Mean of ½ (x − t)² near the target, of delta (|x − t| − ½ delta) far from it. Source: Huber 1964. */
export function huber(x: Value, target: Target, options: HuberOptions = {}): Value<'f32'> {
  const { delta } = optionsOf<HuberOptions, { delta: number }>('huber', options, { delta: 1 });
  requireKind(
    'huber',
    'delta',
    delta,
    Number.isFinite(delta) && delta > 0,
    'a number above 0, in the unit of the target',
  );
  return mean(huberErrors(x, aligned('huber', x, target), delta));
}

/** Overloads by the kind of target: a batch also gets the accuracy reported. */
interface ClassLoss<Options> {
  (logits: Value, target: Value, options?: Options): Value<'f32'>;
  (logits: Value, target: BatchValues, options?: Options): Measures;
}

/**
 * Mean binary cross-entropy under logits, in nats.
 * @param logits any shape   @param target the same shape, each in 0 … 1
 * @throws DataError for a field of targets that holds, as the model sees it, a number beyond
 */
export const binaryCrossEntropy = ((logits: Value, target: Target): Value | Measures => {
  const t = aligned('binaryCrossEntropy', logits, target);
  const loss = mean(binaryCrossEntropies(logits, t));
  if (isValue(target)) return loss;
  return { loss, accuracy: cast(equal(greater(logits, 0), greater(t, 0.5)), 'f32') };
}) as ClassLoss<ContextLike>;

/** What `crossEntropy` may be told. */
export interface CrossEntropyOptions extends CrossEntropyRowsOptions, ContextLike {}

/**
 * Mean cross-entropy of integer labels under logits, in nats. Given a batch, it takes the labels from it and reports the
 * accuracy as well.
 * @param logits `[N, C]`   @param target `[N]`, each in 0 … C − 1   @returns `[]`
 * @throws ShapeError if N differs     Source: Goodfellow et al. 2016, 6.2.2.3
 */
export const crossEntropy = ((logits: Value, target: Target, options: CrossEntropyOptions = {}): Value | Measures => {
  predictionOf('crossEntropy', logits);
  const labels = targetOf('crossEntropy', target);
  const { loss, correct, counted } = crossEntropyRows(logits, labels, options);
  if (isValue(target)) return loss;
  return { loss, accuracy: counted ? div(sum(correct), sum(counted)) : correct };
}) as ClassLoss<CrossEntropyOptions>;

/**
 * Kullback-Leibler divergence of targets from log-probabilities, in nats: summed over the last axis, averaged over the
 * others, as PyTorch's `batchmean`.
 * @param logProbabilities `[…, C]`, of logSoftmax   @param target `[…, C]`, probabilities
 */
export function kullbackLeibler(logProbabilities: Value, target: Target): Value<'f32'> {
  const terms = kullbackLeiblerTerms(logProbabilities, aligned('kullbackLeibler', logProbabilities, target));
  return mean(sum(terms, { axes: -1 }));
}

/** What `ctc` may be told. */
export interface CtcOptions extends CtcLengths, ContextLike {
  /** The class that stands for no label: 0, as in PyTorch. */
  readonly blank?: number;
  /** A sample that no path spells, since it is too short for its labels, counts nothing; else its loss is infinite. */
  readonly zeroInfinity?: boolean;
  /** `mean`: of the losses, each divided by the number of its labels, or 1; or their `sum`, or `none`. */
  readonly reduction?: 'mean' | 'sum' | 'none';
}

/**
 * Connectionist temporal classification: −log of the probability, in nats, that frames spell labels, in whatever frames
 * each label stands; summed over all ways to repeat labels and to put blanks between them.
 * @param logits `[N, T, C]`, unscaled, by frame and class, the blank one of them   @param target `[N, S]`, labels without
 * blanks, each in 0 … C − 1; what stands behind a sample's `labelLengths` is not looked at
 * @returns `[]`, or `[N]` if it is not reduced
 * @throws ShapeError if N differs; DataError, where the data set holds labels and lengths as they are, for a label that is
 * the blank or no class, a length of 0 or beyond T or S, and, unless `zeroInfinity`, for more labels than frames have room
 * for. If they are computed, the loss of such a sample is infinite     Source: Graves et al. 2006; PyTorch, ctc_loss
 */
export function ctc(logits: Value, target: Target, options: CtcOptions = {}): Value<'f32'> {
  const defaults = {
    inputLengths: undefined,
    labelLengths: undefined,
    blank: 0,
    zeroInfinity: false,
    reduction: 'mean',
  } as const;
  const { blank, zeroInfinity, reduction, ...lengths } = optionsOf<CtcOptions, typeof defaults>(
    'ctc',
    options,
    defaults,
  );
  const { shape } = predictionOf('ctc', logits);
  const last = (shape.at(-1) ?? 0) - 1;
  requireKind('ctc', 'blank', blank, Number.isInteger(blank) && blank >= 0 && blank <= last, `a class, 0 … ${last}`);
  requireKind('ctc', 'reduction', reduction, ['mean', 'sum', 'none'].includes(reduction), '"mean", "sum" or "none"');
  const attrs = { blank, zeroInfinity, perLabel: reduction === 'mean' };
  const losses = ctcLosses(logits, targetOf('ctc', target), lengths, attrs);
  if (reduction === 'none') return losses;
  return reduction === 'mean' ? mean(losses) : sum(losses);
}
