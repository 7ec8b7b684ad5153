import { output } from '../../core/launch.ts';
import type { Numbers } from '../../core/shape.ts';
import type { Node, Op } from '../../graph/graph.ts';
import { asUseOf, constantOp } from '../../graph/leaf.ts';
import { classesOf, flops, kernelOf, overRows, overRowsInWasm, type Attrs } from './crossEntropyLaunch.ts';
import slopeText from '../../../shaders/functions/crossEntropySlope.wgsl?raw';
import backwardKernel from '../../../shaders/losses/crossEntropyGrad.wgsl?raw';

// Legend: N rows, C classes; w a class' weight, s the label smoothing.

export const gradOp: Op<Attrs> = {
  name: 'crossEntropyGrad',
  infer: ([logits]) => [logits],
  cpu([logits, labels, logSum, dLoss, weights], [dLogits], node) {
    const C = classesOf(node);
    const { labelSmoothing: s, ignoreIndex } = node.attrs;
    const total = weights ? sumOf(weights) : C;
    for (let n = 0; n < labels.length; n++) {
      const label = labels[n];
      const counts = label !== ignoreIndex && label >= 0 && label < C;
      const w = counts && weights ? weights[label] : 1;
      // 1 − p of the label's class would cancel: it is what the others have.
      let others = 0;
      for (let c = 0; c < C; c++) if (c !== label) others += Math.exp(logits[n * C + c] - logSum[n]);
      for (let c = 0; c < C; c++) {
        const p = Math.exp(logits[n * C + c] - logSum[n]);
        const sharp = (1 - s) * w * (c === label ? -others : p);
        const smooth = (s / C) * (p * total - (weights?.[c] ?? 1));
        dLogits[n * C + c] = counts ? dLoss[n] * (sharp + smooth) : 0;
      }
    }
  },
  gpu(node, adapter) {
    const { kernel, bindings } = kernelOf(node, backwardKernel, 4);
    const functions = { ...kernel.functions, cross_entropy_slope: '' };
    const whole = { ...kernel, functions, includes: [...(kernel.includes ?? []), slopeText] };
    return [overRows(node, whole, bindings, adapter)];
  },
  wasm(node) {
    const weights = node.attrs.weighted ? 4 : 'nothing';
    return overRowsInWasm(node, 'crossEntropyGrad', [0, 1, weights, 2, 3, output(0)]);
  },
  flops,
  // log Σ exp comes rounded, and moves p by as much as it is large.
  accuracy: (node) => ({
    ulps: 64 + 2 * classesOf(node),
    magnitude(inputs) {
      const C = classesOf(node);
      const largest = Array.from({ length: inputs[0].length / C }, (_, row) => largestIn(inputs[0], row, C));
      return [slopeTerms(node, inputs).map((size, at) => size * largest[Math.floor(at / C)])];
    },
    absolute: 1e-37,
  }),
};

/** The largest finite |logit| of a row, or 1. */
export function largestIn(logits: Numbers, row: number, C: number): number {
  let largest = 1;
  for (let at = row * C; at < (row + 1) * C; at++) {
    const size = Math.abs(logits[at]);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}

/** The sizes of the terms that a gradient of the logits is made of. */
export function slopeTerms(
  node: Node<Attrs>,
  [logits, labels, logSum, dLoss, weights]: readonly Numbers[],
): Float64Array {
  const C = classesOf(node);
  const s = node.attrs.labelSmoothing;
  const total = weights ? sumOf(weights) : C;
  const p = Float64Array.from(logits, (x, at) => Math.exp(x - logSum[Math.floor(at / C)]));
  const others = new Float64Array(labels.length);
  for (const [at, own] of p.entries()) if (at % C !== labels[Math.floor(at / C)]) others[Math.floor(at / C)] += own;
  return p.map((own, at) => {
    const n = Math.floor(at / C);
    const sharp = (1 - s) * (weights?.[labels[n]] ?? 1) * (at % C === labels[n] ? others[n] : own);
    return Math.abs(dLoss[n]) * (sharp + (s / C) * (own * total + (weights?.[at % C] ?? 1)));
  });
}

const sumOf = (numbers: Numbers): number => {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
};

/** What every row's loss counts in the whole, if a node is the gradient of a cross-entropy of which all count alike. */
export function slopeOf(node: Node, reader: Node): number | undefined {
  const [logits, labels, logSum, dLoss, ...weights] = reader.inputs;
  const slopes = dLoss && asUseOf(constantOp, dLoss.node)?.numbers;
  const isGradient =
    reader.op === (gradOp as Op) &&
    [logits, labels, ...weights].every((value, at) => value === node.inputs[at]) &&
    logSum === node.outputs[1];
  return isGradient && slopes?.every((slope) => slope === slopes[0]) ? slopes[0] : undefined;
}
