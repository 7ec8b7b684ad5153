import { byteLength, sizeOf } from '../core/shape.ts';
import type { Node, Value } from './graph.ts';

/** What a node asks of a machine, however its kernels go about it. */
export interface Work {
  /** Floating-point operations: each addition, comparison, or function such as exp counts as one. */
  readonly flops: number;
  /** What must at least be read and written: each number once, whether or not a cache keeps it. */
  readonly bytes: number;
}

/** Bytes of some values, each counted once. */
export const bytesOf = (values: readonly Value[]): number =>
  [...new Set(values)].reduce((total, { spec }) => total + byteLength(spec), 0);

/** Elements of some values together. */
export const elementsOf = (values: readonly Value[]): number =>
  values.reduce((total, { spec }) => total + sizeOf(spec.shape), 0);

/** What an op says of a node, or else an operation for each element of its outputs, and all that it binds. */
export function workOf(node: Node): Work {
  const { op, inputs, outputs } = node;
  return {
    flops: op.flops?.(node) ?? elementsOf(outputs),
    // What is updated in place is an input and an output: it is read and written.
    bytes: op.bytes?.(node) ?? bytesOf(inputs) + bytesOf(outputs),
  };
}
