import { addRow } from './product';
import { scratch } from './team';
import { COLUMNS, panelOf4, panelOf8, ROWS, TERMS, tile, tiles } from './tile';

/*
 * The three products of a convolution, of which patches of images are an operand. An item takes some places, copies what
 * lies under their windows into its own room, zeros beyond the edges, and lays patches out in panels from there.
 */

/** Of rows or columns, as `spatial.ts` has it: element t of place o stands on element o · stride − before + t · dilation. */
@unmanaged
export class Axis {
  input: i32;
  window: i32;
  stride: i32;
  dilation: i32;
  before: i32;
  output: i32;
  /** From a tap to the next one that meets the same places as a gradient flows back. */
  tapStep: i32;
  /** Of those, the last. */
  last: i32;
}

/** Windows on images, and where they are found. */
@unmanaged
export class Grid {
  images: usize;
  /** Bytes of a pixel, and those that are wanted of it. */
  bytes: usize;
  taken: usize;
  /** Whether no window reaches beyond the images: patches are then read where they are. */
  inside: i32;
  /** Bytes from a pixel to the next one, and from a row to the next, where patches are read. */
  pixel: usize;
  line: usize;
  /** The first of an item's places, and how many there are. */
  first: i32;
  count: i32;
}

const AXIS: usize = offsetof<Axis>();
const GRID: usize = offsetof<Grid>();

/** What a thread's room has: a tile, a grid and its axes, addresses of places, of results, and panels. */
export const GRID_AT: usize = 128;
export const PLACES_AT: usize = 256;
export const RESULTS_AT: usize = 1280;
const A_AT: usize = 4096;
export const B_AT: usize = 36_864;
const COPY_AT: usize = 167_936;

/** Places whose patches are in panels at once. */
const BLOCK: i32 = 32;

export function rowsOf(grid: Grid): Axis {
  return changetype<Axis>(changetype<usize>(grid) + GRID);
}

export function columnsOf(grid: Grid): Axis {
  return changetype<Axis>(changetype<usize>(grid) + GRID + AXIS);
}

function spanOf(axis: Axis): i32 {
  return (axis.window - 1) * axis.dilation + 1;
}

/** Bytes before so many numbers. */
export function at(numbers: i32): usize {
  return (<usize>numbers) << 2;
}

function zero(to: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
}

export function copy(from: usize, to: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
}

/** Copies pixels of a row, zeros for those that are not in the image. */
function copyRow(grid: Grid, image: i32, row: i32, column: i32, width: i32, to: usize): void {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const taken = grid.taken;
  const isIn = row >= 0 && row < rows.input;
  const before = isIn ? min(max(-column, 0), width) : width;
  const inside = max(min(width, columns.input - column) - before, 0);
  zero(to, <usize>before * taken);
  to += <usize>before * taken;
  let from = grid.images + <usize>((image * rows.input + row) * columns.input + column + before) * grid.bytes;
  if (taken == grid.bytes) copy(from, to, <usize>inside * taken);
  else for (let i = 0; i < inside; i++, from += grid.bytes) copy(from, to + <usize>i * taken, taken);
  to += <usize>inside * taken;
  if (isIn) zero(to, <usize>(width - before - inside) * taken);
}

/** Finds, for each of some places, where its window's first tap lies, having copied what is under the windows. */
export function layOut(grid: Grid, first: i32, count: i32): void {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const area = rows.output * columns.output;
  let image = first / area;
  let i = (first % area) / columns.output;
  let j = first % columns.output;
  let place = scratch + PLACES_AT;
  if (grid.inside) {
    grid.pixel = grid.bytes;
    grid.line = <usize>columns.input * grid.bytes;
    for (; count > 0; count--, place += 4) {
      const row = image * rows.input + i * rows.stride - rows.before;
      const pixel = row * columns.input + j * columns.stride - columns.before;
      store<usize>(place, grid.images + <usize>pixel * grid.bytes);
      if (++j < columns.output) continue;
      j = 0;
      if (++i < rows.output) continue;
      i = 0;
      image++;
    }
    return;
  }
  const isPart = j + count <= columns.output;
  const from = isPart ? j : 0;
  const width = ((isPart ? count : columns.output) - 1) * columns.stride + spanOf(columns);
  const pixel = grid.taken;
  const line = <usize>width * pixel;
  grid.pixel = pixel;
  grid.line = line;
  let to = scratch + COPY_AT;
  while (count > 0) {
    const here = min(count, area - i * columns.output - j);
    const top = i;
    const height = ((j + here - 1) / columns.output) * rows.stride + spanOf(rows);
    const corner = to;
    for (let row = 0; row < height; row++, to += line) {
      copyRow(grid, image, i * rows.stride - rows.before + row, from * columns.stride - columns.before, width, to);
    }
    for (let n = 0; n < here; n++, place += 4) {
      store<usize>(
        place,
        corner + <usize>((i - top) * rows.stride) * line + <usize>((j - from) * columns.stride) * pixel,
      );
      if (++j < columns.output) continue;
      j = 0;
      i++;
    }
    count -= here;
    image++;
    i = 0;
    j = 0;
  }
}

