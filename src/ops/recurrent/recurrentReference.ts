import { largestOf, UNIT } from '../../graph/accuracy.ts';
import type { Accuracy, Node } from '../../graph/graph.ts';
import type { Numbers } from '../../core/shape.ts';
import { cells } from './cells.ts';
import {
  extentsOf,
  gradExtentsOf,
  gradPlacesOf,
  placesOf,
  type Attrs,
  type Extents,
  type GradAttrs,
} from './recurrentNode.ts';

/* The loop over time and its way back in plain loops, and how far f32 may lead them astray. */

/** A source of small errors, the same at every call: what arithmetic in f32 may do to each sum. */
type Noise = (size: number) => number;
const exact: Noise = () => 0;

/** Each sample's steps, in the order in which they are taken. */
export function forEachStep(
  { samples, steps }: Extents,
  reverse: boolean,
  lengths: Numbers | undefined,
  visit: (n: number, t: number, isFirst: boolean) => void,
): void {
  for (let n = 0; n < samples; n++) {
    const length = lengths ? Math.min(lengths[n], steps) : steps;
    for (let s = 0; s < length; s++) visit(n, reverse ? length - 1 - s : s, s === 0);
  }
}

export function runForward(
  inputs: readonly Numbers[],
  [y, tape, hidden, c]: readonly Numbers[],
  node: Node<Attrs>,
  noise: Noise = exact,
): void {
  const { attrs } = node;
  const cell = cells[attrs.cell];
  const { gates } = cell;
  const extents = extentsOf(node);
  const { samples, units } = extents;
  const places = placesOf(attrs);
  const given = (name: string): Numbers | undefined => inputs[places[name] ?? -1];
  const [x, weights] = inputs;
  const [bias, initial] = [given('bias'), given('initial')];
  for (const all of [y, tape]) all.fill(0);
  for (const [plane, all] of [hidden, c].entries()) {
    if (all) for (let i = 0; i < all.length; i++) all[i] = initial ? initial[plane * samples * units + i] : 0;
  }
  const carried = [0, 0];
  const now: number[] = [];
  const [fromX, fromH] = [new Float64Array(gates), new Float64Array(gates)];
  const before = new Float64Array(units);
  forEachStep(extents, attrs.reverse, given('lengths'), (n, t) => {
    before.set(hidden.subarray(n * units, (n + 1) * units));
    for (let u = 0; u < units; u++) {
      const place = (n * extents.steps + t) * units + u;
      for (let gate = 0; gate < gates; gate++) {
        let total = bias ? bias[u * gates + gate] : 0;
        let size = Math.abs(total);
        for (let k = 0; k < units; k++) {
          const term = before[k] * weights[(k * units + u) * gates + gate];
          total += term;
          size += Math.abs(term);
        }
        fromX[gate] = x[place * gates + gate];
        fromH[gate] = total + noise(size + Math.abs(fromX[gate]));
      }
      carried[0] = before[u];
      if (c) carried[1] = c[n * units + u];
      cell.forward({ fromX, fromH, carried, tape: now });
      for (let which = 0; which < cell.tape; which++) tape[place * cell.tape + which] = now[which];
      y[place] = hidden[n * units + u] = carried[0];
      if (c) c[n * units + u] = carried[1];
    }
  });
}

/**
 * What is smaller on its way back is 0: through many steps an error vanishes, and numbers below f32's normal ones cost a CPU,
 * which may play the GPU, a hundred times as much as others.
 */
export const LEAST = 1e-30;
const notVanished = (x: number): number => (Math.abs(x) < LEAST ? 0 : x);

