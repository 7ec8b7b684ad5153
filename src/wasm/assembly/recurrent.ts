import { exp, logistic, tanh } from './math';
import { copy, integerAt, zero } from './rows';
import { scratch } from './team';
import { COLUMNS, panelOf4, ROWS, TERMS, tile } from './tile';

/*
 * Loops over time, forward and back. An item is a block of samples that runs all its steps: what it carries lies in the
 * thread's own room, and the weights' panels, which a launch before laid out, pass by at each step. A cell does four units
 * at a time; fewer of them, at the end of a row, by way of that room.
 */

/** The cells, by the names that they have in `src/ops/recurrent/cells.ts`. */
export enum Cell {
  lstm,
  gru,
  rnn,
  reluRnn,
}

/** What is smaller on its way back is 0, as in the reference. */
const LEAST: f32 = 1e-30;

@unmanaged
class ForwardArgs {
  x: usize;
  panels: usize;
  /** 0, as each of the following addresses: there is none. */
  bias: usize;
  lengths: usize;
  initial: usize;
  y: usize;
  tape: usize;
  hidden: usize;
  c: usize;
  cell: i32;
  gates: i32;
  /** Numbers of a unit on the tape. */
  taped: i32;
  samples: i32;
  steps: i32;
  units: i32;
  reverse: i32;
  /** Bytes of a length. */
  lengthBytes: i32;
  /** Samples of an item: a multiple of ROWS. */
  rows: i32;
}

/** Steps that a sample has. */
function lengthOf(lengths: usize, bytes: i32, n: i32, steps: i32): i32 {
  return lengths ? max(0, min(integerAt(lengths, bytes, n), steps)) : steps;
}

/** Units, and as many as whole panels have. */
function padded(units: i32): i32 {
  return ((units + COLUMNS - 1) / COLUMNS) * COLUMNS;
}

/** The first numbers of what is carried, of a plane; or zeros. */
function begin(to: usize, line: usize, from: usize, rows: i32, units: i32): void {
  for (let row = 0; row < rows; row++) {
    if (from) copy(from + ((<usize>(row * units)) << 2), to + <usize>row * line, units);
  }
}

export function recurrentForward(args: ForwardArgs, first: i32, end: i32): void {
  const units = args.units;
  const gates = args.gates;
  const steps = args.steps;
  const wide = padded(units);
  const line = (<usize>wide) << 2;
  const plane = <usize>args.rows * line;
  // By gate and sample what comes from h; h; c; panels of h; the bias by gate; four units' x and tape.
  const sums = scratch;
  const h = sums + <usize>gates * plane;
  const c = h + plane;
  const panels = c + plane;
  const bias = panels + plane;
  const fewX = bias + <usize>gates * line;
  const fewTape = fewX + 64;
  const roomEnd = fewTape + 80;
  for (let item = first; item < end; item++) {
    const n0 = item * args.rows;
    const rows = min(args.rows, args.samples - n0);
    const groups = (rows + ROWS - 1) / ROWS;
    zero(scratch, <i32>((roomEnd - scratch) >> 2));
    if (args.bias) {
      for (let u = 0; u < units; u++) {
        for (let gate = 0; gate < gates; gate++) {
          const number = load<f32>(args.bias + ((<usize>(u * gates + gate)) << 2));
          store<f32>(bias + <usize>gate * line + ((<usize>u) << 2), number);
        }
      }
    }
    const initial = args.initial ? args.initial + ((<usize>(n0 * units)) << 2) : 0;
    begin(h, line, initial, rows, units);
    if (args.c) begin(c, line, initial ? initial + ((<usize>(args.samples * units)) << 2) : 0, rows, units);
    let most = 0;
    for (let row = 0; row < rows; row++) {
      const length = lengthOf(args.lengths, args.lengthBytes, n0 + row, steps);
      most = max(most, length);
      const place = ((n0 + row) * steps + length) * units;
      zero(args.y + ((<usize>place) << 2), (steps - length) * units);
      zero(args.tape + ((<usize>(place * args.taped)) << 2), (steps - length) * units * args.taped);
    }
    for (let s = 0; s < most; s++) {
      for (let group = 0; group < groups; group++) {
        panelOf4(
          h + <usize>(group * ROWS) * line,
          line,
          4,
          ROWS,
          units,
          panels + ((<usize>(group * ROWS * units)) << 2),
        );
      }
      for (let gate = 0; gate < gates; gate++) {
        multiply(panels, groups, args.panels + <usize>(gate * units) * line, units, wide, sums + <usize>gate * plane);
      }
      for (let row = 0; row < rows; row++) {
        const length = lengthOf(args.lengths, args.lengthBytes, n0 + row, steps);
        if (s >= length) continue;
        const place = ((n0 + row) * steps + (args.reverse ? length - 1 - s : s)) * units;
        const x = args.x + ((<usize>(place * gates)) << 2);
        const tape = args.tape + ((<usize>(place * args.taped)) << 2);
        const at = <usize>row * line;
        for (let u = 0; u < units; u += 4) {
          const left = units - u;
          const ofUnits = (<usize>u) << 2;
          let ownX = x + <usize>gates * ofUnits;
          let ownTape = tape + <usize>args.taped * ofUnits;
          if (left < 4) {
            copy(ownX, fewX, left * gates);
            ownX = fewX;
            ownTape = fewTape;
          }
          forwardOf4(
            args.cell,
            ownX,
            sums + at + ofUnits,
            plane,
            bias + ofUnits,
            line,
            h + at + ofUnits,
            c + at + ofUnits,
            ownTape,
          );
          if (left < 4) copy(fewTape, tape + <usize>args.taped * ofUnits, left * args.taped);
        }
        copy(h + at, args.y + ((<usize>place) << 2), units);
      }
    }
    for (let row = 0; row < rows; row++) {
      const to = (<usize>((n0 + row) * units)) << 2;
      copy(h + <usize>row * line, args.hidden + to, units);
      if (args.c) copy(c + <usize>row * line, args.c + to, units);
    }
  }
}