/** Terms of four lines, into a panel. */
function panelOfLines(a: usize, b: usize, c: usize, d: usize, terms: i32, panel: usize): void {
  const line = b - a;
  if (c - b == line && d - c == line) {
    panelOf4(a, line, 4, 4, terms, panel);
    return;
  }
  let k = 0;
  for (; k + 4 <= terms; k += 4, a += 16, b += 16, c += 16, d += 16, panel += 64) {
    const r0 = v128.load(a);
    const r1 = v128.load(b);
    const r2 = v128.load(c);
    const r3 = v128.load(d);
    const s0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const s1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const s2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const s3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(panel, v128.shuffle<f32>(s0, s1, 0, 1, 4, 5));
    v128.store(panel, v128.shuffle<f32>(s0, s1, 2, 3, 6, 7), 16);
    v128.store(panel, v128.shuffle<f32>(s2, s3, 0, 1, 4, 5), 32);
    v128.store(panel, v128.shuffle<f32>(s2, s3, 2, 3, 6, 7), 48);
  }
  for (; k < terms; k++, a += 4, b += 4, c += 4, d += 4, panel += 16) {
    store<f32>(panel, load<f32>(a));
    store<f32>(panel, load<f32>(b), 4);
    store<f32>(panel, load<f32>(c), 8);
    store<f32>(panel, load<f32>(d), 12);
  }
}

@unmanaged
export class PatchArgs {
  x: usize;
  panels: usize;
  /** 0: there is none. */
  bias: usize;
  y: usize;
  images: i32;
  /** Channels of what patches are read of, and of what is made; and those of a group. */
  channels: i32;
  features: i32;
  groups: i32;
  /** Whether it is the gradient of the images. */
  isBack: i32;
  inside: i32;
  /** What is cut into items: all places, 1: an image's, 2: a row's. */
  cut: i32;
  /** Places of an item. */
  places: i32;
  /** Items of a phase. */
  items: i32;
  /** Terms that the panels of a phase have room for. */
  mostTerms: i32;
}

/**
 * As a gradient flows back, pixels whose distance is a multiple of the stride meet the same taps: they are a phase. Their
 * taps, from the last to the first, slide over the places.
 */
function phaseOf(from: Axis, first: i32, to: Axis): void {
  const tapStep = from.tapStep;
  const distance = first + from.before;
  let tap = 0;
  while (tap < tapStep && (distance - tap * from.dilation) % from.stride != 0) tap++;
  const taps = tap < tapStep && tap < from.window ? (from.window - tap + tapStep - 1) / tapStep : 0;
  const last = tap + (taps - 1) * tapStep;
  to.input = from.output;
  to.window = taps;
  to.stride = 1;
  to.dilation = (tapStep * from.dilation) / from.stride;
  to.before = taps > 0 ? -((distance - last * from.dilation) / from.stride) : 0;
  to.output = first < from.input ? (from.input - first + from.stride - 1) / from.stride : 0;
  to.tapStep = tapStep;
  to.last = last;
}

/** Windows as a phase has them. */
function enterPhase(axes: usize, isBack: i32, phase: i32, grid: Grid): void {
  const to = changetype<usize>(grid) + GRID;
  if (isBack) {
    const columns = changetype<Axis>(axes + AXIS);
    phaseOf(changetype<Axis>(axes), phase / columns.stride, changetype<Axis>(to));
    phaseOf(columns, phase % columns.stride, changetype<Axis>(to + AXIS));
  } else copy(axes, to, 2 * AXIS);
}

@unmanaged
class TapArgs {
  weight: usize;
  panels: usize;
  /** Of the weights: [taps, channels, features], of a group each. */
  channels: i32;
  features: i32;
  groups: i32;
  mostTerms: i32;
}

