import { Random } from '../../core/random.ts';

/** Which rows train and which are held out, by their places, each in the order of the file. */
export interface Split {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/**
 * Holds a share of the rows out, by chance under a seed. Each stratum gives its share, so that every class is as frequent
 * in one part as in the other; the last row of a stratum always trains.
 * @param strata places of rows, each once   @param share of the rows that are held out, at least one row
 */
export function splitRows(strata: readonly (readonly number[])[], share: number, seed: number): Split {
  const random = new Random(seed, 'held-out rows');
  const shuffled = strata.map((rows) => random.shuffled(rows));
  let seen = 0;
  let held = 0;
  const counts = shuffled.map(({ length }) => {
    seen += length;
    // What rounding took from the strata before is made good, but never by more than one row.
    const wanted = Math.min(Math.round(share * seen) - held, Math.ceil(share * length), length - 1);
    const count = Math.max(0, wanted);
    held += count;
    return count;
  });
  if (held === 0) {
    const sizes = shuffled.map(({ length }) => length);
    counts[sizes.indexOf(sizes.reduce((most, size) => Math.max(most, size)))] = 1;
  }
  return {
    train: inOrder(shuffled.flatMap((rows, at) => rows.slice(counts[at]))),
    test: inOrder(shuffled.flatMap((rows, at) => rows.slice(0, counts[at]))),
  };
}

const inOrder = (rows: readonly number[]): number[] => rows.toSorted((a, b) => a - b);
