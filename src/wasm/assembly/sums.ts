import { largestOf, loadSome, smallestOf, storeSome, sumOf } from './lanes';

/** Vectors that are added up before they join what came before: so the error grows with blocks and not with terms. */
const VECTORS: i32 = 64;

@unmanaged
class SumsArgs {
  x: usize;
  y: usize;
  length: i32;
  /** Sums whose terms lie side by side; 1 where those of one sum do. */
  inner: i32;
  /** Of a sum. */
  scale: f32;
}

/** Sums over the middle axis of [outer, length, inner]; an item is a sum, or four of them side by side. */
export function sums(args: SumsArgs, first: i32, end: i32): void {
  const length = args.length;
  const inner = args.inner;
  if (inner == 1) {
    for (let item = first; item < end; item++) {
      const sum = sumOfLine(args.x + ((<usize>(item * length)) << 2), length);
      store<f32>(args.y + ((<usize>item) << 2), sum * args.scale);
    }
    return;
  }
  const perOuter = (inner + 3) / 4;
  for (let item = first; item < end; item++) {
    const outer = item / perOuter;
    const column = (item % perOuter) * 4;
    const x = args.x + ((<usize>(outer * length * inner + column)) << 2);
    const count = min(4, inner - column);
    const sum = f32x4.mul(sumOfColumns(x, length, (<usize>inner) << 2, count), f32x4.splat(args.scale));
    storeSome(args.y + ((<usize>(outer * inner + column)) << 2), sum, count);
  }
}

/** The largest along the middle axis, or NaN if there is one. */
export function largest(args: SumsArgs, first: i32, end: i32): void {
  extrema(args, first, end, true);
}

/** The smallest. */
export function smallest(args: SumsArgs, first: i32, end: i32): void {
  extrema(args, first, end, false);
}

function extrema(args: SumsArgs, first: i32, end: i32, large: bool): void {
  const length = args.length;
  const inner = args.inner;
  const least = f32x4.splat(large ? -Infinity : Infinity);
  const perOuter = inner == 1 ? 1 : (inner + 3) / 4;
  for (let item = first; item < end; item++) {
    const outer = item / perOuter;
    const column = (item % perOuter) * 4;
    let x = args.x + ((<usize>(outer * length * inner + column)) << 2);
    const y = args.y + ((<usize>(outer * inner + column)) << 2);
    let best = least;
    if (inner > 1) {
      const count = min(4, inner - column);
      const line = (<usize>inner) << 2;
      for (let k = 0; k < length; k++, x += line) best = better(best, loadSome(x, count), large);
      storeSome(y, best, count);
      continue;
    }
    let k = 0;
    for (; k + 4 <= length; k += 4, x += 16) best = better(best, v128.load(x), large);
    for (; k < length; k++, x += 4) best = better(best, v128.load_splat<f32>(x), large);
    store<f32>(y, large ? largestOf(best) : smallestOf(best));
  }
}

function better(x: v128, y: v128, large: bool): v128 {
  return large ? f32x4.max(x, y) : f32x4.min(x, y);
}

function sumOfLine(x: usize, length: i32): f32 {
  let total = f32x4.splat(0);
  let k = 0;
  for (; k + 16 <= length;) {
    let s = f32x4.splat(0);
    let t = f32x4.splat(0);
    let u = f32x4.splat(0);
    let v = f32x4.splat(0);
    const to = min(k + 4 * VECTORS * 4, length);
    for (; k + 16 <= to; k += 16, x += 64) {
      s = f32x4.add(s, v128.load(x));
      t = f32x4.add(t, v128.load(x, 16));
      u = f32x4.add(u, v128.load(x, 32));
      v = f32x4.add(v, v128.load(x, 48));
    }
    total = f32x4.add(total, f32x4.add(f32x4.add(s, t), f32x4.add(u, v)));
  }
  for (; k + 4 <= length; k += 4, x += 16) total = f32x4.add(total, v128.load(x));
  let sum = sumOf(total);
  for (; k < length; k++, x += 4) sum += load<f32>(x);
  return sum;
}

/** Of up to four columns. */
function sumOfColumns(x: usize, length: i32, line: usize, count: i32): v128 {
  let total = f32x4.splat(0);
  for (let k = 0; k < length;) {
    let sum = f32x4.splat(0);
    const to = min(k + VECTORS, length);
    if (count == 4) for (; k < to; k++, x += line) sum = f32x4.add(sum, v128.load(x));
    else for (; k < to; k++, x += line) sum = f32x4.add(sum, loadSome(x, count));
    total = f32x4.add(total, sum);
  }
  return total;
}