/** Lays out, for the gradient of the images, channels' weights in panels; an item is a panel of a group, in a phase. */
export function tapPanels(args: TapArgs, first: i32, end: i32): void {
  const grid = changetype<Grid>(scratch + GRID_AT);
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const width = changetype<Axis>(changetype<usize>(args) + offsetof<TapArgs>() + AXIS).window;
  const perGroup = (args.channels + COLUMNS - 1) / COLUMNS;
  const line = at(args.features * args.groups);
  for (let item = first; item < end; item++) {
    const group = (item / perGroup) % args.groups;
    const channel = (item % perGroup) * COLUMNS;
    enterPhase(changetype<usize>(args) + offsetof<TapArgs>(), 1, item / perGroup / args.groups, grid);
    let to = args.panels + <usize>item * at(args.mostTerms * COLUMNS);
    const from = args.weight + at(group * args.features) + <usize>channel * line;
    for (let i = 0; i < rows.window; i++) {
      for (let j = 0; j < columns.window; j++, to += at(args.features * COLUMNS)) {
        const tap = (rows.last - i * rows.tapStep) * width + columns.last - j * columns.tapStep;
        const x = from + <usize>(tap * args.channels) * line;
        panelOf8(x, line, 4, min(COLUMNS, args.channels - channel), args.features, to);
      }
    }
  }
}

/** Places that are cut into items. */
function runOf(cut: i32, all: i32, rows: Axis, columns: Axis): i32 {
  if (cut == 0) return all;
  return cut == 1 ? rows.output * columns.output : columns.output;
}

/** Lays out what an item needs. @returns its phase */
export function enterItem(args: PatchArgs, item: i32, grid: Grid): i32 {
  const axes = changetype<usize>(args) + offsetof<PatchArgs>();
  const phase = item / args.items;
  enterPhase(axes, args.isBack, phase, grid);
  grid.images = args.x;
  grid.bytes = grid.taken = at(args.channels);
  grid.inside = args.inside;
  grid.count = 0;
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const all = args.images * rows.output * columns.output;
  if (all == 0) return phase;
  const run = runOf(args.cut, all, rows, columns);
  const perRun = (run + args.places - 1) / args.places;
  const within = item % args.items;
  const from = (within % perRun) * args.places;
  grid.first = (within / perRun) * run + from;
  grid.count = min(min(args.places, run - from), all - grid.first);
  if (grid.count <= 0) return phase;
  if (rows.window * columns.window > 0) layOut(grid, grid.first, grid.count);
  findResults(changetype<Axis>(axes), changetype<Axis>(axes + AXIS), grid, phase, args);
  return phase;
}

/** What each place makes of its patch, or what each pixel is sent back; an item is some places of a phase. */
export function patches(args: PatchArgs, first: i32, end: i32): void {
  const grid = changetype<Grid>(scratch + GRID_AT);
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const perGroup = args.features / args.groups;
  const panels = (perGroup + COLUMNS - 1) / COLUMNS;
  for (let item = first; item < end; item++) {
    const phase = enterItem(args, item, grid);
    const terms = (rows.window * columns.window * args.channels) / args.groups;
    for (let group = 0; group < args.groups; group++) {
      const b = args.panels + <usize>((phase * args.groups + group) * panels) * at(args.mostTerms * COLUMNS);
      for (let i = 0; i < grid.count; i += BLOCK) {
        block(args, grid, group, i, min(BLOCK, grid.count - i), terms, b, perGroup);
      }
    }
  }
}

/** Whether neighbouring places have their results side by side. */
function areTogether(args: PatchArgs): bool {
  const axes = changetype<usize>(args) + offsetof<PatchArgs>();
  return args.isBack == 0 || changetype<Axis>(axes).stride * changetype<Axis>(axes + AXIS).stride == 1;
}

/** Finds where the results of an item's places are. */
function findResults(down: Axis, across: Axis, grid: Grid, phase: i32, args: PatchArgs): void {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const area = rows.output * columns.output;
  const isScattered = !areTogether(args);
  for (let n = 0; n < grid.count; n++) {
    let pixel = grid.first + n;
    if (isScattered) {
      const i = ((pixel % area) / columns.output) * down.stride + phase / across.stride;
      const j = (pixel % columns.output) * across.stride + (phase % across.stride);
      pixel = ((pixel / area) * down.input + i) * across.input + j;
    }
    store<usize>(scratch + RESULTS_AT + at(n), args.y + at(pixel * args.features));
  }
}

