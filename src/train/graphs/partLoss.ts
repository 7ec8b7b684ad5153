import { sizeOf, spec } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import { add, mul } from '../../ops/pointwise/arithmetic.ts';
import { sum } from '../../ops/reductions/sum.ts';
import { part, stopGradient } from '../../ops/shaping/views.ts';
import { differentiate } from '../../transform/differentiate.ts';
import { dependOn, type Separated, type Term } from '../../transform/separateSums.ts';

/*
 * A step in parts whose loss is a function L of sums over all of its samples, S = Σ S_part: its gradients are those of
 * Σ ∂L/∂S · S_part, part by part, where ∂L/∂S is what it is for the whole step. So the sums that ∂L/∂S needs are taken
 * first, of all parts; of a quotient only what is divided by, if no weight is behind that.
 */

/** Ranges of an array begin at a multiple of this, as bindings do. */
const ALIGNED = 64;

/** What must be known of the whole step before the gradients of its parts can be taken. */
export interface Totals {
  /** What one part adds to each. */
  readonly values: readonly Value[];
  /** Where they stand in an array of so many numbers. */
  readonly offsets: readonly number[];
  readonly size: number;
  /** By term of the loss: which of the values it is; null if it need not be known. */
  readonly places: readonly (number | null)[];
}

/** What a part adds to a term of the whole; of an extreme, too, the parts' mean is trained. */
const contribution = ({ value, kind }: Term, share: number): Value => (kind === 'sum' ? value : mul(value, share));

/** A part's loss, and how it is finished of all samples of the step. */
export interface PartedLoss extends Pick<Separated, 'terms' | 'finish'> {
  /** The part's share of them. */
  readonly share: number;
  /** What is trained. */
  readonly weights: readonly Value[];
}

/** ∂L/∂S by term; null where none of the weights is behind it. */
function slopesAt({ terms, finish, weights }: PartedLoss, whole: readonly Value[]): (Value | null)[] {
  const slopes = differentiate(finish(whole), whole);
  return slopes.map((slope, at) => (dependOn([terms[at].value], weights) ? slope : null));
}

export function totalsOf(loss: PartedLoss): Totals {
  const { share } = loss;
  const whole = loss.terms.map(({ value }) => stopGradient(value));
  const slopes = slopesAt(loss, whole).filter((slope) => slope !== null);
  const values: Value[] = [];
  const offsets: number[] = [];
  let size = 0;
  const places = loss.terms.map((term, at) => {
    if (term.kind === 'fixed' || !dependOn(slopes, [whole[at]])) return null;
    offsets.push(size);
    size += Math.ceil(sizeOf(term.value.spec.shape) / ALIGNED) * ALIGNED;
    return values.push(contribution(term, share)) - 1;
  });
  return { values, offsets, size, places };
}

/**
 * What a part's gradients are taken of.
 * @param known f32[size], the totals of the whole step; null where none must be known
 */
export function partLoss(loss: PartedLoss, { places, offsets }: Totals, known: Value | null): Value {
  const whole = loss.terms.map(({ value }, at) => {
    const place = places[at];
    return place === null ? stopGradient(value) : part(known!, value.spec.shape, offsets[place]);
  });
  const shares = slopesAt(loss, whole).flatMap((slope, at) =>
    slope ? [sum(mul(slope, contribution(loss.terms[at], loss.share)))] : [],
  );
  const nothing = constant(Float32Array.of(0), spec([]));
  return shares.length > 0 ? shares.reduce((total, each) => add(total, each)) : nothing;
}
