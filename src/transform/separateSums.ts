import { sameShape, sizeOf } from '../core/shape.ts';
import type { Node, Op, Value } from '../graph/graph.ts';
import { asUseOf, constantOp, isLeaf } from '../graph/leaf.ts';
import { matmulOp } from '../ops/products/matmul.ts';
import { mean, scaleOfSum } from '../ops/reductions/sum.ts';
import { differentiate } from './differentiate.ts';
import { rebuilt, type Renewal } from './rebuildGraph.ts';

/*
 * A figure of a batch, as a loss or a metric, is a function of sums over its samples: a weighted mean is the quotient of
 * two. So the figure of several batches together is the same function of what their sums come to. Which values are the
 * sums is seen from shapes: they are where a value whose shape grows with the batch becomes one that does not.
 */

/** One of the values that a figure is a function of. */
export interface Term {
  readonly value: Value;
  /**
   * What that of several batches together is: the sum of theirs, the largest, the smallest, or their mean, each weighted by
   * its samples, as of what is not seen to be any of these, too. `fixed`: it does not depend on the batch.
   */
  readonly kind: 'sum' | 'max' | 'min' | 'mean' | 'fixed';
}

/** A figure, and what it is made of. */
export interface Separated {
  readonly terms: readonly Term[];
  /** Whether the figure of several batches is the mean of theirs, each weighted by its samples. */
  readonly isMean: boolean;
  /** Whether the number of samples is written into it: the figure of others is finished as it is traced with theirs. */
  readonly counts: boolean;
  /** The figure that other terms make, given in the same order. */
  finish(terms: readonly Value[]): Value;
}

/** A figure that is taken for a mean over the samples. */
export const asMean = (figure: Value): Separated => ({
  terms: [{ value: figure, kind: 'mean' }],
  isMean: true,
  counts: false,
  finish: ([whole]) => whole,
});

/**
 * Finds the terms of a figure; one of several elements is their mean.
 * @param twin the same figure, traced with more samples
 */
export function separate(figure: Value, twin: Value): Separated {
  if (!sameShape(figure.spec.shape, twin.spec.shape)) return asMean(figure);
  const [one, other] = sizeOf(figure.spec.shape) === 1 ? [figure, twin] : [mean(figure), mean(twin)];
  const { kinds, counts } = kindsOf(one, other);
  const kind = kinds.get(one)!;
  if (kind === 'mean' || kind === 'fixed' || kind === 'constant') return asMean(figure);
  if (kind !== 'composed') return { ...asMean(one), terms: [{ value: one, kind }], isMean: false };
  const terms = termsOf(kinds);
  return {
    terms,
    isMean: !counts && isLinearInMeans(one, terms, kinds),
    counts,
    finish(given) {
      const renewed = new Map(terms.map(({ value }, at) => [value, given[at]]));
      const renew = ({ outputs }: Node): Renewal | undefined =>
        outputs.some((value) => renewed.has(value)) ? { inputs: [], make: () => renewed } : undefined;
      return rebuilt({ outputs: { one }, writes: [] }, renew).outputs['one'];
    },
  };
}

type Kind = Term['kind'] | 'constant' | 'composed';

/** By value, inputs first: what a figure and the values that it is composed of are. */
function kindsOf(figure: Value, twin: Value): { readonly kinds: Map<Value, Kind>; readonly counts: boolean } {
  const kinds = new Map<Value, Kind>();
  let counts = false;
  const pending: (readonly [Node, Node])[] = [[figure.node, twin.node]];
  while (pending.length > 0) {
    const [node, other] = pending.at(-1)!;
    const isEdge = hasGrowing(node, other);
    const open = node.inputs.flatMap((input, at) =>
      isEdge || kinds.has(input) ? [] : [[input.node, other.inputs[at].node] as const],
    );
    pending.push(...open);
    if (open.length > 0) continue;
    pending.pop();
    if (kinds.has(node.outputs[0])) continue;
    counts ||= isCount(node, other);
    const kind = isEdge ? edgeKind(node, other) : innerKind(node, kinds);
    for (const value of node.outputs) kinds.set(value, kind);
  }
  return { kinds, counts };
}

