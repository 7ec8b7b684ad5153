/** A grid of heights, row by row from the lowest y. */
export interface Relief {
  readonly columns: number;
  readonly rows: number;
  readonly heights: ArrayLike<number>;
}

/** An end of a line, in columns and rows of the grid. */
export type GridPoint = readonly [column: number, row: number];

/** Where on a side of a cell a height is reached, as a share of the side; undefined if it is not. */
function crossing(a: number, b: number, level: number): number | undefined {
  return a < level !== b < level ? (level - a) / (b - a) : undefined;
}

/**
 * The lines along which a relief has a height, as pieces: marching squares, by straight lines between the places where
 * the sides of each cell reach it.
 */
export function contour({ columns, rows, heights }: Relief, level: number): (readonly [GridPoint, GridPoint])[] {
  const pieces: (readonly [GridPoint, GridPoint])[] = [];
  const at = (column: number, row: number): number => heights[row * columns + column];
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const [a, b] = [at(column, row), at(column + 1, row)];
      const [c, d] = [at(column, row + 1), at(column + 1, row + 1)];
      const south = crossing(a, b, level);
      const north = crossing(c, d, level);
      const west = crossing(a, c, level);
      const east = crossing(b, d, level);
      const ends: GridPoint[] = [];
      if (south !== undefined) ends.push([column + south, row]);
      if (west !== undefined) ends.push([column, row + west]);
      if (north !== undefined) ends.push([column + north, row + 1]);
      if (east !== undefined) ends.push([column + 1, row + east]);
      // Two, or four where two lines pass: around the corner in the south-west, and around the one in the north-east.
      for (let i = 0; i + 1 < ends.length; i += 2) pieces.push([ends[i], ends[i + 1]]);
    }
  }
  return pieces;
}
