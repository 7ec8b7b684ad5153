import { meanTally, type Figure, type Measured } from './recordedMetrics.ts';

/** Rows of the metrics' ring: as many steps may pass before it is read. */
export const RING_ROWS = 1024;

/*
 * A phase's columns in a row of the training ring: its means, what its update reports, and then, for each part of a step,
 * the numbers of the figures that are no means.
 */
export interface Columns {
  readonly means: number;
  /** The first one behind the means and the update's. */
  readonly apart: number;
  /** Columns of one part from there on. */
  readonly width: number;
  readonly all: number;
}

/** @param own how many figures the update reports   @param parts of a step */
export function columnsOf(figures: readonly Measured[], own: number, parts: number): Columns {
  const means = figures.filter(({ mean }) => mean).length;
  const width = figures.reduce((total, { mean, tally }) => total + (mean ? 0 : tally.width), 0);
  return { means, apart: means + own, width, all: means + own + width * parts };
}

/** Where a phase's figures stand, from column `first` on. @param own names of what the update reports */
export function placed(
  figures: readonly Measured[],
  own: readonly string[],
  { means, apart, width }: Columns,
  first: number,
): Figure[] {
  let mean = first;
  let next = first + apart;
  const measured = figures.map(({ name, tally, mean: value }) => {
    if (value) return { name, tally, column: mean++, stride: null };
    next += tally.width;
    return { name, tally, column: next - tally.width, stride: width };
  });
  const ofUpdate = own.map((name, at) => ({ name, tally: meanTally(), column: first + means + at, stride: null }));
  return [...measured, ...ofUpdate];
}