/** Results of a group for some places. */
function block(args: PatchArgs, grid: Grid, group: i32, first: i32, count: i32, K: i32, b: usize, columns: i32): void {
  const panels = scratch + A_AT;
  const places = scratch + PLACES_AT + at(first);
  const results = scratch + RESULTS_AT + at(first);
  const line = at(args.features);
  const panel = at(args.mostTerms * COLUMNS);
  const channels = args.channels / args.groups;
  const groupAt = at(group * channels);
  const own = at(group * columns);
  const c = load<usize>(results) + own;
  const together = areTogether(args);
  for (let k = 0; k < K || k == 0; k += TERMS) {
    const terms = min(TERMS, K - k);
    for (let i = 0; terms > 0 && i < count; i += ROWS) {
      const last = count - 1;
      patchPanel(
        grid,
        load<usize>(places + at(i)) + groupAt,
        load<usize>(places + at(min(i + 1, last))) + groupAt,
        load<usize>(places + at(min(i + 2, last))) + groupAt,
        load<usize>(places + at(min(i + 3, last))) + groupAt,
        channels,
        k,
        terms,
        panels + at(i * terms),
      );
    }
    const from = b + at(k * COLUMNS);
    if (together) tiles(panels, count, from, panel, columns, terms, c, line, k > 0);
    else scatteredTiles(panels, count, from, panel, columns, terms, results, own, k > 0);
  }
  if (!args.bias) return;
  const bias = args.bias + own;
  if (together) addRow(c, line, bias, count, columns);
  else for (let i = 0; i < count; i++) addRow(load<usize>(results + at(i)) + own, line, bias, 1, columns);
}

/** Some terms of four patches, into a panel; terms are taps and their channels, in order. */
function patchPanel(
  grid: Grid,
  p: usize,
  q: usize,
  r: usize,
  s: usize,
  channels: i32,
  first: i32,
  terms: i32,
  panel: usize,
): void {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  // Taps of a row are one run of numbers where nothing lies between them.
  const isRun = columns.dilation == 1 && grid.pixel == at(channels);
  const run = isRun ? columns.window * channels : channels;
  const runs = isRun ? 1 : columns.window;
  const down = <usize>rows.dilation * grid.line;
  const across = <usize>columns.dilation * grid.pixel;
  let from = first;
  let line: usize = 0;
  let j = 0;
  if (first > 0) {
    const n = first / run;
    from = first % run;
    j = n % runs;
    line = <usize>(n / runs) * down;
  }
  while (terms > 0) {
    const offset = line + <usize>j * across + at(from);
    const count = min(terms, run - from);
    panelOfLines(p + offset, q + offset, r + offset, s + offset, count, panel);
    panel += at(ROWS * count);
    terms -= count;
    from = 0;
    if (++j < runs) continue;
    j = 0;
    line += down;
  }
}

/** As `tiles`, where each row has an address of its own, and C is `own` bytes from there. */
function scatteredTiles(
  a: usize,
  rows: i32,
  b: usize,
  panel: usize,
  columns: i32,
  terms: i32,
  results: usize,
  own: usize,
  adds: bool,
): void {
  for (let j = 0; j < columns; j += COLUMNS, b += panel) {
    for (let i = 0; i < rows; i += ROWS) {
      tile(a + at(i * terms), b, terms, scratch, at(COLUMNS), false);
      for (let r = 0; r < min(ROWS, rows - i); r++) {
        const to = load<usize>(results + at(i + r)) + own + at(j);
        const from = scratch + at(r * COLUMNS);
        for (let n = 0; n < min(COLUMNS, columns - j); n++) {
          const sum = load<f32>(from + at(n));
          store<f32>(to + at(n), adds ? load<f32>(to + at(n)) + sum : sum);
        }
      }
    }
  }
}

@unmanaged
export class WeightArgs {
  x: usize;
  dY: usize;
  /** The gradient, of each part of the places. */
  sums: usize;
  images: i32;
  channels: i32;
  features: i32;
  groups: i32;
  inside: i32;
  /** As in PatchArgs; places whose patches are in panels at once, how many such chunks there are, and in a part. */
  cut: i32;
  places: i32;
  chunks: i32;
  chunksOfPart: i32;
  /** Channels and features of an item, of one group. */
  channelBlock: i32;
  featureBlock: i32;
}

/** Windows of the weights' gradient. */
export function enterWeights(args: WeightArgs, grid: Grid): void {
  copy(changetype<usize>(args) + offsetof<WeightArgs>(), changetype<usize>(rowsOf(grid)), 2 * AXIS);
  grid.bytes = at(args.channels);
  grid.inside = args.inside;
}

