import type { Numbers } from '../../core/shape.ts';

/*
 * C[M, N] = A[M, K] · B[K, N] on the CPU. What the sums read is first laid out in panels: two rows of A, or four
 * columns of B, term by term, in f64. So the loop that takes the time walks two panels forwards, and is the same for
 * every stride, precision and edge.
 */

/** A tile of C, whose sums grow together: each number of A serves four products, each number of B two. */
const ROWS = 2;
const COLUMNS = 4;
const TILE = ROWS * COLUMNS;
/** Columns of B that stay in panels, and so in the cache, while all rows of A pass by: a multiple of COLUMNS. */
const BLOCK = 128;

/** How an operand is stored: elements from one line to the next, between the terms of a line, and between matrices. */
export interface Strides {
  readonly line: number;
  readonly term: number;
  readonly matrix: number;
}

/** The rows of A, or the columns of B. */
interface Lines extends Strides {
  readonly count: number;
  /** Lines in a panel. */
  readonly width: number;
}

/** A product's extents, how its operands are stored, and room for a panel of A, panels of B and the sums of a tile. */
export interface Product {
  readonly K: number;
  readonly matrices: number;
  readonly rows: Lines;
  readonly columns: Lines;
  readonly room: Float64Array;
}

/** Makes a product ready to be computed again and again. */
export function prepareProduct(
  { M, N, K, matrices }: { readonly M: number; readonly N: number; readonly K: number; readonly matrices: number },
  a: Strides,
  b: Strides,
): Product {
  const rows = { ...a, count: M, width: ROWS };
  const columns = { ...b, count: N, width: COLUMNS };
  const panels = ROWS + Math.min(BLOCK, COLUMNS * Math.ceil(N / COLUMNS));
  return { K, matrices, rows, columns, room: new Float64Array(panels * K + TILE) };
}

/** C = A · B + bias; every sum is in f64. */
export function multiply(a: Numbers, b: Numbers, c: Numbers, bias: Numbers | undefined, product: Product): void {
  const { K, matrices, rows, columns, room } = product;
  const bPanels = ROWS * K;
  for (let matrix = 0; matrix < matrices; matrix++) {
    for (let first = 0; first < columns.count; first += BLOCK) {
      const end = Math.min(columns.count, first + BLOCK);
      for (let n = first; n < end; n += COLUMNS) fillPanel(b, columns, matrix, n, K, room, bPanels + (n - first) * K);
      for (let m = 0; m < rows.count; m += ROWS) {
        fillPanel(a, rows, matrix, m, K, room, 0);
        for (let n = first; n < end; n += COLUMNS) {
          sumTile(room, bPanels + (n - first) * K, K);
          storeTile(c, bias, product, matrix, m, n);
        }
      }
    }
  }
}

/** Lines from `first` on: their first terms, then their second terms. Where lines end, the panel stays as it was. */
function fillPanel(
  x: Numbers,
  { line, term, matrix: stride, count, width }: Lines,
  matrix: number,
  first: number,
  K: number,
  room: Float64Array,
  panel: number,
): void {
  for (let i = 0; i < Math.min(width, count - first); i++) {
    let at = matrix * stride + (first + i) * line;
    for (let k = 0; k < K; k++, at += term) room[panel + k * width + i] = x[at];
  }
}

/** The sums of a tile whose first row is m and whose first column is n, as far as C reaches. */
function storeTile(
  c: Numbers,
  bias: Numbers | undefined,
  { rows, columns, room }: Product,
  matrix: number,
  m: number,
  n: number,
): void {
  const sums = room.length - TILE;
  for (let i = 0; i < Math.min(ROWS, rows.count - m); i++) {
    const at = (matrix * rows.count + m + i) * columns.count + n;
    for (let j = 0; j < Math.min(COLUMNS, columns.count - n); j++) {
      c[at + j] = room[sums + i * COLUMNS + j] + (bias ? bias[n + j] : 0);
    }
  }
}

/**
 * The sums over k of A's panel, which comes first, and one of B's, into the room's end.
 * `| 0` says that an index stays small, which spares V8 a check for each number read: about a seventh of the time.
 */
function sumTile(room: Float64Array, bPanel: number, K: number): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let p = 0;
  let q = bPanel;
  for (let k = 0; k < K; k++) {
    const a0 = room[p];
    const a1 = room[(p + 1) | 0];
    const b0 = room[q];
    const b1 = room[(q + 1) | 0];
    const b2 = room[(q + 2) | 0];
    const b3 = room[(q + 3) | 0];
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    p = (p + ROWS) | 0;
    q = (q + COLUMNS) | 0;
  }
  const sums = room.length - TILE;
  room[sums] = c00;
  room[sums + 1] = c01;
  room[sums + 2] = c02;
  room[sums + 3] = c03;
  room[sums + 4] = c10;
  room[sums + 5] = c11;
  room[sums + 6] = c12;
  room[sums + 7] = c13;
}