export function runBackward(
  inputs: readonly Numbers[],
  outputs: readonly Numbers[],
  node: Node<GradAttrs>,
  noise: Noise = exact,
): void {
  const { attrs } = node;
  const cell = cells[attrs.cell];
  const { gates } = cell;
  const extents = gradExtentsOf(node);
  const { samples, steps, units } = extents;
  const [weights, tape] = inputs;
  const places = gradPlacesOf(attrs);
  const given = (name: string): Numbers | undefined => inputs[places[name] ?? -1];
  const [lengths, dY, dHidden, dC] = ['lengths', 'y', 'hidden', 'c'].map(given);
  const dX = outputs[0];
  const dH = cell.apart ? outputs[1] : undefined;
  const dInitial = outputs.at(-1)!;
  for (const all of outputs) all.fill(0);
  const [own, ofH]: [number[], number[]] = [[], []];
  const carried = [0, 0];
  const slopes = new Float64Array(units * gates);
  for (let n = 0; n < samples; n++) {
    for (let u = 0; u < units; u++) {
      dInitial[n * units + u] = dHidden ? dHidden[n * units + u] : 0;
      if (cell.carried > 1) dInitial[(samples + n) * units + u] = dC ? dC[n * units + u] : 0;
    }
    const length = lengths ? Math.min(lengths[n], steps) : steps;
    slopes.fill(0);
    for (let s = length - 1; s >= -1; s--) {
      const t = attrs.reverse ? length - 1 - s : s;
      const before = slopes.slice();
      for (let k = 0; k < units; k++) {
        let total = dInitial[n * units + k];
        let size = Math.abs(total);
        for (let u = 0; u < units; u++) {
          const row = (attrs.transposed ? u * units + k : k * units + u) * gates;
          for (let gate = 0; gate < gates; gate++) {
            const term = before[u * gates + gate] * weights[row + gate];
            total += term;
            size += Math.abs(term);
          }
        }
        dInitial[n * units + k] = total + noise(size);
        if (s < 0) continue;
        const place = (n * steps + t) * units + k;
        carried[0] = notVanished(dInitial[n * units + k] + (dY ? dY[place] : 0));
        if (cell.carried > 1) carried[1] = dInitial[(samples + n) * units + k];
        cell.backward({ tape: tapeOf(tape, place * cell.tape, cell.tape), carried, dX: own, dH: ofH });
        dInitial[n * units + k] = carried[0];
        if (cell.carried > 1) dInitial[(samples + n) * units + k] = notVanished(carried[1]);
        for (let gate = 0; gate < gates; gate++) {
          dX[place * gates + gate] = own[gate];
          if (dH) dH[place * gates + gate] = ofH[gate];
          slopes[k * gates + gate] = ofH[gate];
        }
      }
    }
  }
}

const tapeOf = (tape: Numbers, first: number, count: number) => tape.subarray(first, first + count) as Float64Array;

/** Errors that runs with small errors in all of their sums have shown, times this, are not to be exceeded. */
const MARGIN = 16;

/**
 * How far f32 may lead a loop astray: what it does depends on its weights, from step to step less or more. So the reference
 * runs again with errors of f32's size in every sum, and tells how far that leads.
 */
export function loopAccuracy<A extends Attrs>(
  run: (inputs: readonly Numbers[], outputs: readonly Numbers[], node: Node<A>, noise?: Noise) => void,
  node: Node<A>,
  terms: number,
): Accuracy {
  return {
    ulps: 1,
    magnitude(inputs, expected) {
      const strayed = expected.map(({ length }) => new Float64Array(length));
      for (const seed of [1, 2]) {
        let state = seed;
        const noise: Noise = (size) => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
          return size * UNIT * Math.sqrt(terms) * (state < 0 ? -1 : 1);
        };
        const outputs = expected.map(({ length }) => new Float64Array(length));
        run(inputs, outputs, node, noise);
        outputs.forEach((numbers, at) => {
          for (let i = 0; i < numbers.length; i++) {
            const distance = Math.abs(numbers[i] - expected[at][i]);
            if (distance > strayed[at][i]) strayed[at][i] = distance;
          }
        });
      }
      // Of all distances the largest, since one may be small by chance; and what the gates' functions may add.
      return strayed.map((distances, at) => {
        const bound = (MARGIN * largestOf(distances)) / UNIT + 16 * largestOf(expected[at]);
        return distances.map((_, i) => bound + 64 * Math.abs(expected[at][i]));
      });
    },
    absolute: 2 * LEAST,
  };
}
