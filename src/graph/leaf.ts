import type { Dtype, Numbers, Spec } from '../core/shape.ts';
import { applyOne, type Node, type Op, type State, type Value } from './graph.ts';

/*
 * Values that no kernel computes: they are there before the first launch. Whoever runs a graph puts their numbers
 * into place, so neither `cpu` nor `gpu` of a leaf is ever called.
 */
const leaf = <A>(name: string, specOf: (attrs: A) => Spec): Op<A> => ({
  name,
  infer: (_, attrs) => [specOf(attrs)],
  cpu: () => {},
  gpu: () => [],
});

export const inputOp: Op<{ readonly label: string; readonly spec: Spec }> = leaf('input', ({ spec }) => spec);
export const stateOp: Op<{ readonly label: string; readonly state: State }> = leaf('state', ({ state }) => state.spec);
export const constantOp: Op<{ readonly numbers: Numbers; readonly spec: Spec }> = leaf('constant', ({ spec }) => spec);

/** A field of the batch. */
export const input = <D extends Dtype>(label: string, spec: Spec<D>): Value<D> =>
  applyOne(inputOp, [], { label, spec }) as Value<D>;

/** What a state holds when the step begins. */
export const read = (state: State): Value => applyOne(stateOp, [], { label: state.name, state });

/** Numbers known while tracing; they are uploaded once, not per step. */
export const constant = <D extends Dtype>(numbers: Numbers, spec: Spec<D>): Value<D> =>
  applyOne(constantOp, [], { numbers, spec }) as Value<D>;

/** The attributes of a node if it is a use of that op. */
export const asUseOf = <A>(op: Op<A>, node: Node): A | undefined =>
  node.op === (op as Op) ? (node.attrs as A) : undefined;

export const isLeaf = ({ op }: Node): boolean =>
  op === (inputOp as Op) || op === (stateOp as Op) || op === (constantOp as Op);