/** Rows that lie in panels, times a matrix whose columns do: C has whole tiles. */
function multiply(a: usize, groups: i32, b: usize, terms: i32, columns: i32, c: usize): void {
  const line = (<usize>columns) << 2;
  for (let column = 0; column < columns; column += COLUMNS) {
    const panel = b + ((<usize>(column * terms)) << 2);
    for (let group = 0; group < groups; group++) {
      const rows = a + ((<usize>(group * ROWS * terms)) << 2);
      const to = c + <usize>(group * ROWS) * line + ((<usize>column) << 2);
      for (let k = 0; k < terms; k += TERMS) {
        tile(
          rows + ((<usize>(k * ROWS)) << 2),
          panel + ((<usize>(k * COLUMNS)) << 2),
          min(TERMS, terms - k),
          to,
          line,
          k > 0,
        );
      }
    }
  }
}

/** What comes from h to a gate of four units. */
function fromH(gate: usize, sums: usize, plane: usize, bias: usize, line: usize): v128 {
  return f32x4.add(v128.load(sums + gate * plane), v128.load(bias + gate * line));
}

function forwardOf4(
  cell: i32,
  x: usize,
  sums: usize,
  plane: usize,
  bias: usize,
  line: usize,
  h: usize,
  c: usize,
  tape: usize,
): void {
  if (cell == Cell.lstm) {
    const u0 = v128.load(x);
    const u1 = v128.load(x, 16);
    const u2 = v128.load(x, 32);
    const u3 = v128.load(x, 48);
    const a = v128.shuffle<f32>(u0, u1, 0, 4, 1, 5);
    const b = v128.shuffle<f32>(u2, u3, 0, 4, 1, 5);
    const d = v128.shuffle<f32>(u0, u1, 2, 6, 3, 7);
    const e = v128.shuffle<f32>(u2, u3, 2, 6, 3, 7);
    const i = logistic(f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), fromH(0, sums, plane, bias, line)));
    const f = logistic(f32x4.add(v128.shuffle<f32>(a, b, 2, 3, 6, 7), fromH(1, sums, plane, bias, line)));
    const g = tanh(f32x4.add(v128.shuffle<f32>(d, e, 0, 1, 4, 5), fromH(2, sums, plane, bias, line)));
    const o = logistic(f32x4.add(v128.shuffle<f32>(d, e, 2, 3, 6, 7), fromH(3, sums, plane, bias, line)));
    const before = v128.load(c);
    const now = f32x4.add(f32x4.mul(f, before), f32x4.mul(i, g));
    v128.store(c, now);
    v128.store(h, f32x4.mul(o, tanh(now)));
    storeFives(tape, i, f, g, o, before);
    return;
  }
  if (cell == Cell.gru) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const d = v128.load(x, 32);
    const x0 = v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 3, 6, 6), d, 0, 1, 2, 5);
    const x1 = v128.shuffle<f32>(v128.shuffle<f32>(a, b, 1, 4, 7, 7), d, 0, 1, 2, 6);
    const x2 = v128.shuffle<f32>(v128.shuffle<f32>(a, b, 2, 5, 5, 5), d, 0, 1, 4, 7);
    const r = logistic(f32x4.add(x0, fromH(0, sums, plane, bias, line)));
    const z = logistic(f32x4.add(x1, fromH(1, sums, plane, bias, line)));
    const q = fromH(2, sums, plane, bias, line);
    const n = tanh(f32x4.add(x2, f32x4.mul(r, q)));
    const before = v128.load(h);
    v128.store(h, f32x4.add(n, f32x4.mul(z, f32x4.sub(before, n))));
    storeFives(tape, r, z, n, q, before);
    return;
  }
  const total = f32x4.add(v128.load(x), fromH(0, sums, plane, bias, line));
  v128.store(tape, total);
  const zeros = f32x4.splat(0);
  v128.store(h, cell == Cell.rnn ? tanh(total) : v128.bitselect(zeros, total, f32x4.lt(total, zeros)));
}

