import type { AdapterTraits } from '../core/launch.ts';
import { orderOf, precedentsIn, type Graph, type Node, type Op } from '../graph/graph.ts';
import { reached } from '../graph/order.ts';
import { sharedOp } from '../ops/besides.ts';
import { rebuilt, replacedBy } from './rebuilt.ts';

/** Two nodes that share a launch. */
interface Pair {
  readonly host: Node;
  readonly rider: Node;
  readonly op: Op<null>;
}

/** Buffers that a node binds: an output in an input's place is bound once. */
const bindingsOf = ({ op, inputs, outputs }: Node): number =>
  inputs.length + outputs.filter((_, at) => (op.inPlace?.[at] ?? null) === null).length;

/** The same graph with little work riding on launches that it need not wait for, nor they for it. */
export function withRiders(graph: Graph, adapter: AdapterTraits): Graph {
  const pairOf = pairsIn(graph, adapter);
  if (pairOf.size === 0) return graph;
  return rebuilt(graph, (node) => {
    const pair = pairOf.get(node);
    if (!pair) return undefined;
    const { host, rider, op } = pair;
    return replacedBy(op, [...host.inputs, ...rider.inputs], [...host.outputs, ...rider.outputs]);
  });
}

function pairsIn(graph: Graph, adapter: AdapterTraits): ReadonlyMap<Node, Pair> {
  const order = orderOf(graph);
  const pairOf = new Map<Node, Pair>();
  const hosts = order.filter(({ op }) => op.hosts);
  const before = precedentsIn(graph);
  const after = new Map<Node, Node[]>(order.map((node) => [node, []]));
  for (const node of order) for (const earlier of before(node)) after.get(earlier)!.push(node);
  // Who shares a launch is where its other node is.
  const through =
    (next: (node: Node) => readonly Node[]) =>
    (node: Node): Node[] => {
      const pair = pairOf.get(node);
      return pair ? [...next(pair.host), ...next(pair.rider), pair.host, pair.rider] : [...next(node)];
    };

  const hostFor = (rider: Node): Node | undefined => {
    const earlier = reached([rider], through(before));
    const later = reached(
      [rider],
      through((node) => after.get(node)!),
    );
    const pieces = rider.op.rides!(rider);
    const most = adapter.maxStorageBuffersPerShaderStage - bindingsOf(rider);
    const free = hosts.filter(
      (node) =>
        !pairOf.has(node) &&
        !earlier.has(node) &&
        !later.has(node) &&
        bindingsOf(node) <= most &&
        node.op.hosts!(node, adapter) >= pieces,
    );
    // The first of those that bind least.
    return free.reduce<Node | undefined>(
      (best, node) => (best && bindingsOf(best) <= bindingsOf(node) ? best : node),
      undefined,
    );
  };

  // The last ones have the fewest hosts.
  for (const rider of order.filter(({ op }) => op.rides).toReversed()) {
    const host = hostFor(rider);
    if (!host) continue;
    const pair = { host, rider, op: sharedOp(host, rider) };
    pairOf.set(host, pair).set(rider, pair);
  }
  return pairOf;
}
