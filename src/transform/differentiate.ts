import { ShapeError } from '../core/errors.ts';
import { formatSpec, sizeOf } from '../core/shape.ts';
import type { Node, Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { add } from '../ops/arithmetic.ts';

/**
 * Reverse mode: d loss / d value for each of `values`, as new nodes of the same graph; null where no gradient reaches.
 * Contributions to one value are added in the order in which its readers were reached, from the last to the first.
 * @throws ShapeError if the loss is not a single number
 */
export function differentiate(loss: Value, values: readonly Value[]): (Value | null)[] {
  if (loss.spec.dtype !== 'f32' || sizeOf(loss.spec.shape) !== 1) {
    throw new ShapeError(`[differentiate] the loss is ${formatSpec(loss.spec)} but must be one f32: average it`);
  }
  const targets = new Set(values);
  const depends = dependenceOn(targets);
  const gradients = new Map<Value, Value>();
  gradients.set(loss, constant(Float32Array.of(1), loss.spec));

  const accumulate = (value: Value, gradient: Value): void => {
    const before = gradients.get(value);
    gradients.set(value, before ? add(before, gradient) : gradient);
  };
  for (const node of downwards(loss.node, depends)) {
    const { op, inputs, outputs } = node;
    const dOutputs = outputs.map((value) => gradients.get(value) ?? null);
    if (dOutputs.every((gradient) => gradient === null)) continue;
    // A leaf of the differentiation: what lies below it does not matter.
    if (!inputs.some((input) => depends(input.node))) continue;
    if (!op.vjp) throw new Error(`[differentiate] ${op.name} has no derivative, but a gradient flows into it`);
    op.vjp(dOutputs, node).forEach((gradient, at) => {
      const input = inputs[at];
      if (gradient && depends(input.node)) accumulate(input, gradient);
    });
  }
  return values.map((value) => gradients.get(value) ?? null);
}

/** Whether a node's outputs depend on a target, remembered per node. */
function dependenceOn(targets: ReadonlySet<Value>): (node: Node) => boolean {
  const known = new Map<Node, boolean>();
  const depends = (node: Node): boolean => {
    let answer = known.get(node);
    if (answer === undefined) {
      answer = node.outputs.some((value) => targets.has(value)) || node.inputs.some((input) => depends(input.node));
      known.set(node, answer);
    }
    return answer;
  };
  return depends;
}

/** The nodes between a loss and the targets, each after all nodes that read it. */
function downwards(from: Node, depends: (node: Node) => boolean): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node) || !depends(node)) return;
    seen.add(node);
    for (const input of node.inputs) visit(input.node);
    order.push(node);
  };
  visit(from);
  return order.reverse();
}