/** Five numbers of each of four units, the units' side by side. */
function storeFives(to: usize, p: v128, q: v128, r: v128, s: v128, t: v128): void {
  const a = v128.shuffle<f32>(p, q, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(r, s, 0, 4, 1, 5);
  const c = v128.shuffle<f32>(p, q, 2, 6, 3, 7);
  const d = v128.shuffle<f32>(r, s, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<f32>(a, b, 2, 3, 6, 7), 20);
  v128.store(to, v128.shuffle<f32>(c, d, 0, 1, 4, 5), 40);
  v128.store(to, v128.shuffle<f32>(c, d, 2, 3, 6, 7), 60);
  v128.store_lane<f32>(to, t, 0, 16);
  v128.store_lane<f32>(to, t, 1, 36);
  v128.store_lane<f32>(to, t, 2, 56);
  v128.store_lane<f32>(to, t, 3, 76);
}

@unmanaged
class BackwardArgs {
  panels: usize;
  tape: usize;
  /** 0, as each of the following addresses: there is none. */
  lengths: usize;
  dY: usize;
  dHidden: usize;
  dC: usize;
  dX: usize;
  dH: usize;
  dInitial: usize;
  cell: i32;
  gates: i32;
  taped: i32;
  samples: i32;
  steps: i32;
  units: i32;
  reverse: i32;
  lengthBytes: i32;
  rows: i32;
}

export function recurrentBackward(args: BackwardArgs, first: i32, end: i32): void {
  const units = args.units;
  const gates = args.gates;
  const steps = args.steps;
  const terms = units * gates;
  const wide = padded(units);
  const line = (<usize>wide) << 2;
  const plane = <usize>args.rows * line;
  const slopesLine = line * <usize>gates;
  // What comes to h from the step behind; slopes of h and c; slopes of what comes from h, by row and in panels; four units'.
  const sums = scratch;
  const dh = sums + plane;
  const dc = dh + plane;
  const slopes = dc + plane;
  const panels = slopes + plane * <usize>gates;
  const fewTape = panels + plane * <usize>gates;
  const fewX = fewTape + 80;
  const fewY = fewX + 64;
  const roomEnd = fewY + 16;
  for (let item = first; item < end; item++) {
    const n0 = item * args.rows;
    const rows = min(args.rows, args.samples - n0);
    const groups = (rows + ROWS - 1) / ROWS;
    zero(scratch, <i32>((roomEnd - scratch) >> 2));
    const firstState = (<usize>(n0 * units)) << 2;
    begin(dh, line, args.dHidden ? args.dHidden + firstState : 0, rows, units);
    begin(dc, line, args.dC ? args.dC + firstState : 0, rows, units);
    let most = 0;
    for (let row = 0; row < rows; row++) {
      const length = lengthOf(args.lengths, args.lengthBytes, n0 + row, steps);
      most = max(most, length);
      const at = (<usize>(((n0 + row) * steps + length) * terms)) << 2;
      zero(args.dX + at, (steps - length) * terms);
      if (args.dH) zero(args.dH + at, (steps - length) * terms);
    }
    for (let s = most - 1; s >= -1; s--) {
      for (let group = 0; group < groups; group++) {
        const to = panels + ((<usize>(group * ROWS * terms)) << 2);
        panelOf4(slopes + <usize>(group * ROWS) * slopesLine, slopesLine, 4, ROWS, terms, to);
      }
      multiply(panels, groups, args.panels, terms, wide, sums);
      for (let row = 0; row < rows; row++) {
        const length = lengthOf(args.lengths, args.lengthBytes, n0 + row, steps);
        if (s >= length) continue;
        const place = ((n0 + row) * steps + (args.reverse ? length - 1 - s : s)) * units;
        const at = <usize>row * line;
        for (let u: usize = 0; u < line; u += 16) {
          v128.store(dh + at + u, f32x4.add(v128.load(dh + at + u), v128.load(sums + at + u)));
        }
        if (s < 0) continue;
        const tape = args.tape + ((<usize>(place * args.taped)) << 2);
        const dY = args.dY ? args.dY + ((<usize>place) << 2) : 0;
        const dX = args.dX + ((<usize>(place * gates)) << 2);
        const ofRow = slopes + <usize>row * slopesLine;
        for (let u = 0; u < units; u += 4) {
          const left = units - u;
          const ofUnits = (<usize>u) << 2;
          let ownTape = tape + <usize>args.taped * ofUnits;
          let ownY = dY ? dY + ofUnits : 0;
          let ownX = dX + <usize>gates * ofUnits;
          if (left < 4) {
            copy(ownTape, fewTape, left * args.taped);
            if (dY) copy(ownY, fewY, left);
            ownTape = fewTape;
            ownY = fewY;
            ownX = fewX;
          }
          backwardOf4(
            args.cell,
            ownTape,
            ownY,
            dh + at + ofUnits,
            dc + at + ofUnits,
            ownX,
            ofRow + <usize>gates * ofUnits,
          );
          if (left < 4) copy(fewX, dX + <usize>gates * ofUnits, left * gates);
        }
        if (args.dH) copy(ofRow, args.dH + ((<usize>(place * gates)) << 2), terms);
      }
    }
    for (let row = 0; row < rows; row++) {
      const to = args.dInitial + ((<usize>((n0 + row) * units)) << 2);
      copy(dh + <usize>row * line, to, units);
      if (args.cell == Cell.lstm) copy(dc + <usize>row * line, to + ((<usize>(args.samples * units)) << 2), units);
    }
  }
}

/** 0 where a slope has vanished. */
function notVanished(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(LEAST)));
}

