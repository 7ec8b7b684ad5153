import {
  at,
  Axis,
  B_AT,
  columnsOf,
  copy,
  enterChunk,
  enterItem,
  enterWeights,
  Grid,
  GRID_AT,
  PatchArgs,
  PLACES_AT,
  RESULTS_AT,
  rowsOf,
  WeightArgs,
} from './convolution';
import { scratch } from './team';

/*
 * Convolutions in which each channel makes one feature, of its own: channels in fours, for four places at a time, or four
 * taps. Their weights are read where they are.
 */

const PLACES: i32 = 4;
const TAPS: i32 = 4;

/** As `patches`, its panels being the weights. */
export function depthwise(args: PatchArgs, first: i32, end: i32): void {
  const grid = changetype<Grid>(scratch + GRID_AT);
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  // A gradient meets the taps from the last to the first.
  const isBack = args.isBack != 0;
  const width = changetype<Axis>(changetype<usize>(args) + offsetof<PatchArgs>() + offsetof<Axis>()).window;
  for (let item = first; item < end; item++) {
    enterItem(args, item, grid);
    const tap = isBack ? rows.last * width + columns.last : 0;
    const down = at((isBack ? -rows.tapStep * width : width) * args.channels);
    const across = at((isBack ? -columns.tapStep : 1) * args.channels);
    const weight = args.panels + at(tap * args.channels);
    for (let i = 0; i < grid.count; i += PLACES) fourPlaces(args, grid, i, weight, down, across);
  }
}

function fourPlaces(args: PatchArgs, grid: Grid, first: i32, weight: usize, down: usize, across: usize): void {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const line = <usize>rows.dilation * grid.line;
  const pixel = <usize>columns.dilation * grid.pixel;
  const height = rows.window;
  const width = columns.window;
  const channels = args.channels;
  // Beyond the last place, it again.
  const last = grid.count - 1;
  const n0 = at(first);
  const n1 = at(min(first + 1, last));
  const n2 = at(min(first + 2, last));
  const n3 = at(min(first + 3, last));
  const places = scratch + PLACES_AT;
  const results = scratch + RESULTS_AT;
  const p = load<usize>(places + n0);
  const q = load<usize>(places + n1);
  const r = load<usize>(places + n2);
  const s = load<usize>(places + n3);
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    let y0 = args.bias ? v128.load(args.bias + at(c)) : f32x4.splat(0);
    let y1 = y0;
    let y2 = y0;
    let y3 = y0;
    for (let i = 0; i < height; i++) {
      let x = <usize>i * line + at(c);
      let w = weight + <usize>i * down + at(c);
      for (let j = 0; j < width; j++, x += pixel, w += across) {
        const v = v128.load(w);
        y0 = f32x4.add(y0, f32x4.mul(v, v128.load(p + x)));
        y1 = f32x4.add(y1, f32x4.mul(v, v128.load(q + x)));
        y2 = f32x4.add(y2, f32x4.mul(v, v128.load(r + x)));
        y3 = f32x4.add(y3, f32x4.mul(v, v128.load(s + x)));
      }
    }
    v128.store(load<usize>(results + n0) + at(c), y0);
    v128.store(load<usize>(results + n1) + at(c), y1);
    v128.store(load<usize>(results + n2) + at(c), y2);
    v128.store(load<usize>(results + n3) + at(c), y3);
  }
  for (; c < channels; c++) {
    for (let n = first; n < min(first + PLACES, grid.count); n++) {
      let y: f32 = args.bias ? load<f32>(args.bias + at(c)) : 0;
      for (let i = 0; i < height; i++) {
        let x = load<usize>(places + at(n)) + <usize>i * line + at(c);
        let w = weight + <usize>i * down + at(c);
        for (let j = 0; j < width; j++, x += pixel, w += across) y += load<f32>(x) * load<f32>(w);
      }
      store<f32>(load<usize>(results + at(n)) + at(c), y);
    }
  }
}

