import type { Numbers } from '../../core/shape.ts';
import { UNIT } from '../../graph/accuracy.ts';
import type { Node } from '../../graph/graph.ts';
import { logDistribution, sampleOf } from './ctcOnCpu.ts';
import { extentsOf, type Attrs } from './ctcLaunch.ts';

/* How far the kernels of a connectionist temporal classification may stray from their definition. */

type Attributed = Node<Attrs>;

/** Roundings of a frame, all of numbers near 1: three exponentials' sum, its logarithm, and what is added to it. */
const FRAME_ULPS = 16;
/** An exponential is 0 beyond 104, and its argument is rounded before. */
const EXPONENTIAL_ULPS = 160;
/** Three products and two sums. */
const BACK_ULPS = 4;
/** Beyond what a quotient no longer says anything. */
const MOST_DRIFT = 0.05;
/** Whole numbers are exact up to here. */
const EXACT = 2 ** 24;
const LEAST = 1e-37;

/** The sum of a sample's largest logits by size. */
function sizeOfLogits(node: Attributed, inputs: readonly Numbers[], n: number): number {
  const { T, C } = extentsOf(node);
  const { frames } = sampleOf(node, inputs, n);
  let total = 0;
  for (let t = 0; t < frames; t++) {
    const sizes = Array.from(inputs[0].subarray((n * T + t) * C, (n * T + t + 1) * C), Math.abs);
    total += Math.max(1, ...sizes.filter((size) => size < Infinity));
  }
  return total;
}

/** The error of the logarithms of a sample's paths: so many roundings a frame, as long as whole numbers are exact. */
function drift(node: Attributed, inputs: readonly Numbers[], n: number): number {
  const { frames } = sampleOf(node, inputs, n);
  const size = sizeOfLogits(node, inputs, n);
  const inexact = size > EXACT ? (frames + 1) * size : 0;
  return UNIT * ((frames + 1) * FRAME_ULPS + inexact);
}

const driftsOf = (node: Attributed, inputs: readonly Numbers[]): Float64Array =>
  new Float64Array(extentsOf(node).N).map((_, n) => drift(node, inputs, n));

/** Of numbers that lie in 0 … 1, given the error of their logarithms and that of a last exponential. */
const quotientBound = (own: number, strayed: number): number =>
  strayed > MOST_DRIFT ? 1 : own * (Math.expm1(2 * strayed) + EXPONENTIAL_ULPS * UNIT) + LEAST;

/** Of the losses and the shares. */
export function forwardBounds(
  node: Attributed,
  inputs: readonly Numbers[],
  [loss, shares]: readonly Numbers[],
): [Float64Array, Float64Array] {
  const { T, C, E } = extentsOf(node);
  const drifts = driftsOf(node, inputs);
  const ofLoss = Float64Array.from(loss, (own, n) => {
    const { frames, count } = sampleOf(node, inputs, n);
    const sum = drifts[n] + UNIT * (frames + 1) * (C + 2 * FRAME_ULPS);
    return sum / (node.attrs.perLabel ? Math.max(count, 1) : 1) + 4 * UNIT * (Number.isFinite(own) ? own : 0);
  });
  const perSample = (T + 1) * E * 3;
  return [ofLoss, Float64Array.from(shares, (own, at) => quotientBound(own, drifts[Math.floor(at / perSample)]))];
}

/** Of dLogits and the posteriors, given the shares that they are made of. */
export function backwardBounds(
  node: Attributed,
  inputs: readonly Numbers[],
  [, posteriors]: readonly Numbers[],
): [Float64Array, Float64Array] {
  const { T, E } = extentsOf(node);
  const ofPosteriors = Float64Array.from(posteriors, (own, at) => {
    const t = Math.floor(at / E) % T;
    // Drivers that flush subnormal numbers lose a little of each state behind.
    return own * UNIT * (16 + BACK_ULPS * (T - t)) + LEAST * (1 + (T - t) * E);
  });
  return [slopeBounds(node, inputs, ofPosteriors, posteriors), ofPosteriors];
}

/** The same where the shares are the kernel's own, and off themselves. */
export function bothBounds(
  node: Attributed,
  inputs: readonly Numbers[],
  outputs: readonly Numbers[],
): [Float64Array, Float64Array] {
  const { T, E } = extentsOf(node);
  const drifts = driftsOf(node, inputs);
  const [, posteriors] = outputs;
  const [, given] = backwardBounds(node, inputs, outputs);
  const ofPosteriors = given.map((bound, at) => {
    const strayed = drifts[Math.floor(at / (T * E))];
    return bound + quotientBound(posteriors[at], 3 * strayed);
  });
  return [slopeBounds(node, inputs, ofPosteriors, posteriors), ofPosteriors];
}

/** Of dLogits, given the error of the posteriors. */
function slopeBounds(
  node: Attributed,
  inputs: readonly Numbers[],
  ofPosteriors: Numbers,
  posteriors: Numbers,
): Float64Array {
  const [logits, , , , , dLoss] = inputs;
  const { N, T, C, E } = extentsOf(node);
  const bounds = new Float64Array(logits.length);
  for (let n = 0; n < N; n++) {
    const { frames, count, states } = sampleOf(node, inputs, n);
    const slope = Math.abs(dLoss[n]) / (node.attrs.perLabel ? Math.max(count, 1) : 1);
    for (let t = 0; t < frames; t++) {
      const row = (n * T + t) * C;
      const logP = logDistribution(logits.subarray(row, row + C));
      if (!logP) continue;
      const own = logP.map((x) => Math.exp(x) * UNIT * (EXPONENTIAL_ULPS + 4 * C));
      states.forEach((c, s) => {
        const at = (n * T + t) * E + s;
        own[c] += ofPosteriors[at] + UNIT * (count + 4) * posteriors[at];
      });
      const likely = logP.findIndex((x) => x > -Math.LN2);
      if (likely >= 0) own[likely] = own.reduce((rest, bound, c) => rest + (c === likely ? 0 : bound), 0);
      own.forEach((bound, c) => (bounds[row + c] = slope * bound + LEAST));
    }
  }
  return bounds;
}
