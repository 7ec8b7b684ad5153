import type { Numbers } from '../core/shape.ts';
import { boundsOf, runReference } from '../graph/accuracy.ts';
import type { Node } from '../graph/graph.ts';

/** Where a kernel strays from its reference. */
export interface Deviation {
  readonly output: number;
  readonly index: number;
  readonly expected: number;
  readonly actual: number;
  /** The error that would have been allowed there. */
  readonly bound: number;
}

/**
 * Holds what a kernel computed against an f64 run of the op's reference on the kernel's own inputs:
 * |error| ≤ ulps · 2⁻²⁴ · magnitude + absolute, integers equal but for ties, NaN where the reference has NaN, infinities alike.
 * @returns the first deviation, or null
 */
export function judge(node: Node, inputs: readonly Numbers[], actual: readonly Numbers[]): Deviation | null {
  const doubles = inputs.map((numbers) => (numbers instanceof Float32Array ? Float64Array.from(numbers) : numbers));
  const expected = runReference(node, doubles);
  const bounds = boundsOf(node, doubles, expected);
  for (let output = 0; output < actual.length; output++) {
    for (let index = 0; index < actual[output].length; index++) {
      const bound = bounds[output][index];
      const right = expected[output][index];
      const given = actual[output][index];
      if (!agree(right, given, bound)) return { output, index, expected: right, actual: given, bound };
    }
  }
  return null;
}

const LARGEST_F32 = 3.4028234663852886e38;

function agree(expected: number, actual: number, bound: number): boolean {
  if (Number.isNaN(expected) || Number.isNaN(actual)) return Number.isNaN(expected) && Number.isNaN(actual);
  if (expected === actual || Math.fround(expected) === actual) return true;
  if (Math.abs(expected) === Infinity) return false;
  // What f64 still holds may have left f32's range.
  if (Math.abs(actual) === Infinity) return expected * Math.sign(actual) > LARGEST_F32 * (1 - 1e-6);
  return Math.abs(expected - actual) <= bound;
}
