import { colorOf } from './palette.ts';

/** Numbers seen as rows and columns, wherever they lie: an image, a kernel, a neuron's incoming weights. */
export interface Grid {
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Rows of so many, one after the other; the last may be shorter. */
export const wrapped = (values: ArrayLike<number>, columns: number): Grid => ({
  values,
  rows: Math.ceil(values.length / columns),
  columns,
  offset: 0,
  rowStride: columns,
  columnStride: 1,
});

/** What a neuron weighs each pixel by. @param weight `[side · side, out]` */
export function neuronImage(weight: ArrayLike<number>, side: number, out: number, neuron: number): Grid {
  return { values: weight, rows: side, columns: side, offset: neuron, rowStride: side * out, columnStride: out };
}

/** One channel of `[height, width, channels]`. */
export function channelImage(values: ArrayLike<number>, shape: readonly number[], channel: number): Grid {
  const [rows, columns, channels] = shape;
  return { values, rows, columns, offset: channel, rowStride: columns * channels, columnStride: channels };
}

/** The kernel from a channel to a feature of `[height, width, channels, features]`. @param at counts features first */
export function kernelImage(values: ArrayLike<number>, shape: readonly number[], at: number): Grid {
  const [rows, columns, channels, features] = shape;
  const columnStride = channels * features;
  return { values, rows, columns, offset: at, rowStride: columns * columnStride, columnStride };
}

/** Colours of all numbers, row by row. Places behind the last number stay empty. @param target `[rows · columns]` */
export function paint(target: Uint32Array, grid: Grid, scale: number, palette: Uint32Array): void {
  const { values, rows, columns, offset, rowStride, columnStride } = grid;
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      target[at] = colorOf(palette, values[offset + row * rowStride + column * columnStride], scale);
    }
  }
}

/** As large as it may be seen: each number of the result is the strongest of those that fall on it. */
export function shrunk(grid: Grid, mostRows: number, mostColumns: number): Grid {
  const rows = Math.min(grid.rows, mostRows);
  const columns = Math.min(grid.columns, mostColumns);
  if (rows === grid.rows && columns === grid.columns) return grid;
  const strongest = new Float32Array(rows * columns);
  for (let row = 0; row < grid.rows; row++) {
    const first = Math.floor((row * rows) / grid.rows) * columns;
    for (let column = 0; column < grid.columns; column++) {
      const at = first + Math.floor((column * columns) / grid.columns);
      const value = grid.values[grid.offset + row * grid.rowStride + column * grid.columnStride];
      if (Math.abs(value) > Math.abs(strongest[at])) strongest[at] = value;
    }
  }
  return wrapped(strongest, columns);
}
