import { apply, rootsOf, type Graph, type Node, type Op, type Value } from '../graph/graph.ts';
import { inOrder } from '../graph/order.ts';

/** What takes the place of a node. */
export interface Renewal {
  /** Values of the old graph that it is made of. */
  readonly inputs: readonly Value[];
  /** By old value, what takes its place, made of the inputs as they are in the new graph; undefined: the node stays. */
  make(inputs: readonly Value[]): ReadonlyMap<Value, Value> | undefined;
}

/** One op in place of the nodes whose values it makes. */
export const replacedBy = (op: Op<null>, inputs: readonly Value[], makes: readonly Value[]): Renewal => ({
  inputs,
  make(renewed) {
    const values = apply(op, renewed, null);
    return new Map(makes.map((value, at) => [value, values[at]]));
  },
});

/** A graph anew, with some nodes' values replaced by others. @param renew undefined for a node that stays; asked once of each */
export function rebuilt(graph: Graph, renew: (node: Node) => Renewal | undefined): Graph {
  const replaced = new Map<Value, Value>();
  const valueOf = (value: Value): Value => replaced.get(value)!;
  const renewals = new Map<Node, Renewal | undefined>();
  const before = (node: Node): Node[] => {
    const renewal = renew(node);
    renewals.set(node, renewal);
    return (renewal ?? node).inputs.map((input) => input.node);
  };
  for (const node of inOrder(
    rootsOf(graph).map((root) => root.node),
    before,
  )) {
    // One renewal may stand for several nodes.
    if (node.outputs.some((value) => replaced.has(value))) continue;
    const renewal = renewals.get(node);
    const renewed = renewal?.make(renewal.inputs.map(valueOf)) ?? kept(node, node.inputs.map(valueOf));
    for (const [old, value] of renewed) replaced.set(old, value);
  }
  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, valueOf(value)])),
    writes: graph.writes.map(([state, value]) => [state, valueOf(value)] as const),
  };
}

/** The node itself where its inputs stayed. */
function kept(node: Node, inputs: readonly Value[]): ReadonlyMap<Value, Value> {
  const isSame = inputs.every((input, at) => input === node.inputs[at]);
  const outputs = isSame ? node.outputs : apply(node.op, inputs, node.attrs);
  return new Map(node.outputs.map((value, at) => [value, outputs[at]]));
}
