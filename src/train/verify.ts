import type { Numbers } from '../core/shape.ts';
import { judge, type Deviation } from '../cpu/judge.ts';
import { formatNode, namesOf, type Node } from '../graph/graph.ts';
import type { Observation } from '../scheduler/backend.ts';

/** The first launch of a step that strays from its reference. */
export interface Fault extends Deviation {
  readonly op: string;
  /** The node as a line of the printed graph. */
  readonly line: string;
  /** What went wrong, in a sentence. */
  readonly message: string;
}

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

/** ‖a − b‖ / ‖b‖ */
export function relativeError(a: Numbers, b: Numbers): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), Number.MIN_VALUE);
}
