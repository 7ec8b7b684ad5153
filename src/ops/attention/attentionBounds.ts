import type { Accuracy, Node } from '../../graph/graph.ts';
import { BACKWARD_INPUTS, FORWARD_INPUTS, optionalOf, type Attrs, type GradAttrs } from './attentionNode.ts';
import { dot, placeOf, rowsOf, sizeOfDot } from './attentionReference.ts';

/*
 * How far f32 may lead attention astray. A score is a sum of D products, and strays by as many units of their sizes; what is
 * an absolute error there is a relative one of the weight, since it is an exponential. Sums over keys, or over queries, add a
 * unit for each term.
 */

/** Units that a term of few operations more may cost: a scale, an exponential, a logarithm, a quotient. */
const FEW = 64;
/** What a weight below f32's normal numbers may lack. */
const ABSOLUTE = 1e-35;

/** Of y and of lse. */
export const forwardAccuracy = ({ attrs }: Node<Attrs>): Accuracy => ({
  ulps: 1,
  absolute: ABSOLUTE,
  magnitude(inputs, expected) {
    const { extents, from, scale } = attrs;
    const { T, S, H, keyHeads, D } = extents;
    const [q, k, v] = inputs;
    const [y, lse] = expected.map(({ length }) => new Float64Array(length));
    for (const { n, h, t, at, sees, kept } of rowsOf(attrs, optionalOf(inputs, attrs, FORWARD_INPUTS))) {
      const head = Math.floor((h * keyHeads) / H);
      const own = placeOf(from.q, n * T + t, h, D);
      const place = ((n * T + t) * H + h) * D;
      let largest = 0;
      for (let j = 0; j < S; j++) {
        if (!sees[j]) continue;
        const other = placeOf(from.k, n * S + j, head, D);
        largest = Math.max(largest, Math.abs(scale) * sizeOfDot(q, own, k, other, D));
        const weight = kept[j] * Math.exp(scale * dot(q, own, k, other, D) - expected[1][at]);
        const ofV = placeOf(from.v, n * S + j, head, D);
        for (let d = 0; d < D; d++) y[place + d] += weight * Math.abs(v[ofV + d]);
      }
      lse[at] = (D + 16) * largest + S + FEW + 4 * Math.abs(expected[1][at]);
      for (let d = 0; d < D; d++) y[place + d] *= 2 * ((D + 16) * largest + S + FEW);
    }
    // No key, no error.
    return [y, lse.map((bound, at) => (expected[1][at] === -Infinity ? 0 : bound))];
  },
});

/** Of the slopes, and of each row's Σ y · dY. */
export const backwardAccuracy = ({ attrs }: Node<GradAttrs>): Accuracy => ({
  ulps: 1,
  absolute: ABSOLUTE,
  magnitude(inputs, expected) {
    const { extents, from, to, scale } = attrs;
    const { T, S, H, keyHeads, D } = extents;
    const [q, k, v, y, lse, dY] = inputs;
    const [slopes, rows] = expected.map(({ length }) => new Float64Array(length));
    const [ofKeys, ofQueries] = [S + FEW, (T * H) / keyHeads + FEW];
    for (const { n, h, t, at, sees, kept } of rowsOf(attrs, optionalOf(inputs, attrs, BACKWARD_INPUTS))) {
      const head = Math.floor((h * keyHeads) / H);
      const step = n * T + t;
      const place = (step * H + h) * D;
      const delta = expected[1][2 * at + 1];
      const ofDelta = (D + 8) * sizeOfDot(y, place, dY, place, D);
      rows[2 * at + 1] = ofDelta;
      if (lse[at] === -Infinity) continue;
      const [ofQ, dQ] = [placeOf(from.q, step, h, D), placeOf(to.q, step, h, D)];
      for (let j = 0; j < S; j++) {
        if (!sees[j]) continue;
        const key = n * S + j;
        const [ofK, dK] = [placeOf(from.k, key, head, D), placeOf(to.k, key, head, D)];
        const [ofV, dV] = [placeOf(from.v, key, head, D), placeOf(to.v, key, head, D)];
        const weight = Math.exp(scale * dot(q, ofQ, k, ofK, D) - lse[at]);
        const strays = (D + 16) * Math.abs(scale) * sizeOfDot(q, ofQ, k, ofK, D) + 4 * Math.abs(lse[at]) + FEW;
        const size = kept[j] * sizeOfDot(dY, place, v, ofV, D);
        const slope = kept[j] * dot(dY, place, v, ofV, D) - delta;
        const error = (D + 8) * size + ofDelta + 2 * strays * (Math.abs(slope) + Math.abs(delta));
        const whole = Math.abs(scale) * weight;
        for (let d = 0; d < D; d++) {
          slopes[dQ + d] += whole * (error + ofKeys * Math.abs(slope)) * Math.abs(k[ofK + d]);
          slopes[dK + d] += whole * (error + ofQueries * Math.abs(slope)) * Math.abs(q[ofQ + d]);
          slopes[dV + d] += weight * kept[j] * (2 * strays + ofQueries) * Math.abs(dY[place + d]);
        }
      }
    }
    return [slopes, rows];
  },
});
