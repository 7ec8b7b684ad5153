import type { Node } from '../../graph/graph.ts';
import { cells, type Cell, type CellName } from './cells.ts';

/* What a node of a loop over time, and of its way back, is told and given. */

export interface Attrs {
  readonly cell: CellName;
  /** From each sample's last step to its first. */
  readonly reverse: boolean;
  readonly lengths: boolean;
  readonly initial: boolean;
}

export interface GradAttrs extends Attrs {
  /** Which of y, h and c at last have a gradient. */
  readonly from: readonly ('y' | 'hidden' | 'c')[];
  /** Whether the weights are `[other, unit, gates]`, so that neighbouring invocations read neighbours. */
  readonly transposed: boolean;
}

export interface Extents {
  readonly samples: number;
  readonly steps: number;
  readonly units: number;
}

/** Whether there is no binding left for a bias: WebGPU grants eight. */
export const isFull = ({ lengths, initial, cell }: Pick<Attrs, 'lengths' | 'initial' | 'cell'>): boolean =>
  lengths && initial && cells[cell].carried > 1;

export const extentsOf = ({ inputs: [x, weights] }: Node<Attrs>): Extents => {
  const [samples, steps] = x.spec.shape;
  return { samples, steps, units: weights.spec.shape[0] };
};

export const gradExtentsOf = ({ inputs: [weights, tape] }: Node<GradAttrs>): Extents => {
  const [samples, steps] = tape.spec.shape;
  return { samples, steps, units: weights.spec.shape[0] };
};

/** Where the loop's inputs stand, x and the weights aside, that it may do without. */
export const placesOf = (attrs: Attrs): Places =>
  placesFrom(2, { bias: !isFull(attrs), lengths: attrs.lengths, initial: attrs.initial });

/** The same behind weights and tape. */
export const gradPlacesOf = ({ lengths, from }: GradAttrs): Places =>
  placesFrom(2, { lengths, y: from.includes('y'), hidden: from.includes('hidden'), c: from.includes('c') });

type Places = Readonly<Record<string, number | undefined>>;

function placesFrom(first: number, given: Readonly<Record<string, boolean>>): Places {
  let at = first;
  return Object.fromEntries(Object.entries(given).map(([name, is]) => [name, is ? at++ : undefined]));
}

/** Multiply-adds by gate and pair of units, and some for the gates themselves. */
export const flopsOf = ({ samples, steps, units }: Extents, { gates }: Cell): number =>
  2 * samples * steps * units * gates * (units + 8);
