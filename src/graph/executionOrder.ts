import { requireKind } from '../core/argumentChecks.ts';
import {
  inputsOf,
  isValue,
  nodeOf,
  rootsOf,
  storageKey,
  type Graph,
  type Node,
  type State,
  type Value,
} from './graph.ts';
import { inOrder, reached } from './order.ts';

/**
 * The nodes that the graph needs, in an order that can be executed: inputs first, and every reader of a storage
 * before the node that overwrites it in place. Shallow inputs go first, so that a gradient is used as soon as it is known,
 * and the two that need it, of a layer's weights and of what it read, stand side by side: neither waits for the other.
 */
export function orderOf(graph: Graph): Node[] {
  const { outputs, writes } = Object(graph) as Graph;
  const arePairs = Array.isArray(writes) && writes.every((write) => Array.isArray(write) && isValue(write[1]));
  const is = arePairs && Object.values(Object(outputs) as object).every(isValue);
  requireKind(
    'graph',
    'the graph',
    graph,
    is,
    'values by name and the states to write: { outputs: { y }, writes: [] }',
  );
  return inOrder(byDepth(rootsOf(graph).map(nodeOf)), precedentsIn(graph), overwritten);
}

const byDepth = (nodes: Node[]): Node[] => nodes.sort((a, b) => a.depth - b.depth);

const overwritten = ({ op }: Node): string =>
  `[graph] ${op.name} overwrites a value in place that a later node still reads`;

/** What comes before a node of a graph: what makes its inputs, and who reads a storage that it overwrites. */
export function precedentsIn(graph: Graph): (node: Node) => Node[] {
  const readers = new Map<State | Value, Node[]>();
  for (const node of reached(rootsOf(graph).map(nodeOf), inputsOf)) {
    if (node.op.view) continue;
    for (const storage of new Set(node.inputs.map(storageKey))) {
      const list = readers.get(storage);
      if (list) list.push(node);
      else readers.set(storage, [node]);
    }
  }
  return (node) => {
    const others = (node.op.inPlace ?? []).flatMap((at) =>
      at === null ? [] : (readers.get(storageKey(node.inputs[at])) ?? []).filter((reader) => reader !== node),
    );
    return [...byDepth(inputsOf(node)), ...byDepth(others)];
  };
}
