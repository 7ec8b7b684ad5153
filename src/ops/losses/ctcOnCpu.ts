import type { Numbers } from '../../core/shape.ts';
import type { Node } from '../../graph/graph.ts';
import { extentsOf, type Attrs } from './ctcLaunch.ts';

/* The definition of the connectionist temporal classification, in plain loops. Source: Graves et al. 2006. */

/** A sample as the recursion sees it. */
interface Sample {
  readonly frames: number;
  readonly count: number;
  /** The class of each state; labels stand between blanks. */
  readonly states: readonly number[];
  /** Whether lengths and labels are such as there can be. */
  readonly isSound: boolean;
}

const within = (length: number, most: number): boolean => length >= 0 && length <= most;

/** @param inputs logits, labels, lengths of inputs, lengths of labels */
export function sampleOf(
  node: Node<Attrs>,
  [, labels, inputLengths, labelLengths]: readonly Numbers[],
  n: number,
): Sample {
  const { T, C, S } = extentsOf(node);
  const { blank } = node.attrs;
  const frames = within(inputLengths[n], T) ? inputLengths[n] : T;
  const count = within(labelLengths[n], S) ? labelLengths[n] : 0;
  const own = Array.from(labels.subarray(n * S, n * S + count));
  const areLabels = own.every((label) => label >= 0 && label < C && label !== blank);
  return {
    frames,
    count,
    states: [blank, ...own.flatMap((label) => [label, blank])],
    isSound: areLabels && frames === inputLengths[n] && count === labelLengths[n],
  };
}

/** log p of a frame's classes, p = softmax of its logits; null if they make no distribution. */
export function logDistribution(logits: Numbers): Float64Array | null {
  let largest = -Infinity;
  let best = 0;
  for (let c = 0; c < logits.length; c++) {
    if (Number.isNaN(logits[c])) return null;
    if (logits[c] > largest) best = c;
    largest = Math.max(largest, logits[c]);
  }
  if (Math.abs(largest) === Infinity) return null;
  let others = 0;
  for (let c = 0; c < logits.length; c++) if (c !== best) others += Math.exp(logits[c] - largest);
  return Float64Array.from(logits, (x) => x - largest - Math.log1p(others));
}

/** log Σ eˣ, where minus infinity is nothing. */
function logSum(terms: readonly number[]): number {
  const largest = Math.max(...terms);
  if (largest === -Infinity) return largest;
  return largest + Math.log(terms.reduce((total, x) => total + Math.exp(x - largest), 0));
}

/** In front of the first frame all paths are in one place, in front of the first state. */
const atStart = (s: number): number => (s === -1 ? 0 : -Infinity);

/**
 * log of what all paths of a sample have together; nothing if its lengths and labels are none.
 * @param keep is told by which share the paths to a state came from the state so far back
 */
function logOfPaths(
  { frames, states, isSound }: Sample,
  logP: readonly Numbers[],
  keep: (t: number, s: number, back: number, share: number) => void,
): number {
  const last = states.length - 1;
  let total = -Infinity;
  let before = atStart;
  if (!isSound) return total;
  for (let t = 0; t <= frames; t++) {
    const reached = new Float64Array(states.length).fill(-Infinity);
    // Behind the last frame there is one place that a path ends in, from the last label or from the blank behind it.
    for (let s = t < frames ? 0 : last; s <= last; s++) {
      // Without a blank between them, two alike would be one.
      const skips = s % 2 === 1 && states[s] !== states[s - 2];
      const from = [before(s), before(s - 1), skips ? before(s - 2) : -Infinity];
      total = logSum(from);
      if (total > -Infinity) for (const [back, own] of from.entries()) keep(t, s, back, Math.exp(own - total));
      reached[s] = total + (t < frames ? logP[t][states[s]] : 0);
    }
    before = (s) => (s < 0 ? -Infinity : reached[s]);
  }
  return total;
}

/** By sample: −log of what all paths have together that spell its labels, and of each state, from where they came to it. */
export function forward(inputs: readonly Numbers[], [loss, shares]: readonly Numbers[], node: Node<Attrs>): void {
  const [logits] = inputs;
  const { N, T, C, E } = extentsOf(node);
  const { zeroInfinity, perLabel } = node.attrs;
  shares.fill(0);
  for (let n = 0; n < N; n++) {
    const sample = sampleOf(node, inputs, n);
    const rows = Array.from({ length: sample.frames }, (_, t) => {
      const row = (n * T + t) * C;
      return logDistribution(logits.subarray(row, row + C));
    });
    const logP = rows.flatMap((row) => (row ? [row] : []));
    const total =
      logP.length < rows.length
        ? NaN
        : logOfPaths(sample, logP, (t, s, back, share) => {
            shares[((n * (T + 1) + t) * E + s) * 3 + back] = share;
          });
    loss[n] = total === -Infinity && zeroInfinity ? 0 : -total / (perLabel ? Math.max(sample.count, 1) : 1);
  }
}

/** By frame: the part of all paths that is at each state, and what that makes of the logits' gradient. */
export function backward(
  inputs: readonly Numbers[],
  [dLogits, posteriors]: readonly Numbers[],
  node: Node<Attrs>,
): void {
  const [logits, , , , shares, dLoss] = inputs;
  const { N, T, C, E } = extentsOf(node);
  const { zeroInfinity, perLabel } = node.attrs;
  posteriors.fill(0);
  dLogits.fill(0);
  for (let n = 0; n < N; n++) {
    const { frames, count, states } = sampleOf(node, inputs, n);
    const last = states.length - 1;
    const share = (t: number, s: number, back: number): number =>
      s > last ? 0 : shares[((n * (T + 1) + t) * E + s) * 3 + back];
    const hasPath = share(frames, last, 0) + share(frames, last, 1) > 0;
    const slope = dLoss[n] / (perLabel ? Math.max(count, 1) : 1);
    const unknown = zeroInfinity ? 0 : NaN;
    let behind = Float64Array.from(states, (_, s) => (hasPath && s === last ? 1 : 0));
    for (let t = frames - 1; t >= 0; t--) {
      const part = behind.map(
        (own, s) =>
          share(t + 1, s, 0) * own +
          share(t + 1, s + 1, 1) * (behind[s + 1] ?? 0) +
          share(t + 1, s + 2, 2) * (behind[s + 2] ?? 0),
      );
      posteriors.set(part, (n * T + t) * E);
      const row = (n * T + t) * C;
      const logP = logDistribution(logits.subarray(row, row + C));
      const differences = logP?.map(Math.exp);
      if (differences) part.forEach((own, s) => (differences[states[s]] -= own));
      for (let c = 0; c < C; c++) dLogits[row + c] = !differences ? NaN : hasPath ? slope * differences[c] : unknown;
      // Where one class has more than all others together, its difference would cancel: it is what the others lack.
      const likely = logP ? logP.findIndex((own) => own > -Math.LN2) : -1;
      if (likely >= 0 && hasPath) {
        dLogits[row + likely] = -slope * differences!.reduce((rest, own, c) => rest + (c === likely ? 0 : own), 0);
      }
      behind = part;
    }
  }
}
