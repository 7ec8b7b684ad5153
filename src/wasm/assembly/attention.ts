import { largestOf, sumOf } from './lanes';
import { exp, log } from './math';
import { dropFactors } from './philox';
import { copy, integerAt, zero } from './rows';
import { scratch } from './team';
import { COLUMNS, panelOf4, panelOf8, ROWS, tiles } from './tile';

/*
 * Attention without its scores, as the GPU's kernels have it: tiles of keys pass by a tile of queries, and softmax is carried
 * along. Forward, an item is a tile of queries of a head. On the way back it is all of a head's keys, and the heads of queries
 * that share them, since their slopes are sums over one another: tiles of queries pass by a tile of keys.
 */

// Legend: q [N, T, H, D], k and v [N, S, Hkv, D], y as q, lse [N, H, T]; P weights, dS slopes of scores.

const QUERIES: i32 = 32;
/** A multiple of the four keys that draw one block. */
const KEYS: i32 = 64;
/** Bytes from one query's scores to the next. */
const LINE: usize = 4 * 64;
/** What `edge` needs in front of all that a kernel lays out for itself. */
const TILE_ROOM: usize = 128;

/** A word of the control state, as `src/ops/training/control.ts` has them. */
const PART: usize = 4;
/** The last word of a counter: these blocks are no other op's. */
const DRAWS: i32 = 4;

@unmanaged
class AttentionArgs {
  q: usize;
  k: usize;
  v: usize;
  y: usize;
  lse: usize;
  /** Of the way back alone, as are slopes and rows. */
  dY: usize;
  /** 0, as the next two: there is none. */
  lengths: usize;
  mask: usize;
  control: usize;
  slopes: usize;
  rows: usize;
  T: i32;
  S: i32;
  H: i32;
  /** Heads of queries that share keys. */
  group: i32;
  D: i32;
  left: i32;
  right: i32;
  scale: f32;
  lengthBytes: i32;
  maskBytes: i32;
  /** Elements of the mask from one sample, head and query to the next. */
  maskSample: i32;
  maskHead: i32;
  maskQuery: i32;
  /** A weight is dropped if its 24 bits are below. */
  threshold: u32;
  stream: u32;
  partCount: i32;
  /** What a weight that is kept is multiplied by. */
  kept: f32;
  /** Elements: where operands begin, and from one time step to the next. */
  qFirst: i32;
  qStride: i32;
  kFirst: i32;
  kStride: i32;
  vFirst: i32;
  vStride: i32;
  dqFirst: i32;
  dqStride: i32;
  dkFirst: i32;
  dkStride: i32;
  dvFirst: i32;
  dvStride: i32;
}

/** Where a head's numbers of a time step are. */
function placeOf(x: usize, first: i32, stride: i32, step: i32, head: i32, D: i32): usize {
  return x + ((<usize>(first + step * stride + head * D)) << 2);
}

/** Keys that a sample has. */
function keysOf(args: AttentionArgs, n: i32): i32 {
  return args.lengths ? max(0, min(integerAt(args.lengths, args.lengthBytes, n), args.S)) : args.S;
}

function padded(columns: i32): i32 {
  return ((columns + COLUMNS - 1) / COLUMNS) * COLUMNS;
}

/** Rows in panels of all their terms, side by side. */
function rowPanels(x: usize, line: usize, term: usize, rows: i32, terms: i32, panels: usize): void {
  for (let i = 0; i < rows; i += ROWS) {
    panelOf4(x + <usize>i * line, line, term, min(ROWS, rows - i), terms, panels + ((<usize>(i * terms)) << 2));
  }
}

/** Columns so. */
function columnPanels(x: usize, line: usize, term: usize, columns: i32, terms: i32, panels: usize): void {
  for (let j = 0; j < columns; j += COLUMNS) {
    panelOf8(x + <usize>j * line, line, term, min(COLUMNS, columns - j), terms, panels + ((<usize>(j * terms)) << 2));
  }
}

/** Rows times columns, both in panels. */
function multiply(a: usize, rows: i32, b: usize, columns: i32, terms: i32, c: usize, line: usize, adds: bool): void {
  tiles(a, rows, b, (<usize>(terms * COLUMNS)) << 2, columns, terms, c, line, adds);
}

