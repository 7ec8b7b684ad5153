import type { AdapterTraits } from '../core/launch.ts';
import type { Graph } from '../graph/graph.ts';
import { rebuilt } from './rebuilt.ts';

/** The same graph with several nodes in place of one, where an op says that this serves the adapter better. */
export const expand = (graph: Graph, adapter: AdapterTraits): Graph =>
  rebuilt(graph, (node) => ({
    inputs: node.inputs,
    make(inputs) {
      const values = node.op.expand?.({ ...node, inputs }, adapter);
      return values && new Map(node.outputs.map((value, at) => [value, values[at]]));
    },
  }));
