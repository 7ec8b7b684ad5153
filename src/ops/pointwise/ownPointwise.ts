// The door to pointwise ops of a user's own: what the house defines itself need not carry these questions along.

import { requireKind } from '../../core/argumentChecks.ts';
import type { Dtype } from '../../core/shape.ts';
import { definePointwise as define, type PointwiseDefinition, type PointwiseOp } from './pointwise.ts';

/** @throws DataError for what is no definition */
function requireDefinition({ name, arity, wgsl, f }: Partial<PointwiseDefinition>): void {
  const of = 'definePointwise';
  requireKind(of, 'name', name, typeof name === 'string', 'a text');
  requireKind(of, 'arity', arity, [1, 2, 3].includes(arity!), '1, 2 or 3');
  const isWgsl = ['call', 'expression'].some((key) => key in Object(wgsl));
  requireKind(of, 'wgsl', wgsl, isWgsl, 'a function, { call, sources }, or { expression }');
  requireKind(of, 'f', f, typeof f === 'function', 'a function of numbers');
}

/**
 * An op that computes each element of its output from those at the same place in up to three inputs, which are broadcast: a
 * function in JavaScript, which is the definition, the same in WGSL, and a derivative.
 * @returns what `pointwise` uses; it gives f32 unless `dtype` says otherwise   @throws DataError for what is no definition
 */
export function definePointwise<D extends Dtype = 'f32'>(definition: PointwiseDefinition<D>): PointwiseOp<D> {
  requireDefinition(Object(definition) as Partial<PointwiseDefinition>);
  return define(definition);
}
