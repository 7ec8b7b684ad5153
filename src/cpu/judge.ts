import { allocate, type Numbers } from '../core/shape.ts';
import type { Accuracy, Node } from '../graph/graph.ts';

/** Half the distance of neighbouring f32 at 1. */
const UNIT = 2 ** -24;

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
 * |error| ≤ ulps · 2⁻²⁴ · magnitude + absolute, integers equal, NaN where the reference has NaN, infinities alike.
 * @returns the first deviation, or null
 */
export function judge(node: Node, inputs: readonly Numbers[], actual: readonly Numbers[]): Deviation | null {
  const doubles = inputs.map((numbers) => (numbers instanceof Float32Array ? Float64Array.from(numbers) : numbers));
  const expected = run(node, doubles);
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

function run(node: Node, inputs: readonly Numbers[]): Numbers[] {
  const outputs = node.outputs.map(({ spec }) => allocate(spec, 'f64'));
  node.op.cpu(inputs, outputs, node);
  return outputs;
}

/** The error that is allowed in each element. */
function boundsOf(node: Node, inputs: readonly Numbers[], expected: readonly Numbers[]): readonly Numbers[] {
  const accuracy = node.op.accuracy?.(node) ?? { ulps: 0, magnitude: 'result' };
  const { ulps, absolute = 0 } = accuracy;
  const factor = ulps * UNIT;
  return scalesOf(node, accuracy, inputs, expected).map((scale, output) => {
    const exact = node.outputs[output].spec.dtype !== 'f32';
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
      return run(node, inputs.map(absolutes));
    case 'largest': {
      const largest = Math.max(1, ...inputs.map(largestOf));
      return expected.map(({ length }) => new Float64Array(length).fill(largest));
    }
    case 'gradient': {
      const dY = inputs[inputs.length - 1];
      return expected.map((reference) => Float64Array.from(reference, (x, at) => Math.abs(x) + Math.abs(dY[at])));
    }
  }
}

const absolutes = (numbers: Numbers): Numbers => (numbers instanceof Float64Array ? numbers.map(Math.abs) : numbers);

function largestOf(numbers: Numbers): number {
  if (!(numbers instanceof Float64Array)) return 0;
  let largest = 0;
  for (const number of numbers)
    if (Math.abs(number) > largest && Math.abs(number) < Infinity) largest = Math.abs(number);
  return largest;
}
