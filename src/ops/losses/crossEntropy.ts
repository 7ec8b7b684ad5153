import { DataError, ShapeError } from '../../core/errors.ts';
import { optionsOf } from '../../core/argumentChecks.ts';
import { output, type Kernel } from '../../core/launch.ts';
import { formatSpec, requireDtype, sameShape, sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import { boundsOf, UNIT } from '../../graph/accuracy.ts';
import { apply, applyOne, type Node, type Op, type Samples, specOf, type Value } from '../../graph/graph.ts';
import { asUseOf, constant } from '../../graph/leaf.ts';
import { workOf } from '../../graph/work.ts';
import { div, notEqual } from '../pointwise/arithmetic.ts';
import { cast } from '../pointwise/cast.ts';
import { integerDtypes, integerReader } from '../data/integerReader.ts';
import { mean, sum } from '../reductions/sum.ts';
import { uncast } from '../data/originalIntegers.ts';
import { reshape } from '../shaping/views.ts';
import { gradOp, largestIn, slopeOf, slopeTerms } from './crossEntropyGrad.ts';
import { classesOf, flops, kernelOf, overRows, overRowsInWasm, type Attrs } from './crossEntropyLaunch.ts';
import slopeText from '../../../shaders/functions/crossEntropySlope.wgsl?raw';
import forwardKernel from '../../../shaders/losses/crossEntropy.wgsl?raw';

// Legend: N rows, C classes; w a class' weight, s the label smoothing.

/** Whether a node is a cross-entropy without smoothing, class weights or labels to ignore. */
export function asPlainCrossEntropy(node: Node): boolean {
  const attrs = asUseOf(crossEntropyOp, node);
  return attrs !== undefined && attrs.labelSmoothing === 0 && attrs.ignoreIndex === null && !attrs.weighted;
}

/** Labels that are read where the samples lie. */
export const labelsFromSamples = ({
  dtype,
  size,
  scale,
  offset,
}: Samples): ReturnType<NonNullable<Op['fromSamples']>> =>
  size === 1 && scale === 1 && offset === 0 && dtype !== 'f32'
    ? {
        functions: {
          label_at: `${integerReader('stored_label_at', 'labels', dtype, 'i32')}\n\nfn label_at(row: u32) -> i32 {\n  return stored_label_at(rows[row]);\n}`,
        },
        constants: {},
      }
    : undefined;

/** The text that writes a row's gradient once its loss is known. */
const finishRow = `fn finish_row(row: u32, first: u32, end: u32, slot: u32, log_total: f32, label: i32, counts: bool) {
  let base = row * sizes.classes;
  let d_row = select(0.0, sizes.row_slope, counts);
  var total_weight = f32(sizes.classes);
  if (sizes.smoothing > 0.0) {
    total_weight = 0.0;
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let c = first + turn * shares();
      if (c >= end) { break; }
      total_weight += class_weight(c);
    }
    total_weight = sum_of(total_weight, slot);
  }
  let sharp = (1.0 - sizes.smoothing) * class_weight(u32(max(label, 0)));
  let even = sizes.smoothing / f32(sizes.classes);
  var others = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    let p = exponential(logits[base + c] - log_total);
    others += select(p, 0.0, i32(c) == label);
    d_logits[base + c] = d_row * cross_entropy_slope(p, p, sharp, even, total_weight, class_weight(c));
  }
  others = sum_of(others, slot);
  if (counts && u32(label) < end && u32(label) % shares() == first) {
    let p = exponential(logits[base + u32(label)] - log_total);
    let slope = cross_entropy_slope(p, -others, sharp, even, total_weight, class_weight(u32(label)));
    d_logits[base + u32(label)] = d_row * slope;
  }
}`;

/** Forward and backward in one launch. */
function bothOp(node: Node<Attrs>, backward: Node<Attrs>): Op<null> {
  const dLoss = slopeOf(node, backward)!;
  const slopes = Float64Array.from({ length: node.inputs[1].spec.shape[0] }, () => dLoss);
  const backwardInputs = ([logits, labels, ...weights]: readonly Numbers[], logSum: Numbers): Numbers[] => [
    logits,
    labels,
    logSum,
    slopes,
    ...weights,
  ];
  return {
    name: 'crossEntropy+crossEntropyGrad',
    fromSamples: (_, input, samples) => (input === 1 ? labelsFromSamples(samples) : undefined),
    infer: () => [...node.outputs, ...backward.outputs].map(({ spec }) => spec),
    cpu(inputs, outputs) {
      crossEntropyOp.cpu(inputs, outputs.slice(0, 4), node);
      gradOp.cpu(backwardInputs(inputs, outputs[1]), outputs.slice(4), backward);
    },
    gpu(_, adapter) {
      const { kernel, bindings } = kernelOf(node, forwardKernel, 2);
      const whole: Kernel = {
        ...kernel,
        name: 'crossEntropy+crossEntropyGrad',
        functions: { ...kernel.functions, finish_row: finishRow },
        includes: [...(kernel.includes ?? []), slopeText],
        writes: { d_logits: 'f32' },
      };
      return [overRows(node, whole, [...bindings, output(4)], adapter, dLoss)];
    },
    flops: () => workOf(node).flops + workOf(backward).flops,
    accuracy: () => ({
      ulps: 1,
      magnitude(inputs, expected) {
        const forward = boundsOf(node, inputs, expected.slice(0, 4));
        const [own] = boundsOf(backward, backwardInputs(inputs, expected[1]), expected.slice(4));
        // The launch reads its own log Σ exp, off by as much as it may be.
        const terms = slopeTerms(backward, backwardInputs(inputs, expected[1]));
        const last = own.map((bound, at) => bound + terms[at] * forward[1][Math.floor(at / classesOf(node))]);
        return [...forward, last].map((bounds) => bounds.map((bound) => bound / UNIT));
      },
    }),
  };
}

/** Per row: loss, log Σ exp, the weight that the loss was given, and whether the largest logit is the label's. */
const crossEntropyOp: Op<Attrs, 'f32'> = {
  name: 'crossEntropy',
  infer([logits, labels, weights]) {
    requireDtype('crossEntropy', 'logits', logits, 'f32');
    requireDtype('crossEntropy', 'labels', labels, ...integerDtypes);
    if (logits.shape.length !== 2 || !sameShape(labels.shape, [logits.shape[0]])) {
      throw new ShapeError(
        `[crossEntropy] logits are ${formatSpec(logits)} but labels are ${formatSpec(labels)}: they must be f32[N, C] and integers [N]`,
      );
    }
    if (weights && !sameShape(weights.shape, [logits.shape[1]])) {
      throw new ShapeError(
        `[crossEntropy] there are ${sizeOf(weights.shape)} class weights for ${logits.shape[1]} classes: give one for each, as logits are ${formatSpec(logits)}`,
      );
    }
    const row: Spec<'f32'> = { shape: labels.shape, dtype: 'f32' };
    return [row, row, row, row];
  },
  cpu([logits, labels, weights], [loss, logSum, weight, correct], node) {
    const C = classesOf(node);
    const { labelSmoothing: s, ignoreIndex } = node.attrs;
    for (let n = 0; n < labels.length; n++) {
      const row = n * C;
      let largest = logits[row];
      let best = 0;
      for (let c = 1; c < C; c++) {
        if (logits[row + c] > largest) best = c;
        largest = Math.max(largest, logits[row + c]);
      }
      // The largest class' 1 stays out: beside it, what the others have would be rounded away.
      let rest = 0;
      for (let c = 0; c < C; c++) if (c !== best) rest += Math.exp(logits[row + c] - largest);
      const logRest = Math.log1p(rest);
      let smooth = 0;
      for (let c = 0; c < C; c++) smooth += (weights?.[c] ?? 1) * (largest - logits[row + c] + logRest);
      const label = labels[n];
      const counts = label !== ignoreIndex && label >= 0 && label < C;
      const w = counts ? (weights?.[label] ?? 1) : 0;
      logSum[n] = largest + logRest;
      loss[n] = counts ? (1 - s) * w * (largest - logits[row + label] + logRest) + (s === 0 ? 0 : (s / C) * smooth) : 0;
      weight[n] = w;
      correct[n] = counts && best === label ? 1 : 0;
    }
  },
  gpu(node, adapter) {
    const { kernel, bindings } = kernelOf(node, forwardKernel, 2);
    return [overRows(node, kernel, bindings, adapter)];
  },
  wasm(node) {
    const weights = node.attrs.weighted ? 2 : 'nothing';
    return overRowsInWasm(node, 'crossEntropy', [0, 1, weights, output(0), output(1), output(2), output(3)]);
  },
  flops,
  // The distance to the largest is rounded before its exponential is taken, which is 0 beyond 104.
  accuracy: (node) => ({
    ulps: 128 + 4 * classesOf(node),
    magnitude: ([logits], [loss, logSum, weight]) => [
      loss,
      logSum.map((_, n) => largestIn(logits, n, classesOf(node))),
      weight,
      new Float64Array(weight.length),
    ],
    absolute: 1e-37,
  }),
  vjp([dLoss], node) {
    const [logits, labels, weights] = node.inputs;
    if (!dLoss) return [null, null, null];
    const reads = [logits, labels, node.outputs[1], dLoss, ...(weights ? [weights] : [])];
    return [applyOne(gradOp, reads, node.attrs), null, null];
  },
  fromSamples: (_, input, samples) => (input === 1 ? labelsFromSamples(samples) : undefined),
  absorbs: (node, reader) => (slopeOf(node, reader) !== undefined ? bothOp(node, reader as Node<Attrs>) : undefined),
  ranges: (node) => [
    null,
    {
      low: 0,
      high: classesOf(node) - 1,
      meaning: `labels under ${classesOf(node)} logits`,
      ...(node.attrs.ignoreIndex !== null && { except: node.attrs.ignoreIndex }),
    },
  ],
};

export interface CrossEntropyRowsOptions {
  /** Mixes the label with the uniform distribution, 0 … 1. */
  readonly labelSmoothing?: number;
  /** A factor per class; the mean is then taken over the weights. */
  readonly classWeights?: readonly number[];
  /** Rows with this label count nothing. */
  readonly ignoreIndex?: number;
}

/**
 * The mean cross-entropy of integer labels under logits, in nats; for each row whether the largest logit is the label's,
 * and, where labels are ignored, whether the row counts. Leading axes of the logits beyond the last two are rows.
 */
export function crossEntropyRows(
  logits: Value,
  labels: Value,
  options?: CrossEntropyRowsOptions,
): {
  readonly loss: Value<'f32'>;
  readonly correct: Value<'f32'>;
  readonly counted?: Value<'f32'>;
} {
  const usual = { labelSmoothing: 0, classWeights: undefined, ignoreIndex: undefined };
  const { labelSmoothing, classWeights, ignoreIndex } = optionsOf('crossEntropy', options, usual);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new DataError(`[crossEntropy] labelSmoothing is ${labelSmoothing} but must lie in 0 … 1`);
  }
  const { shape } = specOf('crossEntropy', 'logits', logits);
  specOf('crossEntropy', 'labels', labels);
  const deep = shape.length > 2;
  const x = deep ? reshape(logits, [-1, shape.at(-1)!]) : logits;
  const given = uncast(labels);
  const y = deep && given.spec.shape.length === shape.length - 1 ? reshape(given, [-1]) : given;
  const weights = classWeights
    ? [constant(Float32Array.from(classWeights), { shape: [classWeights.length], dtype: 'f32' })]
    : [];
  const attrs: Attrs = {
    labelSmoothing,
    ignoreIndex: ignoreIndex ?? null,
    weighted: classWeights !== undefined,
  };
  const [rows, , weight, correct] = apply(crossEntropyOp, [x, y, ...weights], attrs);
  const plain = !classWeights && ignoreIndex === undefined;
  const loss = plain ? mean(rows) : div(sum(rows), sum(weight));
  if (ignoreIndex === undefined) return { loss, correct };
  // Without class weights a row that counts has the weight 1.
  return { loss, correct, counted: classWeights ? cast(notEqual(cast(y, 'i32'), ignoreIndex), 'f32') : weight };
}
