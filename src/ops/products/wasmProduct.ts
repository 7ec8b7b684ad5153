import { output } from '../../core/launch.ts';
import { grainOver, type WasmLaunch, type WasmWork } from '../../core/wasmLaunch.ts';
import type { Strides } from './multiply.ts';

/** As assembly/tile.ts and assembly/product.ts have them. */
export const COLUMNS = 8;
export const ROWS = 4;
const ITEM_ROWS = 32;
const ITEM_COLUMNS = 128;

/** Multiplications of f32 that take some ten microseconds. */
const GRAIN = 2 ** 17;

export const grainOf = (perItem: number): number => Math.max(1, Math.floor(GRAIN / perItem));

/** Columns of a matrix in panels. */
export const panelsOf = (columns: number): number => Math.ceil(columns / COLUMNS);

interface WasmProduct {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly matrices: number;
  /** How the operands lie, in elements. */
  readonly a: Strides;
  readonly b: Strides;
  /** An input of N numbers that is added to each row. */
  readonly bias: number | 'nothing';
}

/** C = A · B + bias, of a node whose inputs are A and B. */
export function wasmProduct({ M, N, K, matrices, a, b, bias }: WasmProduct): WasmWork & { readonly room: number } {
  const shared = b.matrix === 0;
  const panels = panelsOf(N);
  const laidOut = shared ? 1 : matrices;
  const panelBytes = 4 * panels * COLUMNS * K;
  const blocks = Math.ceil(M / ITEM_ROWS) * Math.ceil(N / ITEM_COLUMNS);
  return {
    room: laidOut * panelBytes,
    launches: [
      columnPanels(1, { columns: N, terms: K, matrices: laidOut }, b),
      {
        kernel: 'product',
        operands: [0, 'room', bias, output(0)],
        words: [M, N, K, 4 * a.line, 4 * a.term, 4 * a.matrix, shared ? 0 : panelBytes],
        items: matrices * blocks,
        grain: grainOf(Math.min(M, ITEM_ROWS) * Math.min(N, ITEM_COLUMNS) * Math.max(1, K)),
      },
    ],
  };
}

/** Lays columns of an input out in panels, at the beginning of the node's room. */
export function columnPanels(
  input: number,
  { columns, terms, matrices }: { readonly columns: number; readonly terms: number; readonly matrices: number },
  { line, term, matrix }: Strides,
): WasmLaunch {
  return {
    kernel: 'columnPanels',
    operands: [input, 'room'],
    words: [columns, terms, 4 * line, 4 * term, 4 * matrix],
    items: matrices * panelsOf(columns),
    grain: grainOver(COLUMNS * terms),
  };
}

/** Sums over the rows of [rows, columns]. */
export const columnSums = (x: number | 'room', sums: number, rows: number, columns: number): WasmLaunch => ({
  kernel: 'columnSums',
  operands: [x, sums],
  words: [rows, columns],
  items: panelsOf(columns),
  grain: grainOver(COLUMNS * rows),
});
