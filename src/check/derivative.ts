import { DataError } from '../core/errors.ts';
import { Random } from '../core/random.ts';
import type { Numbers } from '../core/shape.ts';
import { interpret } from '../cpu/interpret.ts';
import { fieldName, type Batch, type OpGraph } from './opGraph.ts';

/** Four-point differences are good to STEP⁴ / 30 times the fifth derivative. */
const STEP = 5e-4;
/** What lies near a kink of the function or of its slope, as |x| near 0, is looked at again from so near. */
const NEAR_STEP = 2e-6;
/** Relative to the gradient's norm. */
const TOLERANCE = 1e-6;
/** Elements of an input that are moved; of no more than so many, each. */
const PROBES = 24;

/**
 * Holds gradients in f64 against central differences of the loss.
 * @returns how many elements were moved   @throws DataError naming the first whose slope is another
 */
export function requireDerivative({ graph, withRespectTo }: OpGraph, batch: Batch, seed: number): number {
  const doubles: Batch = Object.fromEntries(
    Object.entries(batch).map(([name, numbers]) => [
      name,
      numbers instanceof Float32Array ? Float64Array.from(numbers) : numbers,
    ]),
  );
  const run = (outputs: OpGraph['graph']['outputs']) =>
    interpret({ outputs, writes: [] }, { batch: doubles, precision: 'f64' }).outputs;
  const gradients = run(graph.outputs);
  const lossNow = (): number => run({ loss: graph.outputs['loss'] })['loss'][0];
  let moved = 0;
  for (const at of withRespectTo) {
    const field = fieldName(at);
    const numbers = doubles[field];
    const given = gradients[`d${at}`] ?? new Float64Array(numbers.length);
    const norm = Math.sqrt(Array.from(given).reduce((total, x) => total + x * x, 0));
    const probes = probesOf(numbers.length, new Random(seed, `probe ${at}`));
    moved += probes.length;
    for (const i of probes) {
      const strays = (slope: number): boolean => !(Math.abs(slope - given[i]) <= TOLERANCE * Math.max(norm, 1));
      const slope = slopeAt(numbers, i, STEP, lossNow);
      if (!strays(slope) || !strays(slopeAt(numbers, i, NEAR_STEP, lossNow))) continue;
      throw new DataError(
        `[checkOp] d loss / d ${field}[${i}] is ${given[i]}, but the difference quotient is ${slope}, where the gradient's norm is ${norm} and the seed ${seed}: mend vjp, or say differentiable: false`,
      );
    }
  }
  return moved;
}

const probesOf = (length: number, random: Random): number[] =>
  Array.from({ length: Math.min(length, PROBES) }, (_, at) =>
    length <= PROBES ? at : Math.floor(random.uniform(0, length)),
  );

/** The four-point difference quotient in one number, which is put back. */
function slopeAt(numbers: Numbers, i: number, step: number, lossNow: () => number): number {
  const x = numbers[i];
  const lossNear = (distance: number): number => {
    numbers[i] = x + distance;
    return lossNow();
  };
  const near = lossNear(step) - lossNear(-step);
  const far = lossNear(2 * step) - lossNear(-2 * step);
  numbers[i] = x;
  return (8 * near - far) / (12 * step);
}
