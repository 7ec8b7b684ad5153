import type { Random } from '../core/random.ts';
import { allocate, type Numbers, type Spec } from '../core/shape.ts';
import { specsOf, type Graph, type Value } from '../graph/graph.ts';
import { constant, input } from '../graph/leaf.ts';
import { add, mul } from '../ops/pointwise/arithmetic.ts';
import { sum } from '../ops/reductions/sum.ts';
import { differentiate } from '../transform/differentiate.ts';

/** Numbers by the field's name. */
export type Batch = Record<string, Numbers>;

/** A number for a place. */
export type Make = (random: Random, index: number) => number;

/** What an input is called in the graph. */
export const fieldName = (at: number): string => `x${at}`;

/** Normal, or the integers 0 … 4 where the dtype is one. */
export const ordinary = ({ dtype }: Spec): Make =>
  dtype === 'f32' ? (random) => random.normal() : (random) => Math.floor(random.uniform(0, 5));

/** Numbers of a spec. */
export function fill(given: Spec, random: Random, make: Make): Numbers {
  const numbers = allocate(given);
  for (let i = 0; i < numbers.length; i++) numbers[i] = make(random, i);
  return numbers;
}

/** Uses an op, or several. */
export type Build = (inputs: readonly Value[]) => Value | readonly Value[];

/** An op's outputs `y0`, …, their sum under random weights, `loss`, and its gradients `d0`, …. */
export interface OpGraph {
  readonly graph: Graph;
  /** Inputs whose gradients there are. */
  readonly withRespectTo: readonly number[];
}

/**
 * A graph of the op's outputs, and of their gradients under random weights.
 * @param withRespectTo by number, the inputs of which there are to be gradients: all of f32, or none
 * @throws ShapeError for what gives no values
 */
export function opGraph(
  build: Build,
  specs: readonly Spec[],
  random: Random,
  withRespectTo: readonly number[] = specs.flatMap(({ dtype }, at) => (dtype === 'f32' ? [at] : [])),
): OpGraph {
  const inputs = specs.map((given, at) => input(fieldName(at), given));
  const outputs = [build(inputs)].flat();
  specsOf('checkOp', 'what the op gives', outputs);
  const named: Record<string, Value> = Object.fromEntries(outputs.map((value, at) => [`y${at}`, value]));
  const floats = outputs.filter(({ spec: { dtype } }) => dtype === 'f32');
  if (withRespectTo.length === 0 || floats.length === 0) {
    return { graph: { outputs: named, writes: [] }, withRespectTo: [] };
  }
  const weights = floats.map(({ spec }) => constant(fill(spec, random, ordinary(spec)), spec));
  const terms = floats.map((value, at) => sum(mul(value, weights[at])));
  const loss = terms.reduce((total, term) => add(total, term));
  const wrt = withRespectTo.map((at) => inputs[at]);
  differentiate(loss, wrt).forEach((gradient, at) => gradient && (named[`d${withRespectTo[at]}`] = gradient));
  return { graph: { outputs: { ...named, loss }, writes: [] }, withRespectTo };
}
