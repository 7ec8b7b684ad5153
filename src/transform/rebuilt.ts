import { apply, type Graph, type Node, type Value } from '../graph/graph.ts';

/** A graph anew, with some nodes' values replaced by others. @param renew by old value, what takes the place of a node's */
export function rebuilt(
  graph: Graph,
  renew: (node: Node, valueOf: (value: Value) => Value) => ReadonlyMap<Value, Value> | undefined,
): Graph {
  const replaced = new Map<Value, Value>();
  const valueOf = (value: Value): Value => {
    const { node } = value;
    if (replaced.has(value)) return replaced.get(value)!;
    const renewed = renew(node, valueOf);
    if (renewed) for (const [before, after] of renewed) replaced.set(before, after);
    else {
      const inputs = node.inputs.map(valueOf);
      const isSame = inputs.every((input, at) => input === node.inputs[at]);
      const outputs = isSame ? node.outputs : apply(node.op, inputs, node.attrs);
      node.outputs.forEach((before, at) => replaced.set(before, outputs[at]));
    }
    return replaced.get(value)!;
  };
  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, valueOf(value)])),
    writes: graph.writes.map(([state, value]) => [state, valueOf(value)] as const),
  };
}