/** Scales a query's scores with some keys; those of keys that it does not see become −∞. */
function see(args: AttentionArgs, scores: usize, n: i32, h: i32, t: i32, key0: i32, keys: i32): void {
  const from = t - args.left - key0;
  const to = min(keys, t + args.right + 1 - key0);
  const scale = f32x4.splat(args.scale);
  const none = f32x4.splat(-Infinity);
  const step = i32x4.splat(4);
  let place = i32x4(0, 1, 2, 3);
  for (let j = 0; j < keys; j += 4) {
    const at = scores + ((<usize>j) << 2);
    const seen = v128.and(i32x4.ge_s(place, i32x4.splat(from)), i32x4.lt_s(place, i32x4.splat(to)));
    v128.store(at, v128.bitselect(f32x4.mul(v128.load(at), scale), none, seen));
    place = i32x4.add(place, step);
  }
  if (!args.mask) return;
  const mask = n * args.maskSample + h * args.maskHead + t * args.maskQuery + key0;
  for (let j = 0; j < keys; j++) {
    if (integerAt(args.mask, args.maskBytes, mask + j) == 0) store<f32>(scores + ((<usize>j) << 2), -Infinity);
  }
}

/** By what a query's weights of some keys are multiplied: 0 if they are dropped. Four keys draw one block. */
function draw(args: AttentionArgs, row: i32, key0: i32, keys: i32, to: usize): void {
  const counter = i32x4.splat(load<i32>(args.control, PART) * args.partCount + row);
  const stream = i32x4.splat(args.stream);
  for (let j = 0; j < keys; j += 16, to += 64) {
    const blocks = i32x4.add(i32x4.splat((key0 + j) / 4), i32x4(0, 1, 2, 3));
    const last = i32x4.add(i32x4.splat(DRAWS), i32x4.shl(blocks, 8));
    dropFactors(counter, stream, last, args.control, args.threshold, args.kept, to);
  }
}

/** The largest of a row, or `least`. */
function largestIn(x: usize, count: i32, least: f32): f32 {
  let m = f32x4.splat(least);
  for (let j = 0; j < count; j += 4, x += 16) m = f32x4.max(m, v128.load(x));
  return largestOf(m);
}

function scaleRow(x: usize, count: i32, factor: f32): void {
  const by = f32x4.splat(factor);
  for (let d = 0; d < count; d += 4, x += 16) v128.store(x, f32x4.mul(v128.load(x), by));
}

/** Scores to the weights' dividends, in place. @returns their sum */
function exponentials(scores: usize, keys: i32, largest: f32): f32 {
  const most = f32x4.splat(largest);
  let sum = f32x4.splat(0);
  for (let j = 0; j < keys; j += 4, scores += 16) {
    const e = exp(f32x4.sub(v128.load(scores), most));
    v128.store(scores, e);
    sum = f32x4.add(sum, e);
  }
  return sumOf(sum);
}

function multiplyRows(x: usize, y: usize, count: i32): void {
  for (let j = 0; j < count; j += 4, x += 16, y += 16) v128.store(x, f32x4.mul(v128.load(x), v128.load(y)));
}