/** @param dX slopes of what comes from x, of four units   @param dH of what comes from h */
function backwardOf4(cell: i32, tape: usize, dY: usize, dh: usize, dc: usize, dX: usize, dH: usize): void {
  const one = f32x4.splat(1);
  let slope = v128.load(dh);
  if (dY) slope = f32x4.add(slope, v128.load(dY));
  slope = notVanished(slope);
  if (cell >= Cell.rnn) {
    const x = v128.load(tape);
    if (cell == Cell.rnn) {
      // 1 / cosh², which 1 − tanh² were not where it is small.
      const e = exp(f32x4.mul(f32x4.abs(x), f32x4.splat(-2)));
      const sum = f32x4.add(one, e);
      slope = f32x4.mul(slope, f32x4.div(f32x4.mul(f32x4.splat(4), e), f32x4.mul(sum, sum)));
    } else {
      // NaN has the slope 1, as in the reference.
      const below = f32x4.le(x, f32x4.splat(0));
      slope = f32x4.mul(slope, v128.andnot(one, below));
    }
    v128.store(dX, slope);
    v128.store(dH, slope);
    v128.store(dh, f32x4.splat(0));
    return;
  }
  const u0 = v128.load(tape);
  const u1 = v128.load(tape, 20);
  const u2 = v128.load(tape, 40);
  const u3 = v128.load(tape, 60);
  let before = v128.load_splat<f32>(tape, 16);
  before = v128.load_lane<f32>(tape, before, 1, 36);
  before = v128.load_lane<f32>(tape, before, 2, 56);
  before = v128.load_lane<f32>(tape, before, 3, 76);
  const p = v128.shuffle<f32>(u0, u1, 0, 4, 1, 5);
  const q = v128.shuffle<f32>(u2, u3, 0, 4, 1, 5);
  const r = v128.shuffle<f32>(u0, u1, 2, 6, 3, 7);
  const s = v128.shuffle<f32>(u2, u3, 2, 6, 3, 7);
  const t0 = v128.shuffle<f32>(p, q, 0, 1, 4, 5);
  const t1 = v128.shuffle<f32>(p, q, 2, 3, 6, 7);
  const t2 = v128.shuffle<f32>(r, s, 0, 1, 4, 5);
  const t3 = v128.shuffle<f32>(r, s, 2, 3, 6, 7);
  if (cell == Cell.lstm) {
    // i, f, g, o and the c before.
    const c = tanh(f32x4.add(f32x4.mul(t1, before), f32x4.mul(t0, t2)));
    const ofC = f32x4.add(v128.load(dc), f32x4.mul(f32x4.mul(slope, t3), f32x4.sub(one, f32x4.mul(c, c))));
    const dI = f32x4.mul(f32x4.mul(f32x4.mul(ofC, t2), t0), f32x4.sub(one, t0));
    const dF = f32x4.mul(f32x4.mul(f32x4.mul(ofC, before), t1), f32x4.sub(one, t1));
    const dG = f32x4.mul(f32x4.mul(ofC, t0), f32x4.sub(one, f32x4.mul(t2, t2)));
    const dO = f32x4.mul(f32x4.mul(f32x4.mul(slope, c), t3), f32x4.sub(one, t3));
    storeFours(dX, dH, dI, dF, dG, dO);
    v128.store(dh, f32x4.splat(0));
    v128.store(dc, notVanished(f32x4.mul(ofC, t1)));
    return;
  }
  // r, z, n, q and the h before.
  const dN = f32x4.mul(f32x4.mul(slope, f32x4.sub(one, t1)), f32x4.sub(one, f32x4.mul(t2, t2)));
  const dR = f32x4.mul(f32x4.mul(f32x4.mul(dN, t3), t0), f32x4.sub(one, t0));
  const dZ = f32x4.mul(f32x4.mul(f32x4.mul(slope, f32x4.sub(before, t2)), t1), f32x4.sub(one, t1));
  storeThrees(dX, dR, dZ, dN);
  storeThrees(dH, dR, dZ, f32x4.mul(dN, t0));
  v128.store(dh, f32x4.mul(slope, t1));
}

