import { orderOf } from './executionOrder.ts';
import type { Graph, State } from './graph.ts';
import { asUseOf, stateOp } from './leaf.ts';

/** The states that a graph reads or writes. */
export function statesOf(graph: Graph): Set<State> {
  const order = orderOf(graph);
  const states = new Set(graph.writes.map(([state]) => state));
  for (const node of order) {
    const kept = asUseOf(stateOp, node);
    if (kept) states.add(kept.state);
  }
  return states;
}