/** Lays out some channels of a chunk of places. */
export function enterChunk(args: WeightArgs, grid: Grid, chunk: i32, channel: i32, count: i32): void {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const run = runOf(args.cut, args.images * rows.output * columns.output, rows, columns);
  const perRun = (run + args.places - 1) / args.places;
  const from = (chunk % perRun) * args.places;
  grid.images = args.x + at(channel);
  grid.taken = at(count);
  grid.first = (chunk / perRun) * run + from;
  grid.count = min(args.places, run - from);
  layOut(grid, grid.first, grid.count);
}

/** The gradient of the weights, over a part of the places; an item is a part's block of channels and features. */
export function patchWeights(args: WeightArgs, first: i32, end: i32): void {
  const grid = changetype<Grid>(scratch + GRID_AT);
  enterWeights(args, grid);
  const taps = rowsOf(grid).window * columnsOf(grid).window;
  const channels = args.channels / args.groups;
  const share = args.features / args.groups;
  const channelBlocks = (channels + args.channelBlock - 1) / args.channelBlock;
  const featureBlocks = (share + args.featureBlock - 1) / args.featureBlock;
  const line = at(args.features);
  for (let item = first; item < end; item++) {
    const feature = (item % featureBlocks) * args.featureBlock;
    const blocks = item / featureBlocks;
    const channel = (blocks % channelBlocks) * args.channelBlock;
    const groups = blocks / channelBlocks;
    const group = groups % args.groups;
    const part = groups / args.groups;
    const wide = min(args.featureBlock, share - feature);
    const deep = min(args.channelBlock, channels - channel);
    // Rows of the gradient lie side by side through all taps, or through one of them.
    const length = deep == channels ? taps * deep : deep;
    const begin = part * args.chunksOfPart;
    const stop = min(begin + args.chunksOfPart, args.chunks);
    const to = args.sums + at((part * taps * channels + channel) * args.features + group * share + feature);
    for (let chunk = begin; chunk < stop; chunk++) {
      enterChunk(args, grid, chunk, group * channels + channel, deep);
      const count = grid.count;
      const dY = args.dY + at(grid.first * args.features + group * share + feature);
      for (let j = 0; j < wide; j += COLUMNS) {
        panelOf8(dY + at(j), 4, line, min(COLUMNS, wide - j), count, scratch + B_AT + at(j * count));
      }
      for (let row = 0; row < taps * deep; row += length) {
        for (let i = 0; i < length; i += BLOCK) {
          const here = min(BLOCK, length - i);
          for (let r = 0; r < here; r += ROWS) {
            linePanel(grid, deep, row + i + r, min(ROWS, here - r), count, scratch + A_AT + at(r * count));
          }
          const c = to + <usize>((row / deep) * channels + i) * line;
          tiles(scratch + A_AT, here, scratch + B_AT, at(count * COLUMNS), wide, count, c, line, chunk > begin);
        }
      }
    }
  }
}

/** Where in a patch a tap's channel is. */
function offsetOf(grid: Grid, row: i32, channels: i32): usize {
  const rows = rowsOf(grid);
  const columns = columnsOf(grid);
  const tap = row / channels;
  return (
    <usize>((tap / columns.window) * rows.dilation) * grid.line +
    <usize>((tap % columns.window) * columns.dilation) * grid.pixel +
    at(row % channels)
  );
}

/** Up to four taps' channels, at each of some places, into a panel. */
function linePanel(grid: Grid, channels: i32, row: i32, count: i32, places: i32, panel: usize): void {
  const last = row + count - 1;
  // By way of memory, since engines divide again in every turn of a loop otherwise.
  const offsets = scratch + RESULTS_AT;
  for (let n = 0; n < ROWS; n++) store<usize>(offsets + at(n), offsetOf(grid, min(row + n, last), channels));
  const p = load<usize>(offsets);
  const q = load<usize>(offsets, 4);
  const r = load<usize>(offsets, 8);
  const s = load<usize>(offsets, 12);
  let place = scratch + PLACES_AT;
  const end = place + at(places);
  if (q - p == 4 && r - q == 4 && s - r == 4) {
    for (; place < end; place += 4, panel += 16) v128.store(panel, v128.load(load<usize>(place) + p));
    return;
  }
  for (; place < end; place += 4, panel += 16) {
    const x = load<usize>(place);
    store<f32>(panel, load<f32>(x + p));
    store<f32>(panel, load<f32>(x + q), 4);
    store<f32>(panel, load<f32>(x + r), 8);
    store<f32>(panel, load<f32>(x + s), 12);
  }
}