/** Four numbers of each of four units, the units' side by side, in two places. */
function storeFours(to: usize, also: usize, p: v128, q: v128, r: v128, s: v128): void {
  const a = v128.shuffle<f32>(p, q, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(r, s, 0, 4, 1, 5);
  const c = v128.shuffle<f32>(p, q, 2, 6, 3, 7);
  const d = v128.shuffle<f32>(r, s, 2, 6, 3, 7);
  const u0 = v128.shuffle<f32>(a, b, 0, 1, 4, 5);
  const u1 = v128.shuffle<f32>(a, b, 2, 3, 6, 7);
  const u2 = v128.shuffle<f32>(c, d, 0, 1, 4, 5);
  const u3 = v128.shuffle<f32>(c, d, 2, 3, 6, 7);
  v128.store(to, u0);
  v128.store(to, u1, 16);
  v128.store(to, u2, 32);
  v128.store(to, u3, 48);
  v128.store(also, u0);
  v128.store(also, u1, 16);
  v128.store(also, u2, 32);
  v128.store(also, u3, 48);
}

/** Three numbers of each of four units, the units' side by side. */
function storeThrees(to: usize, p: v128, q: v128, r: v128): void {
  const a = v128.shuffle<f32>(p, q, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(p, q, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(a, r, 0, 1, 4, 2));
  v128.store(to, v128.shuffle<f32>(v128.shuffle<f32>(a, r, 3, 5, 5, 5), b, 0, 1, 4, 5), 16);
  v128.store(to, v128.shuffle<f32>(v128.shuffle<f32>(b, r, 2, 3, 6, 7), b, 2, 0, 1, 3), 32);
}

@unmanaged
class PreviousArgs {
  h: usize;
  lengths: usize;
  initial: usize;
  before: usize;
  steps: i32;
  units: i32;
  reverse: i32;
  lengthBytes: i32;
}

/** What h was before each step; an item is a sample. */
export function previousHidden(args: PreviousArgs, first: i32, end: i32): void {
  const steps = args.steps;
  const units = args.units;
  const bytes = (<usize>units) << 2;
  for (let n = first; n < end; n++) {
    const length = lengthOf(args.lengths, args.lengthBytes, n, steps);
    const h = args.h + <usize>(n * steps) * bytes;
    const before = args.before + <usize>(n * steps) * bytes;
    zero(before + <usize>length * bytes, (steps - length) * units);
    if (length == 0) continue;
    const begun = args.reverse ? before + <usize>(length - 1) * bytes : before;
    if (args.initial) copy(args.initial + <usize>n * bytes, begun, units);
    else zero(begun, units);
    if (args.reverse) copy(h + bytes, before, (length - 1) * units);
    else copy(h, before + bytes, (length - 1) * units);
  }
}
