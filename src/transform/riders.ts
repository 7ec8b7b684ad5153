import type { AdapterTraits } from '../core/launch.ts';
import { orderOf, precedentsIn } from '../graph/executionOrder.ts';
import type { Graph, Node, Op } from '../graph/graph.ts';
import { reached } from '../graph/order.ts';
import { sharedOp } from '../ops/launches/sharedLaunch.ts';
import { watchedIn } from '../ops/training/badStepLedger.ts';
import { recordIn } from '../ops/training/record.ts';
import { rebuilt, replacedBy } from './rebuildGraph.ts';

/** Two nodes that share a launch. */
interface Pair {
  readonly host: Node;
  readonly rider: Node;
  readonly op: Op<null>;
}

/** How many buffers a node binds: an output in an input's place is bound once. */
const buffersOf = ({ op, inputs, outputs }: Node): number =>
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
  const before = precedentsIn(graph);
  const pairOf = new Map<Node, Pair>();
  /** All that must come before a node; where one of two comes that share a launch, the other is. */
  const neededBy = (node: Node): Set<Node> =>
    reached([node], (at) => {
      const { host, rider } = pairOf.get(at) ?? { host: at, rider: at };
      return [host, rider, ...before(host), ...before(rider)];
    });
  const watched = watchedIn(order);
  /** A host that looks at what it stores binds the ledger, unless a record brings it along. */
  const ledgersOf = (host: Node, rider: Node): number =>
    host.outputs.some((value) => watched.has(value)) && !recordIn(rider) ? 1 : 0;
  const hosts = order.filter(({ op }) => op.hosts).sort((a, b) => buffersOf(a) - buffersOf(b));

  const hostFor = (rider: Node): Node | undefined => {
    const needed = neededBy(rider);
    const most = adapter.maxStorageBuffersPerShaderStage - buffersOf(rider);
    return hosts.find(
      (node) =>
        !pairOf.has(node) &&
        buffersOf(node) + ledgersOf(node, rider) <= most &&
        node.op.hosts!(node, adapter) >= rider.op.rides!(rider) &&
        !needed.has(node) &&
        !neededBy(node).has(rider),
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