/** Whether two constants of twins hold other numbers: the samples were counted there. */
function isCount(node: Node, twin: Node): boolean {
  const [own, other] = [asUseOf(constantOp, node), asUseOf(constantOp, twin)];
  return own !== undefined && other !== undefined && own.numbers[0] !== other.numbers[0];
}

/** Whether samples were counted in what an edge adds up, as by a share of each: then its sum is a mean already. */
function countsWithin(node: Node, twin: Node): boolean {
  const seen = new Set<Node>();
  const pending: (readonly [Node, Node])[] = [[node, twin]];
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const [own, other] = pair;
    if (own.op !== other.op || seen.has(own)) continue;
    seen.add(own);
    if (isCount(own, other)) return true;
    pending.push(...own.inputs.map((input, at) => [input.node, other.inputs[at].node] as const));
  }
  return false;
}

/** Whether a node reads what grows with the batch, or is not what its twin is. */
const hasGrowing = ({ op, inputs }: Node, twin: Node): boolean =>
  op !== twin.op ||
  inputs.length !== twin.inputs.length ||
  inputs.some((input, at) => !sameShape(input.spec.shape, twin.inputs[at].spec.shape));

const termsRead = ({ inputs: [x], outputs: [y] }: Node): number => sizeOf(x.spec.shape) / sizeOf(y.spec.shape);

function edgeKind(node: Node, twin: Node): Kind {
  const { extreme } = node.op;
  if (extreme && extreme === twin.op.extreme) return extreme;
  return addsUp(node, twin) && !countsWithin(node, twin) ? 'sum' : 'mean';
}

/** Whether a node adds up over the samples: by a sum over axes, or by a product along the samples of both factors. */
function addsUp(node: Node, twin: Node): boolean {
  if (node.op !== twin.op) return false;
  const [scale, other] = [scaleOfSum(node), scaleOfSum(twin)];
  if (scale !== undefined) return scale === other && termsRead(node) !== termsRead(twin);
  const grows = (at: number): boolean => !sameShape(node.inputs[at].spec.shape, twin.inputs[at].spec.shape);
  return node.op === (matmulOp as Op) && node.inputs.length === 2 && grows(0) && grows(1);
}

function innerKind(node: Node, kinds: ReadonlyMap<Value, Kind>): Kind {
  if (isLeaf(node)) return node.op === (constantOp as unknown) ? 'constant' : 'fixed';
  const read = new Set(node.inputs.map((input) => kinds.get(input)!));
  if (node.inputs.length > 0 && [...read].every((kind) => kind === 'constant')) return 'constant';
  return [...read].every((kind) => kind === 'constant' || kind === 'fixed') ? 'fixed' : 'composed';
}

/** What the composed values read that is not composed itself. */
function termsOf(kinds: ReadonlyMap<Value, Kind>): Term[] {
  const terms = new Map<Value, Term>();
  for (const [composed, own] of kinds) {
    if (own !== 'composed') continue;
    for (const value of composed.node.inputs) {
      const kind = kinds.get(value)!;
      if (kind !== 'constant' && kind !== 'composed') terms.set(value, { value, kind });
    }
  }
  return [...terms.values()];
}

/** Whether nothing but means are added up, each times what does not depend on the batch. */
function isLinearInMeans(figure: Value, terms: readonly Term[], kinds: ReadonlyMap<Value, Kind>): boolean {
  const composed = [...kinds].filter(([, kind]) => kind === 'composed').map(([{ node }]) => node);
  if (terms.some(({ kind }) => kind !== 'mean' && kind !== 'fixed')) return false;
  if (composed.some(({ op }) => !op.vjp)) return false;
  if (figure.spec.dtype !== 'f32') return false;
  const means = terms.filter(({ kind }) => kind === 'mean').map(({ value }) => value);
  const slopes = differentiate(figure, means).filter((slope) => slope !== null);
  return !dependOn(slopes, means);
}

/** Whether any of some values is computed from one of others. */
export function dependOn(values: readonly Value[], others: readonly Value[]): boolean {
  const wanted = new Set(others);
  const seen = new Set<Value>();
  const pending = [...values];
  for (let value = pending.pop(); value; value = pending.pop()) {
    if (wanted.has(value)) return true;
    if (seen.has(value)) continue;
    seen.add(value);
    pending.push(...value.node.inputs);
  }
  return false;
}