/** As `patchWeights`; an item is a part's block of channels. */
export function depthwiseWeights(args: WeightArgs, first: i32, end: i32): void {
  const grid = changetype<Grid>(scratch + GRID_AT);
  enterWeights(args, grid);
  const taps = rowsOf(grid).window * columnsOf(grid).window;
  const blocks = (args.channels + args.channelBlock - 1) / args.channelBlock;
  for (let item = first; item < end; item++) {
    const channel = (item % blocks) * args.channelBlock;
    const part = item / blocks;
    const begin = part * args.chunksOfPart;
    const stop = min(begin + args.chunksOfPart, args.chunks);
    const to = args.sums + at(part * taps * args.channels + channel);
    for (let chunk = begin; chunk < stop; chunk++) {
      const deep = min(args.channelBlock, args.channels - channel);
      enterChunk(args, grid, chunk, channel, deep);
      // Close together, what each place is sent stays at hand for all taps.
      const dY = args.dY + at(grid.first * args.channels + channel);
      for (let n = 0; n < grid.count; n++) copy(dY + at(n * args.channels), scratch + B_AT + at(n * deep), at(deep));
      for (let tap = 0; tap < taps; tap += TAPS) fourTaps(args, grid, tap, taps, deep, to, chunk > begin);
    }
  }
}

/** Where in a patch a tap is. */
function tapAt(grid: Grid, tap: i32): usize {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const down = <usize>((tap / columns.window) * rows.dilation) * grid.line;
  return down + <usize>((tap % columns.window) * columns.dilation) * grid.pixel;
}

function fourTaps(args: WeightArgs, grid: Grid, first: i32, taps: i32, channels: i32, to: usize, adds: bool): void {
  const line = at(args.channels);
  const step = at(channels);
  // Beyond the last tap, it again.
  const last = taps - 1;
  // By way of memory, since engines divide again in every turn of a loop otherwise.
  const offsets = scratch + RESULTS_AT;
  for (let n = 0; n < TAPS; n++) store<usize>(offsets + at(n), tapAt(grid, min(first + n, last)));
  const p = load<usize>(offsets);
  const q = load<usize>(offsets, 4);
  const r = load<usize>(offsets, 8);
  const s = load<usize>(offsets, 12);
  const places = scratch + PLACES_AT;
  const end = places + at(grid.count);
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    let w0 = f32x4.splat(0);
    let w1 = w0;
    let w2 = w0;
    let w3 = w0;
    let y = scratch + B_AT + at(c);
    for (let place = places; place < end; place += 4, y += step) {
      const x = load<usize>(place) + at(c);
      const v = v128.load(y);
      w0 = f32x4.add(w0, f32x4.mul(v, v128.load(x + p)));
      w1 = f32x4.add(w1, f32x4.mul(v, v128.load(x + q)));
      w2 = f32x4.add(w2, f32x4.mul(v, v128.load(x + r)));
      w3 = f32x4.add(w3, f32x4.mul(v, v128.load(x + s)));
    }
    let w = to + <usize>first * line + at(c);
    keep(w, w0, adds);
    if (first + 1 < taps) keep(w + line, w1, adds);
    if (first + 2 < taps) keep(w + 2 * line, w2, adds);
    if (first + 3 < taps) keep(w + 3 * line, w3, adds);
  }
  for (; c < channels; c++) {
    for (let tap = first; tap < min(first + TAPS, taps); tap++) {
      const offset = tapAt(grid, tap) + at(c);
      let sum: f32 = 0;
      let y = scratch + B_AT + at(c);
      for (let place = places; place < end; place += 4, y += step) {
        sum += load<f32>(y) * load<f32>(load<usize>(place) + offset);
      }
      const w = to + <usize>tap * line + at(c);
      store<f32>(w, adds ? load<f32>(w) + sum : sum);
    }
  }
}

function keep(to: usize, sum: v128, adds: bool): void {
  v128.store(to, adds ? f32x4.add(v128.load(to), sum) : sum);
}
