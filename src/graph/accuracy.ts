import { allocate, type Numbers } from '../core/shape.ts';
import type { Accuracy, Node } from './graph.ts';

/** Half the distance of neighbouring f32 at 1. */
export const UNIT = 2 ** -24;

/** What a node's reference makes of its inputs, in f64. */
export function runReference(node: Node, inputs: readonly Numbers[]): Numbers[] {
  const outputs = node.outputs.map(({ spec }) => allocate(spec, 'f64'));
  node.op.cpu(inputs, outputs, node);
  return outputs;
}

/** The error that a kernel is allowed in each element: ulps · 2⁻²⁴ · magnitude + absolute; none in integers, unless a function says so. */
export function boundsOf(node: Node, inputs: readonly Numbers[], expected: readonly Numbers[]): readonly Numbers[] {
  const accuracy = node.op.accuracy?.(node) ?? { ulps: 0, magnitude: 'result' };
  const { ulps, absolute = 0 } = accuracy;
  const factor = ulps * UNIT;
  return scalesOf(node, accuracy, inputs, expected).map((scale, output) => {
    const exact = node.outputs[output].spec.dtype !== 'f32' && typeof accuracy.magnitude !== 'function';
    return Float64Array.from(scale, (size) => (exact ? 0 : factor * Math.abs(size) + absolute));
  });
}

/** What errors are relative to. */
function scalesOf(
  node: Node,
  { magnitude }: Accuracy,
  inputs: readonly Numbers[],
  expected: readonly Numbers[],
): readonly ArrayLike<number>[] {
  if (typeof magnitude === 'function') return magnitude(inputs, expected);
  switch (magnitude) {
    case 'result':
      return expected;
    case 'terms':
      return runReference(node, inputs.map(absolutes));
    case 'largest': {
      const largest = Math.max(1, ...inputs.map(largestOf));
      return expected.map(({ length }) => new Float64Array(length).fill(largest));
    }
  }
}

const absolutes = (numbers: Numbers): Numbers => (numbers instanceof Float64Array ? numbers.map(Math.abs) : numbers);

/** The largest finite size among numbers; 0 for integers. */
export function largestOf(numbers: Numbers): number {
  if (!(numbers instanceof Float64Array)) return 0;
  let largest = 0;
  for (const number of numbers)
    if (Math.abs(number) > largest && Math.abs(number) < Infinity) largest = Math.abs(number);
  return largest;
}
