import { output } from '../../core/launch.ts';
import { eight } from '../../core/strided.ts';
import { sizeOf } from '../../core/shape.ts';
import { applyOne, type Node, type Op, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { bytesOf } from '../../graph/work.ts';
import { PART } from './control.ts';
import { rowOf } from './record.ts';
import recordNumbersKernel from '../../../shaders/training/recordNumbers.wgsl?raw';

interface Attrs {
  /** The first of the ring's columns that the first part of a step writes. */
  readonly column: number;
  /** Columns of one part. */
  readonly width: number;
}

const lengthsOf = (node: Node<Attrs>): number[] => node.inputs.slice(2).map(({ spec }) => sizeOf(spec.shape));

const recordNumbersOp: Op<Attrs> = {
  name: 'recordNumbers',
  effect: true,
  inPlace: [1],
  infer: ([, ring]) => [ring],
  cpu([control, ring, ...values], [nextRing], node) {
    const { column, width } = node.attrs;
    nextRing.set(ring);
    let at = rowOf(node, control) + column + control[PART] * width;
    for (const numbers of values) {
      nextRing.set(numbers, at);
      at += numbers.length;
    }
  },
  gpu(node) {
    const [rows, columns] = node.inputs[1].spec.shape as [number, number];
    const { column, width } = node.attrs;
    const values = node.inputs.slice(2);
    const cases = values.map((_, j) => `    case ${j}u: {\n      return value${j}[i];\n    }`);
    return [
      {
        kernel: {
          name: 'recordNumbers',
          source: recordNumbersKernel,
          constants: { VALUES: `${values.length}u` },
          functions: {
            number: `fn number(j: u32, i: u32) -> f32 {\n  switch j {\n${cases.join('\n')}\n    default: {\n      return 0.0;\n    }\n  }\n}`,
          },
          reads: Object.fromEntries(values.map((_, j) => [`value${j}`, 'f32'])),
        },
        bindings: [0, output(0), ...values.map((_, j) => 2 + j)],
        uniform: [rows, columns, column, width, ...eight(lengthsOf(node))],
        grid: [1, 1, 1],
      },
    ];
  },
  flops: () => 0,
  bytes: (node) => 2 * bytesOf(node.inputs.slice(2)),
};

/** As many values as fit beside control and ring under WebGPU's default of eight storage buffers a stage. */
const VALUES_PER_LAUNCH = 6;

/**
 * Writes the numbers of some values into the ring's row of this step, each as it is; every part of a step has columns of
 * its own.
 * @param control u32[6]   @param ring f32[rows, columns]   @param values f32, of any shapes, one behind the other
 * @returns the ring
 */
export function recordNumbers(control: State, ring: Value, values: readonly Value[], { column, width }: Attrs): Value {
  let left = ring;
  let at = column;
  for (let first = 0; first < values.length; first += VALUES_PER_LAUNCH) {
    const some = values.slice(first, first + VALUES_PER_LAUNCH);
    left = applyOne(recordNumbersOp, [read(control), left, ...some], { column: at, width });
    at += some.reduce((total, { spec }) => total + sizeOf(spec.shape), 0);
  }
  return left;
}