export function attentionForward(args: AttentionArgs, first: i32, end: i32): void {
  const T = args.T;
  const H = args.H;
  const D = args.D;
  const wide = padded(D);
  const accLine = (<usize>wide) << 2;
  const qPanels = scratch + TILE_ROOM;
  const panels = qPanels + <usize>QUERIES * accLine;
  const acc = panels + <usize>KEYS * accLine;
  const scores = acc + <usize>QUERIES * accLine;
  const weights = scores + <usize>QUERIES * LINE;
  const kept = weights + <usize>QUERIES * LINE;
  // By query the largest score so far, and what softmax divides by.
  const largest = kept + LINE;
  const sums = largest + ((<usize>QUERIES) << 2);
  const blocks = (T + QUERIES - 1) / QUERIES;
  for (let item = first; item < end; item++) {
    const t0 = (item % blocks) * QUERIES;
    const h = (item / blocks) % H;
    const n = item / (blocks * H);
    const head = h / args.group;
    const rows = min(QUERIES, T - t0);
    const from = (max(0, t0 - args.left) / COLUMNS) * COLUMNS;
    const to = min(keysOf(args, n), t0 + rows + args.right);
    const q = placeOf(args.q, args.qFirst, args.qStride, n * T + t0, h, D);
    rowPanels(q, (<usize>args.qStride) << 2, 4, rows, D, qPanels);
    for (let i = 0; i < rows; i++) {
      store<f32>(largest + ((<usize>i) << 2), -Infinity);
      store<f32>(sums + ((<usize>i) << 2), 0);
    }
    for (let key0 = from; key0 < to; key0 += KEYS) {
      const keys = min(KEYS, to - key0);
      const k = placeOf(args.k, args.kFirst, args.kStride, n * args.S + key0, head, D);
      columnPanels(k, (<usize>args.kStride) << 2, 4, keys, D, panels);
      multiply(qPanels, padRows(rows), panels, padded(keys), D, scores, LINE, false);
      for (let i = 0; i < rows; i++) {
        const row = scores + <usize>i * LINE;
        const state = (<usize>i) << 2;
        see(args, row, n, h, t0 + i, key0, keys);
        const before = load<f32>(largest + state);
        const now = largestIn(row, keys, before);
        store<f32>(largest + state, now);
        // No key so far: −∞ − −∞ is NaN.
        const sum = exponentials(row, keys, now == -Infinity ? 0 : now);
        const less = before == now ? <f32>1 : f32x4.extract_lane(exp(f32x4.splat(before - now)), 0);
        store<f32>(sums + state, load<f32>(sums + state) * less + sum);
        if (key0 > from && less != 1) scaleRow(acc + <usize>i * accLine, wide, less);
        if (args.control) {
          draw(args, (n * H + h) * T + t0 + i, key0, keys, kept);
          multiplyRows(row, kept, keys);
        }
      }
      const v = placeOf(args.v, args.vFirst, args.vStride, n * args.S + key0, head, D);
      columnPanels(v, 4, (<usize>args.vStride) << 2, D, keys, panels);
      rowPanels(scores, LINE, 4, rows, keys, weights);
      multiply(weights, padRows(rows), panels, wide, keys, acc, accLine, key0 > from);
    }
    for (let i = 0; i < rows; i++) {
      const state = (<usize>i) << 2;
      const y = args.y + ((<usize>(((n * T + t0 + i) * H + h) * D)) << 2);
      const lse = args.lse + ((<usize>((n * H + h) * T + t0 + i)) << 2);
      const most = load<f32>(largest + state);
      if (most == -Infinity) {
        store<f32>(lse, -Infinity);
        zero(y, D);
        continue;
      }
      const sum = load<f32>(sums + state);
      store<f32>(lse, most + f32x4.extract_lane(log(f32x4.splat(sum)), 0));
      scaleRow(acc + <usize>i * accLine, wide, 1 / sum);
      copy(acc + <usize>i * accLine, y, D);
    }
  }
}

function padRows(rows: i32): i32 {
  return ((rows + ROWS - 1) / ROWS) * ROWS;
}

/** Σ x · y. */
function dot(x: usize, y: usize, count: i32): f32 {
  let sums = f32x4.splat(0);
  let d = 0;
  for (; d + 4 <= count; d += 4, x += 16, y += 16) sums = f32x4.add(sums, f32x4.mul(v128.load(x), v128.load(y)));
  let sum = sumOf(sums);
  for (; d < count; d++, x += 4, y += 4) sum += load<f32>(x) * load<f32>(y);
  return sum;
}

/** Of a query's scores and dP with some keys: weights as they were multiplied with v, and dS, each in its place. */
function slopesOf(args: AttentionArgs, scores: usize, dP: usize, kept: usize, keys: i32, row: usize): void {
  const lse = load<f32>(row);
  const delta = v128.load_splat<f32>(row, 4);
  const scale = f32x4.splat(args.scale);
  // It saw no key: a weight is 0.
  const most = f32x4.splat(lse == -Infinity ? Infinity : lse);
  for (let j: usize = 0; j < (<usize>keys) << 2; j += 16) {
    const weight = exp(f32x4.sub(v128.load(scores + j), most));
    let multiplied = weight;
    let slope = v128.load(dP + j);
    if (kept) {
      const factor = v128.load(kept + j);
      multiplied = f32x4.mul(weight, factor);
      slope = f32x4.mul(slope, factor);
    }
    v128.store(scores + j, multiplied);
    v128.store(dP + j, f32x4.mul(f32x4.mul(weight, f32x4.sub(slope, delta)), scale));
  }
}

