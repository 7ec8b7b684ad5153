import { transpose } from './tile';

/*
 * Boxes of numbers of four bytes, from where they lie in x to where they lie in y. A box is walked along its last axis, line by
 * line; where x goes on by one along the axis before it, by four lines at a time, which change places with their columns.
 */

/** Behind them, one for each axis: extents, then the elements from one to the next in x, and in y. */
@unmanaged
class CopyArgs {
  x: usize;
  y: usize;
  /** Elements in front of the first. */
  xStart: usize;
  yStart: usize;
  rank: i32;
  /** Lines of an item: 1 or 4. */
  lines: i32;
}

/** An item is a line of the last axis, or four. */
export function copyBox(args: CopyArgs, first: i32, end: i32): void {
  const words = (<usize>args.rank) << 2;
  const extents = changetype<usize>(args) + offsetof<CopyArgs>();
  const last = extents + words - 4;
  const count = load<i32>(last);
  const xStep = load<usize>(last + words) << 2;
  const yStep = load<usize>(last + 2 * words) << 2;
  const lines = args.lines;
  for (let item = first; item < end; item++) {
    let x = args.x + (args.xStart << 2);
    let y = args.y + (args.yStart << 2);
    let rest = item;
    let left = 1;
    for (let axis = last - 4; axis >= extents; axis -= 4) {
      const extent = load<i32>(axis);
      let at: i32;
      if (lines > 1 && axis == last - 4) {
        const groups = (extent + lines - 1) / lines;
        at = (rest % groups) * lines;
        rest /= groups;
        left = min(lines, extent - at);
      } else {
        at = rest % extent;
        rest /= extent;
      }
      x += (<usize>at * load<usize>(axis + words)) << 2;
      y += (<usize>at * load<usize>(axis + 2 * words)) << 2;
    }
    if (lines == 1) copyLine(x, xStep, y, yStep, count);
    else copyLines(x, xStep, y, load<usize>(last - 4 + 2 * words) << 2, left, count);
  }
}

function copyLine(x: usize, xStep: usize, y: usize, yStep: usize, count: i32): void {
  let i = 0;
  if (xStep == 4 && yStep == 4) {
    for (; i + 4 <= count; i += 4, x += 16, y += 16) v128.store(y, v128.load(x));
  }
  for (; i < count; i++, x += xStep, y += yStep) store<i32>(y, load<i32>(x));
}

/** Up to four lines, which lie side by side in x, and `yLine` bytes apart in y. */
function copyLines(x: usize, xStep: usize, y: usize, yLine: usize, lines: i32, count: i32): void {
  let i = 0;
  if (lines == 4) for (; i + 4 <= count; i += 4, x += 4 * xStep, y += 16) transpose(x, xStep, y, yLine);
  for (; i < count; i++, x += xStep, y += 4) {
    for (let line = 0; line < lines; line++) {
      store<i32>(y + <usize>line * yLine, load<i32>(x + ((<usize>line) << 2)));
    }
  }
}

@unmanaged
class FillArgs {
  y: usize;
  /** The bits of a number. */
  value: i32;
}

export function fill(args: FillArgs, first: i32, end: i32): void {
  const four = i32x4.splat(args.value);
  let i = first;
  for (; i + 4 <= end; i += 4) v128.store(args.y + ((<usize>i) << 2), four);
  for (; i < end; i++) store<i32>(args.y + ((<usize>i) << 2), args.value);
}
