import { sameShape, sizeOf } from '../core/shape.ts';
import type { Node, Value } from '../graph/graph.ts';
import { asUseOf, constant, constantOp, isLeaf } from '../graph/leaf.ts';
import { div, mul } from '../ops/arithmetic.ts';
import { extremeOf, mean, scaleOfSum } from '../ops/reduce.ts';
import { differentiate } from './differentiate.ts';
import { rebuilt, type Renewal } from './rebuilt.ts';

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
  /** The figure that other terms make, given in the same order. */
  finish(terms: readonly Value[]): Value;
}

/** A figure that is taken for a mean over the samples. */
export const asMean = (figure: Value): Separated => ({
  terms: [{ value: figure, kind: 'mean' }],
  isMean: true,
  finish: ([whole]) => whole,
});

/**
 * Finds the terms of a figure; one of several elements is their mean.
 * @param figure of n samples   @param twin the same graph, traced with n + 1 samples
 */
export function separate(figure: Value, twin: Value, n: number): Separated {
  if (!sameShape(figure.spec.shape, twin.spec.shape)) return asMean(figure);
  const [one, other] = sizeOf(figure.spec.shape) === 1 ? [figure, twin] : [mean(figure), mean(twin)];
  const { kinds, counts } = kindsOf(one, other, n);
  const kind = kinds.get(one)!;
  if (kind === 'mean' || kind === 'fixed' || kind === 'constant') return asMean(figure);
  if (kind !== 'composed') return { ...asMean(one), terms: [{ value: one, kind }], isMean: false };
  const terms = termsOf(one, kinds, counts);
  return {
    terms,
    isMean: isLinearInMeans(one, terms, kinds),
    finish(given) {
      const renewed = new Map(terms.map(({ value }, at) => [value, given[at]]));
      for (const [value, { count, factor, inverse }] of counts) {
        renewed.set(value, inverse ? div(factor, renewed.get(count)!) : mul(factor, renewed.get(count)!));
      }
      const renew = ({ outputs }: Node): Renewal | undefined =>
        outputs.some((value) => renewed.has(value)) ? { inputs: [], make: () => renewed } : undefined;
      return rebuilt({ outputs: { one }, writes: [] }, renew).outputs['one'];
    },
  };
}

type Kind = Term['kind'] | 'constant' | 'composed';

/** A constant that holds the number of samples, times `factor` or below it. */
interface Count {
  readonly count: Value;
  readonly factor: Value;
  readonly inverse: boolean;
}

/** By value, inputs first: what a figure and the values that it is composed of are. */
function kindsOf(
  figure: Value,
  twin: Value,
  n: number,
): { readonly kinds: Map<Value, Kind>; readonly counts: Map<Value, Count> } {
  const kinds = new Map<Value, Kind>();
  const counts = new Map<Value, Count>();
  const count = constant(Float32Array.of(n), { shape: [], dtype: 'f32' });
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
    const grows = isLeaf(node) && countIn(node, other, n);
    if (grows) counts.set(node.outputs[0], { count, ...grows });
    const kind = grows ? 'composed' : isEdge ? edgeKind(node, other) : innerKind(node, kinds);
    for (const value of node.outputs) kinds.set(value, kind);
  }
  if (counts.size > 0) kinds.set(count, 'sum');
  return { kinds, counts };
}

/** Whether a node reads what grows with the batch, or is not what its twin is. */
const hasGrowing = ({ op, inputs }: Node, twin: Node): boolean =>
  op !== twin.op ||
  inputs.length !== twin.inputs.length ||
  inputs.some((input, at) => !sameShape(input.spec.shape, twin.inputs[at].spec.shape));

const termsRead = ({ inputs: [x], outputs: [y] }: Node): number => sizeOf(x.spec.shape) / sizeOf(y.spec.shape);

function edgeKind(node: Node, twin: Node): Kind {
  const extreme = extremeOf(node);
  if (extreme && extreme === extremeOf(twin)) return extreme;
  const [scale, other] = [scaleOfSum(node), scaleOfSum(twin)];
  return scale !== undefined && scale === other && termsRead(node) !== termsRead(twin) ? 'sum' : 'mean';
}

function innerKind(node: Node, kinds: ReadonlyMap<Value, Kind>): Kind {
  if (isLeaf(node)) return node.op === (constantOp as unknown) ? 'constant' : 'fixed';
  const read = new Set(node.inputs.map((input) => kinds.get(input)!));
  if (node.inputs.length > 0 && [...read].every((kind) => kind === 'constant')) return 'constant';
  return [...read].every((kind) => kind === 'constant' || kind === 'fixed') ? 'fixed' : 'composed';
}

/** Of numbers that were rounded to f32 on their way. */
const isClose = (a: number, b: number): boolean => Math.abs(a - b) <= 4e-7 * Math.abs(b);

/** Of a constant that is another number in its twin: whether it goes with the samples, or against them. */
function countIn(node: Node, twin: Node, n: number): Pick<Count, 'factor' | 'inverse'> | undefined {
  const [own, other] = [asUseOf(constantOp, node), asUseOf(constantOp, twin)];
  if (own?.spec.dtype !== 'f32' || !other || own.numbers.every((x, i) => x === other.numbers[i])) return undefined;
  const grows = (power: 1 | -1): boolean =>
    own.numbers.every((x, i) => isClose(other.numbers[i], x * ((n + 1) / n) ** power));
  const factor = (of: (x: number) => number): Value => constant(Float32Array.from(own.numbers, of), own.spec);
  if (grows(1)) return { factor: factor((x) => x / n), inverse: false };
  return grows(-1) ? { factor: factor((x) => x * n), inverse: true } : undefined;
}

/** What the composed values read that is not composed itself. */
function termsOf(figure: Value, kinds: ReadonlyMap<Value, Kind>, counts: ReadonlyMap<Value, Count>): Term[] {
  const terms = new Map<Value, Term>();
  const note = (value: Value): void => {
    const kind = kinds.get(value)!;
    if (kind !== 'constant' && kind !== 'composed') terms.set(value, { value, kind });
  };
  for (const { count } of counts.values()) note(count);
  for (const [value, kind] of kinds) if (kind === 'composed') value.node.inputs.forEach(note);
  note(figure);
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
