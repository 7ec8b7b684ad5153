import { ShapeError } from '../core/errors.ts';
import { formatSpec, sizeOf } from '../core/shape.ts';
import { inputsOf, specOf, specsOf, type Node, type Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { inOrder } from '../graph/order.ts';
import { add } from '../ops/pointwise/arithmetic.ts';

/**
 * Reverse mode: d loss / d value for each of `values`, as new nodes of the same graph; null where no gradient reaches.
 * Contributions to one value are added in the order in which its readers were reached, from the last to the first.
 * @throws ShapeError if the loss is not a single number; DataError for what is no list of values
 */
export function differentiate(loss: Value, values: readonly Value[]): (Value | null)[] {
  const given = specOf('differentiate', 'the loss', loss);
  specsOf('differentiate', 'value', values);
  if (given.dtype !== 'f32' || sizeOf(given.shape) !== 1) {
    throw new ShapeError(`[differentiate] the loss is ${formatSpec(given)} but must be one f32: average it`);
  }
  const between = dependents(loss.node, new Set(values));
  // By value, what its readers contribute.
  const terms = new Map<Value, Value[]>([[loss, [constant(Float32Array.of(1), given)]]]);
  const gradientOf = (value: Value): Value | null => {
    const own = terms.get(value);
    if (!own) return null;
    const gradient = joined(own).reduce((before, term) => add(before, term));
    terms.set(value, [gradient]);
    return gradient;
  };
  for (const node of [...between].reverse()) {
    const { op, inputs, outputs } = node;
    // A leaf of the differentiation: what lies below it does not matter.
    if (!inputs.some((input) => between.has(input.node))) continue;
    const dOutputs = outputs.map(gradientOf);
    if (dOutputs.every((gradient) => gradient === null)) continue;
    if (!op.vjp) throw new Error(`[differentiate] ${op.name} has no derivative, but a gradient flows into it`);
    op.vjp(dOutputs, node).forEach((gradient, at) => {
      const input = inputs[at];
      if (!gradient || !between.has(input.node)) return;
      const own = terms.get(input);
      if (own) own.push(gradient);
      else terms.set(input, [gradient]);
    });
  }
  return values.map(gradientOf);
}

/** The same sum in fewer terms, where an op knows how of those of its own that follow each other. */
function joined(terms: readonly Value[]): readonly Value[] {
  const runs: Value[][] = [];
  for (const term of terms) {
    const run = runs.at(-1);
    if (run?.[0].node.op === term.node.op) run.push(term);
    else runs.push([term]);
  }
  return runs.flatMap((run) => run[0].node.op.inFewerTerms?.(run) ?? run);
}

/** The nodes up to one that depend on a target, each behind all that it reads. */
function dependents(last: Node, targets: ReadonlySet<Value>): Set<Node> {
  const dependent = new Set<Node>();
  for (const node of inOrder([last], inputsOf)) {
    const isOne = node.outputs.some((value) => targets.has(value));
    if (isOne || node.inputs.some((input) => dependent.has(input.node))) dependent.add(node);
  }
  return dependent;
}
