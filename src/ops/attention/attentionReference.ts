import { philox } from '../../core/random.ts';
import type { Numbers } from '../../core/shape.ts';
import type { Node } from '../../graph/graph.ts';
import { firstElement } from '../random/random.ts';
import { keyOf, STEP } from '../training/control.ts';
import {
  BACKWARD_INPUTS,
  FORWARD_INPUTS,
  optionalOf,
  type Attrs,
  type GradAttrs,
  type Optional,
  type Place,
} from './attentionNode.ts';

/* Attention and its way back in plain loops. */

/** The last word of a counter: these blocks are no other op's. */
export const DRAWS = 4;
/** Keys of a row that draw one block. */
const KEYS_OF_BLOCK = 4;

/** Of the 2²⁴ uniforms, those below are dropped: whole, so that CPU and GPU draw one line. */
export const thresholdOf = (rate: number): number => Math.ceil(rate * 2 ** 24);

/** A row of scores: a query of a head, and which keys it sees. */
export interface Row {
  readonly n: number;
  readonly h: number;
  readonly t: number;
  /** Its number among all rows. */
  readonly at: number;
  /** By key: whether it is seen. */
  readonly sees: Uint8Array;
  /** By key: what its weight is multiplied by, 0 if it is dropped. */
  readonly kept: Float64Array;
}

/** Where the numbers of a place's head begin. */
export const placeOf = ({ first, stride }: Place, step: number, head: number, D: number): number =>
  first + step * stride + head * D;

/** All rows, one after the other: the same object, filled anew. */
export function* rowsOf({ extents, left, right, mask, dropout }: Attrs, given: Optional<Numbers>): Generator<Row> {
  const { N, T, S, H } = extents;
  const row = { n: 0, h: 0, t: 0, at: 0, sees: new Uint8Array(S), kept: new Float64Array(S).fill(1) };
  for (let at = 0; at < N * H * T; at++) {
    const [n, h, t] = [Math.floor(at / (H * T)), Math.floor(at / T) % H, at % T];
    const end = Math.min(S, t + right + 1, given.lengths?.[n] ?? S);
    const masked = mask && n * mask[0] + h * mask[1] + t * mask[2];
    for (let j = 0; j < S; j++) {
      row.sees[j] = Number(j >= t - left && j < end && (masked === null || given.mask![masked + j] !== 0));
    }
    if (dropout) draw(row.kept, at, given.control!, dropout);
    yield Object.assign(row, { n, h, t, at });
  }
}

function draw(
  kept: Float64Array,
  at: number,
  control: Numbers,
  { rate, stream, partCount }: NonNullable<Attrs['dropout']>,
): void {
  const row = (firstElement(control, partCount) + at) >>> 0;
  const [threshold, whole] = [thresholdOf(rate), 1 / (1 - rate)];
  for (let j = 0; j < kept.length; j += KEYS_OF_BLOCK) {
    const words = philox([row, control[STEP], stream, DRAWS + ((j / KEYS_OF_BLOCK) << 8)], keyOf(control));
    for (let i = 0; i < KEYS_OF_BLOCK && j + i < kept.length; i++)
      kept[j + i] = words[i] >>> 8 >= threshold ? whole : 0;
  }
}

/** Σ x[a + d] · y[b + d] over the channels. */
export function dot(x: Numbers, a: number, y: Numbers, b: number, D: number): number {
  let total = 0;
  for (let d = 0; d < D; d++) total += x[a + d] * y[b + d];
  return total;
}

/** The same of their sizes. */
export function sizeOfDot(x: Numbers, a: number, y: Numbers, b: number, D: number): number {
  let total = 0;
  for (let d = 0; d < D; d++) total += Math.abs(x[a + d] * y[b + d]);
  return total;
}

/** By row: softmax of its scores over the keys that it sees, of their v the mean; and the logarithm of what softmax divides by. */
export function forward(inputs: readonly Numbers[], [y, lse]: readonly Numbers[], { attrs }: Node<Attrs>): void {
  const { extents, from, scale } = attrs;
  const { T, S, H, keyHeads, D } = extents;
  const [q, k, v] = inputs;
  const weights = new Float64Array(S);
  y.fill(0);
  for (const { n, h, t, at, sees, kept } of rowsOf(attrs, optionalOf(inputs, attrs, FORWARD_INPUTS))) {
    const head = Math.floor((h * keyHeads) / H);
    const own = placeOf(from.q, n * T + t, h, D);
    let largest = -Infinity;
    for (let j = 0; j < S; j++) {
      if (!sees[j]) continue;
      weights[j] = scale * dot(q, own, k, placeOf(from.k, n * S + j, head, D), D);
      largest = Math.max(largest, weights[j]);
    }
    lse[at] = -Infinity;
    // It sees no key, or none of them counts.
    if (largest === -Infinity) continue;
    let sum = 0;
    for (let j = 0; j < S; j++) {
      if (!sees[j]) continue;
      weights[j] = Math.exp(weights[j] - largest);
      sum += weights[j];
    }
    lse[at] = largest + Math.log(sum);
    const place = ((n * T + t) * H + h) * D;
    for (let j = 0; j < S; j++) {
      if (!sees[j]) continue;
      const weight = (weights[j] / sum) * kept[j];
      const other = placeOf(from.v, n * S + j, head, D);
      for (let d = 0; d < D; d++) y[place + d] += weight * v[other + d];
    }
  }
}

/** The slopes of q, k and v, each in its place; and by row, lse and Σ y · dY. */
export function backward(
  inputs: readonly Numbers[],
  [slopes, rows]: readonly Numbers[],
  { attrs }: Node<GradAttrs>,
): void {
  const { extents, from, to, scale } = attrs;
  const { T, S, H, keyHeads, D } = extents;
  const [q, k, v, y, lse, dY] = inputs;
  slopes.fill(0);
  for (const { n, h, t, at, sees, kept } of rowsOf(attrs, optionalOf(inputs, attrs, BACKWARD_INPUTS))) {
    const head = Math.floor((h * keyHeads) / H);
    const step = n * T + t;
    const place = (step * H + h) * D;
    const delta = dot(y, place, dY, place, D);
    [rows[2 * at], rows[2 * at + 1]] = [lse[at], delta];
    if (lse[at] === -Infinity) continue;
    const [ofQ, dQ] = [placeOf(from.q, step, h, D), placeOf(to.q, step, h, D)];
    for (let j = 0; j < S; j++) {
      if (!sees[j]) continue;
      const key = n * S + j;
      const [ofK, dK] = [placeOf(from.k, key, head, D), placeOf(to.k, key, head, D)];
      const [ofV, dV] = [placeOf(from.v, key, head, D), placeOf(to.v, key, head, D)];
      const weight = Math.exp(scale * dot(q, ofQ, k, ofK, D) - lse[at]);
      const slope = weight * (kept[j] * dot(dY, place, v, ofV, D) - delta) * scale;
      for (let d = 0; d < D; d++) {
        slopes[dQ + d] += slope * k[ofK + d];
        slopes[dK + d] += slope * q[ofQ + d];
        slopes[dV + d] += weight * kept[j] * dY[place + d];
      }
    }
  }
}