export function attentionBackward(args: AttentionArgs, first: i32, end: i32): void {
  const T = args.T;
  const S = args.S;
  const H = args.H;
  const D = args.D;
  const group = args.group;
  const keyHeads = H / group;
  const wide = padded(D);
  const accLine = (<usize>wide) << 2;
  const ofQueries = <usize>QUERIES * accLine;
  const ofKeys = <usize>KEYS * accLine;
  const square = <usize>QUERIES * LINE;
  // k, v and k again by channel; q and dY as rows, and by channel; dK, dV; scores, dP, and either of them in panels.
  const kPanels = scratch + TILE_ROOM;
  const vPanels = kPanels + ofKeys;
  const kChannels = vPanels + ofKeys;
  const dK = kChannels + ofKeys;
  const dV = dK + ofKeys;
  const qPanels = dV + ofKeys;
  const yPanels = qPanels + ofQueries;
  const qChannels = yPanels + ofQueries;
  const yChannels = qChannels + ofQueries;
  const scores = yChannels + ofQueries;
  const dP = scores + square;
  const panels = dP + square;
  const kept = panels + square;
  const qBytes = (<usize>args.qStride) << 2;
  const kBytes = (<usize>args.kStride) << 2;
  const vBytes = (<usize>args.vStride) << 2;
  const yBytes = (<usize>(H * D)) << 2;
  for (let item = first; item < end; item++) {
    const n = item / keyHeads;
    const head = item % keyHeads;
    for (let h = head * group; h < (head + 1) * group; h++) {
      for (let t = 0; t < T; t++) {
        const place = (<usize>(((n * T + t) * H + h) * D)) << 2;
        const at = (n * H + h) * T + t;
        const row = args.rows + ((<usize>at) << 3);
        store<f32>(row, load<f32>(args.lse + ((<usize>at) << 2)));
        store<f32>(row, dot(args.y + place, args.dY + place, D), 4);
        zero(placeOf(args.slopes, args.dqFirst, args.dqStride, n * T + t, h, D), D);
      }
    }
    const most = keysOf(args, n);
    for (let key0 = 0; key0 < S; key0 += KEYS) {
      const keys = min(KEYS, most - key0);
      zero(dK, KEYS * wide);
      zero(dV, KEYS * wide);
      if (keys > 0) {
        const k = placeOf(args.k, args.kFirst, args.kStride, n * S + key0, head, D);
        columnPanels(k, kBytes, 4, keys, D, kPanels);
        columnPanels(k, 4, kBytes, D, keys, kChannels);
        columnPanels(placeOf(args.v, args.vFirst, args.vStride, n * S + key0, head, D), vBytes, 4, keys, D, vPanels);
        const from = max(0, key0 - args.right);
        const to = min(T, key0 + keys + args.left);
        for (let h = head * group; h < (head + 1) * group; h++) {
          for (let t0 = from; t0 < to; t0 += QUERIES) {
            const rows = min(QUERIES, to - t0);
            const q = placeOf(args.q, args.qFirst, args.qStride, n * T + t0, h, D);
            const dY = args.dY + ((<usize>(((n * T + t0) * H + h) * D)) << 2);
            rowPanels(q, qBytes, 4, rows, D, qPanels);
            rowPanels(dY, yBytes, 4, rows, D, yPanels);
            multiply(qPanels, padRows(rows), kPanels, padded(keys), D, scores, LINE, false);
            multiply(yPanels, padRows(rows), vPanels, padded(keys), D, dP, LINE, false);
            for (let i = 0; i < rows; i++) {
              const row = scores + <usize>i * LINE;
              const at = (n * H + h) * T + t0 + i;
              see(args, row, n, h, t0 + i, key0, keys);
              if (args.control) draw(args, at, key0, keys, kept);
              slopesOf(args, row, dP + <usize>i * LINE, args.control ? kept : 0, keys, args.rows + ((<usize>at) << 3));
            }
            // dV += Pᵀ · dY, dK += dSᵀ · q, dQ += dS · k
            columnPanels(dY, 4, yBytes, D, rows, yChannels);
            rowPanels(scores, 4, LINE, keys, rows, panels);
            multiply(panels, padRows(keys), yChannels, wide, rows, dV, accLine, true);
            columnPanels(q, 4, qBytes, D, rows, qChannels);
            rowPanels(dP, 4, LINE, keys, rows, panels);
            multiply(panels, padRows(keys), qChannels, wide, rows, dK, accLine, true);
            const dQ = placeOf(args.slopes, args.dqFirst, args.dqStride, n * T + t0, h, D);
            rowPanels(dP, LINE, 4, rows, keys, panels);
            multiply(panels, rows, kChannels, D, keys, dQ, (<usize>args.dqStride) << 2, true);
          }
        }
      }
      for (let j = 0; j < min(KEYS, S - key0); j++) {
        const step = n * S + key0 + j;
        copy(dK + <usize>j * accLine, placeOf(args.slopes, args.dkFirst, args.dkStride, step, head, D), D);
        copy(dV + <usize>j * accLine, placeOf(args.slopes, args.dvFirst, args.dvStride, step, head, D), D);
      }
    }
  }
}
