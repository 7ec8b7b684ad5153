import type { Node } from '../../graph/graph.ts';

/* What a node of attention, and of its way back, is told and given. */

// Legend: q `[N, T, H, D]`, k and v `[N, S, Hkv, D]`, y as q, lse `[N, H, T]`; a group of H / Hkv heads shares keys.

export interface Extents {
  readonly N: number;
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly keyHeads: number;
  readonly D: number;
}

/** Where an operand lies in what is bound: from which element on, and how many from one time step to the next. */
export interface Place {
  readonly first: number;
  readonly stride: number;
}

/** By operand, q, k and v. */
export interface Places {
  readonly q: Place;
  readonly k: Place;
  readonly v: Place;
}

/** What is drawn anew at each step: each row of scores is known by its number, and each four of its keys draw one block. */
export interface Drawn {
  readonly rate: number;
  readonly stream: number;
  /** Rows that each earlier part of the step has. */
  readonly partCount: number;
}

export interface Attrs {
  readonly extents: Extents;
  readonly from: Places;
  /** By operand, q, k and v: the first of them that lies in the same value. */
  readonly shared: readonly [0, number, number];
  /** Keys before and behind a query's own place that it sees: as many as there are where nothing bounds them. */
  readonly left: number;
  readonly right: number;
  readonly scale: number;
  readonly lengths: boolean;
  /** Elements of the mask from one sample, head and query to the next; 0 where all share it. */
  readonly mask: readonly [sample: number, head: number, query: number] | null;
  readonly dropout: Drawn | null;
}

/** Attributes of the way back: where each operand's slopes go in the one buffer that they share. */
export interface GradAttrs extends Attrs {
  readonly to: Places;
  /** Elements of that buffer. */
  readonly size: number;
}

/** The inputs that a node may do without, behind so many others. */
export interface Optional<T> {
  readonly lengths?: T;
  readonly mask?: T;
  readonly control?: T;
}

export function optionalOf<T>(inputs: readonly T[], attrs: Attrs, behind: number): Optional<T> {
  let at = behind;
  return {
    ...(attrs.lengths && { lengths: inputs[at++] }),
    ...(attrs.mask && { mask: inputs[at++] }),
    ...(attrs.dropout && { control: inputs[at++] }),
  };
}

/** Inputs that forward has in any case: q, k, v; and backward: those, y, lse and dY. */
export const FORWARD_INPUTS = 3;
export const BACKWARD_INPUTS = 6;

/** A query and a key it sees: a multiply-add for each channel of both products, an exponential and what is around it. */
const AROUND_EXPONENTIAL = 12;

/** @param products of a pair of query and key, one for each channel */
export function flopsOf({ attrs: { extents, left, right } }: Node<Attrs>, products: number): number {
  const { N, T, S, H, D } = extents;
  let seen = 0;
  for (let t = 0; t < T; t++) seen += Math.max(0, Math.min(S, t + right + 1) - Math.max(0, t - left));
  return N * H * seen * (2 * products * D + AROUND_EXPONENTIAL);
}
