import type { Numbers } from '../../core/shape.ts';
import { judge, type Deviation } from '../../cpu/judge.ts';
import { formatNode, namesOf } from '../../graph/formatGraph.ts';
import type { Node } from '../../graph/graph.ts';
import type { Observation } from '../../scheduler/backend.ts';

/** The first launch of a step that strays from its reference. */
export interface Fault extends Deviation {
  readonly op: string;
  /** The node as a line of the printed graph. */
  readonly line: string;
  /** What went wrong, in a sentence. */
  readonly message: string;
}

/** What came of a step that was held against its references. */
export interface Verification {
  readonly ok: boolean;
  /** Nodes that were held against their references. */
  readonly checked: number;
  readonly fault: Fault | null;
  /** End to end, at a looser bound: kinks of ReLU and max amplify rounding. */
  readonly loss: { readonly actual: number; readonly reference: number };
  /** ‖g − reference‖ / ‖reference‖ over all gradients. */
  readonly gradientError: number;
}

/** Judges every node on its own inputs, and names the first that differs. */
export function findFault(order: readonly Node[], observations: readonly Observation[]): Fault | null {
  const names = namesOf(order);
  for (const { node, inputs, outputs, overwritten } of observations) {
    const line = formatNode(node, names);
    if (overwritten) {
      const message = `[verify] ${node.op.name}: ${names.get(overwritten)} was overwritten before it was read, in ${line}`;
      return { op: node.op.name, line, message, output: 0, index: 0, expected: NaN, actual: NaN, bound: 0 };
    }
    const deviation = judge(node, inputs, outputs);
    if (deviation) {
      const { output, index, expected, actual, bound } = deviation;
      const message = `[verify] ${node.op.name}: output ${output}[${index}] is ${actual}, but the reference is ${expected} and the bound ${bound}, in ${line}`;
      return { ...deviation, op: node.op.name, line, message };
    }
  }
  return null;
}

/** Far beyond what roundings at kinks add up to. */
const LARGEST_DRIFT = 1e-2;

/** A fault that no launch shows by itself: loss or gradients are far from an f64 run of the whole step. */
export function drifted({ actual, reference }: Verification['loss'], gradientError: number): Fault | null {
  const lossError = Math.abs(actual - reference) / Math.max(Math.abs(reference), 1e-3);
  if (lossError <= LARGEST_DRIFT && gradientError <= LARGEST_DRIFT) return null;
  const message = `[verify] the step as a whole: the loss is ${actual}, but the reference is ${reference}, and the gradients are off by ${gradientError} of their norm, though each launch is within its bound`;
  const bound = LARGEST_DRIFT;
  return { op: 'step', line: '', message, output: 0, index: 0, expected: reference, actual, bound };
}

/** ‖a − b‖ / ‖b‖ over the pages of a and b. */
export function relativeError(pages: readonly (readonly [a: Numbers, b: Numbers])[]): number {
  let difference = 0;
  let norm = 0;
  for (const [a, b] of pages) {
    for (let i = 0; i < b.length; i++) {
      difference += (a[i] - b[i]) ** 2;
      norm += b[i] ** 2;
    }
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), Number.MIN_VALUE);
}
