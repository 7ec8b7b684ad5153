import type { Value } from '../../graph/graph.ts';
import { transpose } from '../../ops/shaping/transpose.ts';

/*
 * Images have their channels last here. Of a model that has them first, a layer turns what it is given, and turns back what
 * it gives; where two of these meet, neither is done.
 */

/** What a value was before its channels were brought to the front; undefined of another one. */
function turnedFrom({ node, spec: { shape } }: Value): Value | undefined {
  if (node.op.name !== 'transpose' || shape.length < 3) return undefined;
  const { order } = node.attrs as { readonly order: readonly number[] };
  return order.every((axis, at) => axis === firstOf(shape.length)[at]) ? node.inputs[0] : undefined;
}

const firstOf = (rank: number): number[] => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, at) => at + 1)];
const lastOf = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, at) => at + 2), 1];

/** `[N, C, …]` as `[N, …, C]`. */
export const channelsLast = (x: Value): Value => turnedFrom(x) ?? transpose(x, lastOf(x.spec.shape.length));

/** `[N, …, C]` as `[N, C, …]`. */
export const channelsFirst = (x: Value): Value => transpose(x, firstOf(x.spec.shape.length));

/** A function of each element, done before the channels are turned. */
export function alongLayout(x: Value, f: (x: Value) => Value): Value {
  const before = turnedFrom(x);
  return before ? channelsFirst(f(before)) : f(x);
}

/** A function of values with their channels last, of such as a config says. */
export const inLayout = (isFirst: boolean, f: (x: Value) => Value): ((x: Value) => Value) =>
  isFirst ? (x) => channelsFirst(f(channelsLast(x))) : f;
