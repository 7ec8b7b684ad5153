import type { AdapterTraits } from '../core/launch.ts';
import type { Graph } from '../graph/graph.ts';
import { rebuilt } from './rebuildGraph.ts';
import { simplify } from './simplify.ts';

/**
 * The same graph with several nodes in place of one, where an op says that this serves the adapter better. What two of
 * them have in common, as the order of the same indices, is done once, and what follows from constants ahead.
 */
export function expand(graph: Graph, adapter: AdapterTraits): Graph {
  const expanded = rebuilt(graph, (node) => ({
    inputs: node.inputs,
    make(inputs) {
      const values = node.op.expand?.({ ...node, inputs }, adapter);
      return values && new Map(node.outputs.map((value, at) => [value, values[at]]));
    },
  }));
  return simplify(expanded);
}
