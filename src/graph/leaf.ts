import { requireKind } from '../core/argumentChecks.ts';
import { requireNumbers, requireSpec, type Dtype, type Numbers, type Spec } from '../core/shape.ts';
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

/** A field of the batch. @throws DataError for what is no name or no spec */
export function input<D extends Dtype>(label: string, spec: Spec<D>): Value<D> {
  requireKind('input', 'label', label, typeof label === 'string', "a field's name");
  requireSpec('input', spec);
  return applyOne(inputOp, [], { label, spec }) as Value<D>;
}

/** What a state holds when the step begins. @throws DataError for what is no state */
export function read(state: State): Value {
  requireKind('read', 'state', state, 'initial' in Object(state), 'a state: { name, spec, initial }');
  requireSpec('read', state.spec);
  return applyOne(stateOp, [], { label: state.name, state });
}

/** Numbers known while tracing; they are uploaded once, not per step. @throws DataError or ShapeError unless spec tells of them */
export function constant<D extends Dtype>(numbers: Numbers, spec: Spec<D>): Value<D> {
  requireNumbers('constant', numbers, spec);
  return applyOne(constantOp, [], { numbers, spec }) as Value<D>;
}

/** The attributes of a node if it is a use of that op. */
export const asUseOf = <A>(op: Op<A>, node: Node): A | undefined =>
  node.op === (op as Op) ? (node.attrs as A) : undefined;

/** The fields of the batch that nodes read, by name. */
export const fieldsIn = (order: readonly Node[]): ReadonlyMap<string, Value> =>
  new Map(
    order.flatMap((node) => {
      const field = asUseOf(inputOp, node);
      return field ? [[field.label, node.outputs[0]] as const] : [];
    }),
  );

export const isLeaf = ({ op }: Node): boolean =>
  op === (inputOp as Op) || op === (stateOp as Op) || op === (constantOp as Op);
