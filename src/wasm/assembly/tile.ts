/*
 * The innermost part of every product: ROWS × COLUMNS sums that grow in registers while a panel of A and a panel of B are
 * walked, term by term. A panel has its lines' first terms side by side, then their second terms. Of 16 registers eight are
 * sums, two have columns of B, one a number of A: the largest tile for which V8 keeps all sums in registers.
 */

import { scratch } from './team';

export const ROWS: i32 = 4;
export const COLUMNS: i32 = 8;
/** Terms that are added up before they join what came before: so the error grows with blocks and not with terms. */
export const TERMS: i32 = 256;

/** Sums of a tile over panels, into C or added to it; the rows of C are `line` bytes apart. */
export function tile(a: usize, b: usize, terms: i32, c: usize, line: usize, adds: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (let k = 0; k < terms; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = plusProduct(c00, x, b0);
    c01 = plusProduct(c01, x, b1);
    x = v128.load_splat<f32>(a, 4);
    c10 = plusProduct(c10, x, b0);
    c11 = plusProduct(c11, x, b1);
    x = v128.load_splat<f32>(a, 8);
    c20 = plusProduct(c20, x, b0);
    c21 = plusProduct(c21, x, b1);
    x = v128.load_splat<f32>(a, 12);
    c30 = plusProduct(c30, x, b0);
    c31 = plusProduct(c31, x, b1);
    a += 16;
    b += 32;
  }
  keep(c, c00, c01, adds);
  keep(c + line, c10, c11, adds);
  keep(c + 2 * line, c20, c21, adds);
  keep(c + 3 * line, c30, c31, adds);
}

/** sum + a · b: in one rounding where the module is built of relaxed vectors, and the machine has it so. */
function plusProduct(sum: v128, a: v128, b: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

function keep(c: usize, x: v128, y: v128, adds: bool): void {
  if (adds) {
    x = f32x4.add(v128.load(c), x);
    y = f32x4.add(v128.load(c, 16), y);
  }
  v128.store(c, x);
  v128.store(c, y, 16);
}

/** The same where C has fewer rows or columns than a tile: by way of `room`, of a whole tile. */
export function edge(
  a: usize,
  b: usize,
  terms: i32,
  c: usize,
  line: usize,
  adds: bool,
  rows: i32,
  columns: i32,
  room: usize,
): void {
  tile(a, b, terms, room, <usize>COLUMNS * 4, false);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = c + <usize>i * line + ((<usize>j) << 2);
      const sum = load<f32>(room + ((<usize>(i * COLUMNS + j)) << 2));
      store<f32>(at, adds ? load<f32>(at) + sum : sum);
    }
  }
}

/**
 * Sums of many tiles, panels of A side by side and panels of B `panel` bytes apart, into C or added to it. The first bytes
 * of `scratch` are a tile's.
 */
export function tiles(
  a: usize,
  rows: i32,
  b: usize,
  panel: usize,
  columns: i32,
  terms: i32,
  c: usize,
  line: usize,
  adds: bool,
): void {
  const bytes = <usize>(terms * ROWS * 4);
  for (let j = 0; j < columns; j += COLUMNS, b += panel) {
    let at = a;
    for (let i = 0; i < rows; i += ROWS, at += bytes) {
      const to = c + <usize>i * line + ((<usize>j) << 2);
      if (rows - i >= ROWS && columns - j >= COLUMNS) tile(at, b, terms, to, line, adds);
      else edge(at, b, terms, to, line, adds, min(ROWS, rows - i), min(COLUMNS, columns - j), scratch);
    }
  }
}

/**
 * Lays lines out as a panel, from a term on: lines beyond `count` are zeros.
 * @param x the first line's first term   @param line bytes from one line to the next   @param term between terms
 */
export function panelOf4(x: usize, line: usize, term: usize, count: i32, terms: i32, panel: usize): void {
  if (count < 4) return panelOf(x, line, term, count, terms, panel, 4);
  if (line == 4) {
    for (let k = 0; k < terms; k++, x += term, panel += 16) v128.store(panel, v128.load(x));
    return;
  }
  let k = 0;
  if (term == 4) {
    for (; k + 4 <= terms; k += 4, x += 16, panel += 64) transpose(x, line, panel, 16);
  }
  for (; k < terms; k++, x += term, panel += 16) {
    store<f32>(panel, load<f32>(x));
    store<f32>(panel, load<f32>(x + line), 4);
    store<f32>(panel, load<f32>(x + 2 * line), 8);
    store<f32>(panel, load<f32>(x + 3 * line), 12);
  }
}

/** The same of eight lines. */
export function panelOf8(x: usize, line: usize, term: usize, count: i32, terms: i32, panel: usize): void {
  if (count < 8) return panelOf(x, line, term, count, terms, panel, 8);
  if (line == 4) {
    for (let k = 0; k < terms; k++, x += term, panel += 32) {
      v128.store(panel, v128.load(x));
      v128.store(panel, v128.load(x, 16), 16);
    }
    return;
  }
  let k = 0;
  if (term == 4) {
    for (; k + 4 <= terms; k += 4, x += 16, panel += 128) {
      transpose(x, line, panel, 32);
      transpose(x + 4 * line, line, panel + 16, 32);
    }
  }
  for (; k < terms; k++, x += term, panel += 32) {
    for (let i: usize = 0; i < 8; i++) store<f32>(panel + 4 * i, load<f32>(x + i * line));
  }
}

/** The same of any number of lines, `width` of which are laid out. */
function panelOf(x: usize, line: usize, term: usize, count: i32, terms: i32, panel: usize, width: i32): void {
  for (let k = 0; k < terms; k++, x += term) {
    for (let i = 0; i < width; i++, panel += 4) store<f32>(panel, i < count ? load<f32>(x + <usize>i * line) : 0);
  }
}

/** Four lines of four terms each, into four groups of four lines; the groups are `step` bytes apart. */
export function transpose(x: usize, line: usize, panel: usize, step: usize): void {
  const r0 = v128.load(x);
  const r1 = v128.load(x + line);
  const r2 = v128.load(x + 2 * line);
  const r3 = v128.load(x + 3 * line);
  const s0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const s1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const s2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const s3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(panel, v128.shuffle<f32>(s0, s1, 0, 1, 4, 5));
  v128.store(panel + step, v128.shuffle<f32>(s0, s1, 2, 3, 6, 7));
  v128.store(panel + 2 * step, v128.shuffle<f32>(s2, s3, 0, 1, 4, 5));
  v128.store(panel + 3 * step, v128.shuffle<f32>(s2, s3, 2, 3, 6, 7));
}
