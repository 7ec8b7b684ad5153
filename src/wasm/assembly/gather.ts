import { copy, integerAt, zero } from './rows';

/* Slices of a table by index, and their sums by the index that they belong to. */

@unmanaged
class SliceArgs {
  /** The table, or the slices that are added up. */
  x: usize;
  indices: usize;
  y: usize;
  rows: i32;
  /** How many indices there are. */
  chosen: i32;
  /** Numbers of a slice. */
  inner: i32;
  indexBytes: i32;
  /** An index that counts as outside; −1 if there is none. */
  padding: i32;
}

/** The row of an index; −1 where it is outside. */
function rowOf(args: SliceArgs, at: i32): i32 {
  const row = integerAt(args.indices, args.indexBytes, at);
  return row < args.rows && row != args.padding ? row : -1;
}

/** An item is a slice of y [outer, chosen, inner]. */
export function gather(args: SliceArgs, first: i32, end: i32): void {
  const inner = args.inner;
  for (let item = first; item < end; item++) {
    const row = rowOf(args, item % args.chosen);
    const y = args.y + ((<usize>item * <usize>inner) << 2);
    if (row < 0) zero(y, inner);
    else copy(args.x + ((<usize>((item / args.chosen) * args.rows + row) * <usize>inner) << 2), y, inner);
  }
}

/** Numbers of a slice that are an item: a line of a processor's cache. */
const WIDTH: i32 = 16;

/** y [outer, rows, inner]: an item has some numbers of all rows, and adds in the order of the indices. */
export function scatterAdd(args: SliceArgs, first: i32, end: i32): void {
  const inner = args.inner;
  const blocks = (inner + WIDTH - 1) / WIDTH;
  const line = (<usize>inner) << 2;
  for (let item = first; item < end; item++) {
    const outer = <usize>(item / blocks);
    const column = (item % blocks) * WIDTH;
    const width = min(WIDTH, inner - column);
    const x = args.x + outer * <usize>args.chosen * line + ((<usize>column) << 2);
    const y = args.y + outer * <usize>args.rows * line + ((<usize>column) << 2);
    if (width == inner) zero(y, args.rows * inner);
    else for (let row = 0; row < args.rows; row++) zero(y + <usize>row * line, width);
    for (let j = 0; j < args.chosen; j++) {
      const row = rowOf(args, j);
      if (row >= 0) add(x + <usize>j * line, y + <usize>row * line, width);
    }
  }
}

function add(x: usize, y: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, x += 16, y += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
  for (; i < count; i++, x += 4, y += 4) store<f32>(y, load<f32>(y) + load<f32>(x));
}
