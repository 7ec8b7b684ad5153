import type { Node, Op, Value } from '../../graph/graph.ts';

/** An op in place of several nodes: what it reads, and the values that it makes. */
export interface Joined {
  readonly op: Op<null>;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly makes: readonly Value[];
}

/** Who reads a value; null for the graph's own outputs. */
export type ReadersOf = (value: Value) => readonly (Node | null)[];
