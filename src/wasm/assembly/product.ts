import { scratch } from './team';
import { COLUMNS, panelOf4, panelOf8, ROWS, TERMS, tiles } from './tile';

/*
 * C[M, N] = A[M, K] · B[K, N] + bias, for each matrix of a batch. First the columns of B are laid out in panels, then every
 * item has some rows of A, which it lays out for itself, and some panels.
 */

/** Rows and columns of C that are an item. */
const ITEM_ROWS: i32 = 32;
const ITEM_COLUMNS: i32 = 128;

/** Lines of an operand: how many, of how many terms, and how many bytes are between lines, terms and matrices. */
@unmanaged
class PanelArgs {
  x: usize;
  panels: usize;
  count: i32;
  terms: i32;
  line: usize;
  term: usize;
  matrix: usize;
}

/** Lays columns of B out in panels; an item is a panel of a matrix. */
export function columnPanels(args: PanelArgs, first: i32, end: i32): void {
  const perMatrix = (args.count + COLUMNS - 1) / COLUMNS;
  const bytes = <usize>(args.terms * COLUMNS * 4);
  for (let item = first; item < end; item++) {
    const line = (item % perMatrix) * COLUMNS;
    const x = args.x + <usize>(item / perMatrix) * args.matrix + <usize>line * args.line;
    panelOf8(x, args.line, args.term, min(COLUMNS, args.count - line), args.terms, args.panels + <usize>item * bytes);
  }
}

@unmanaged
class ProductArgs {
  a: usize;
  panels: usize;
  /** 0: there is none. */
  bias: usize;
  c: usize;
  M: i32;
  N: i32;
  K: i32;
  aLine: usize;
  aTerm: usize;
  aMatrix: usize;
  /** Bytes from one matrix's panels to the next; 0 where all share them. */
  panelsMatrix: usize;
}

/** An item is a block of a matrix of C. */
export function product(args: ProductArgs, first: i32, end: i32): void {
  const M = args.M;
  const N = args.N;
  const rowBlocks = (M + ITEM_ROWS - 1) / ITEM_ROWS;
  const columnBlocks = (N + ITEM_COLUMNS - 1) / ITEM_COLUMNS;
  const perMatrix = rowBlocks * columnBlocks;
  for (let item = first; item < end; item++) {
    const matrix = item / perMatrix;
    const within = item % perMatrix;
    const m = (within / columnBlocks) * ITEM_ROWS;
    const n = (within % columnBlocks) * ITEM_COLUMNS;
    block(args, matrix, m, min(ITEM_ROWS, M - m), n, min(ITEM_COLUMNS, N - n));
  }
}

function block(args: ProductArgs, matrix: i32, m: i32, rows: i32, n: i32, columns: i32): void {
  const K = args.K;
  const N = args.N;
  const line = (<usize>N) << 2;
  const a = args.a + <usize>matrix * args.aMatrix + <usize>m * args.aLine;
  const panels = args.panels + <usize>matrix * args.panelsMatrix + ((<usize>(n * K)) << 2);
  const c = args.c + ((<usize>((matrix * args.M + m) * N + n)) << 2);
  const aPanels = scratch + <usize>(ROWS * COLUMNS * 4);
  for (let k = 0; k < K || k == 0; k += TERMS) {
    const terms = min(TERMS, K - k);
    const bytes = <usize>(terms * ROWS * 4);
    for (let i = 0; i < rows; i += ROWS) {
      const from = a + <usize>i * args.aLine + <usize>k * args.aTerm;
      panelOf4(from, args.aLine, args.aTerm, min(ROWS, rows - i), terms, aPanels + <usize>(i / ROWS) * bytes);
    }
    tiles(
      aPanels,
      rows,
      panels + ((<usize>(k * COLUMNS)) << 2),
      (<usize>(K * COLUMNS)) << 2,
      columns,
      terms,
      c,
      line,
      k > 0,
    );
  }
  if (args.bias) addRow(c, line, args.bias + ((<usize>n) << 2), rows, columns);
}

/** Adds a row to each of some rows. */
export function addRow(c: usize, line: usize, row: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++, c += line) {
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const at = (<usize>j) << 2;
      v128.store(c + at, f32x4.add(v128.load(c + at), v128.load(row + at)));
    }
    for (; j < columns; j++) {
      const at = (<usize>j) << 2;
      store<f32>(c + at, load<f32>(c + at) + load<f32>(row + at));
    }
  }
}

@unmanaged
class SumArgs {
  x: usize;
  sums: usize;
  rows: i32;
  columns: i32;
}

/** Sums of columns, in blocks of TERMS rows; an item is eight columns. */
export function columnSums(args: SumArgs, first: i32, end: i32): void {
  const line = (<usize>args.columns) << 2;
  for (let item = first; item < end; item++) {
    const n = item * COLUMNS;
    const x = args.x + ((<usize>n) << 2);
    const sums = args.sums + ((<usize>n) << 2);
    if (args.columns - n >= COLUMNS) {
      let s = f32x4.splat(0);
      let t = f32x4.splat(0);
      for (let from = 0; from < args.rows; from += TERMS) {
        let u = f32x4.splat(0);
        let v = f32x4.splat(0);
        const to = min(from + TERMS, args.rows);
        for (let m = from; m < to; m++) {
          const at = x + <usize>m * line;
          u = f32x4.add(u, v128.load(at));
          v = f32x4.add(v, v128.load(at, 16));
        }
        s = f32x4.add(s, u);
        t = f32x4.add(t, v);
      }
      v128.store(sums, s);
      v128.store(sums, t, 16);
      continue;
    }
    for (let j = 0; j < args.columns - n; j++) {
      let s: f32 = 0;
      for (let from = 0; from < args.rows; from += TERMS) {
        let u: f32 = 0;
        const to = min(from + TERMS, args.rows);
        for (let m = from; m < to; m++) u += load<f32>(x + <usize>m * line + ((<usize>j) << 2));
        s += u;
      }
      store<f32>(sums + ((<usize>j) << 2), s);
    }
  }
}
