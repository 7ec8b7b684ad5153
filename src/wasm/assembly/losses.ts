import { largestOf, loadSome, maskOf, storeSome, sumOf } from './lanes';
import { exp, expm1, log1p } from './math';

/*
 * Distributions over the classes of a row; an item is a row. The likeliest class' 1, or 1 − p, stays out of sums: beside it,
 * what the others have would be rounded away.
 */

@unmanaged
class CrossEntropyArgs {
  logits: usize;
  labels: usize;
  /** 0: all are 1. */
  weights: usize;
  loss: usize;
  logSum: usize;
  weight: usize;
  correct: usize;
  classes: i32;
  labelBytes: i32;
  smoothing: f32;
  /** Whether there is a label that counts nothing. */
  ignores: i32;
  ignored: i32;
}

@unmanaged
class CrossEntropyGradArgs {
  logits: usize;
  labels: usize;
  weights: usize;
  logSum: usize;
  dLoss: usize;
  dLogits: usize;
  classes: i32;
  labelBytes: i32;
  smoothing: f32;
  ignores: i32;
  ignored: i32;
}

/** A row's label; −1 if it counts nothing. */
function labelAt(labels: usize, bytes: i32, row: i32, classes: i32, ignores: i32, ignored: i32): i32 {
  const at = labels + <usize>row * <usize>bytes;
  const label = bytes == 1 ? <i32>load<u8>(at) : load<i32>(at);
  return label < 0 || label >= classes || (ignores && label == ignored) ? -1 : label;
}

function largestIn(x: usize, count: i32): f32 {
  let i = 0;
  let largest = f32x4.splat(-Infinity);
  for (; i + 4 <= count; i += 4, x += 16) largest = f32x4.max(largest, v128.load(x));
  let y = largestOf(largest);
  for (; i < count; i++, x += 4) y = max(y, load<f32>(x));
  return y;
}

/** The first number that is larger than all before it and not smaller than any behind it, NaN being no number. */
function bestIn(x: usize, count: i32): i32 {
  let best = 0;
  let largest = load<f32>(x);
  for (let c = 1; c < count; c++) {
    const value = load<f32>(x + ((<usize>c) << 2));
    if (value > largest) best = c;
    largest = max(largest, value);
  }
  return best;
}

/** Σ e^(x − shift) over all classes but one; `to` is where they are kept, or 0. */
function exponentialsBut(x: usize, count: i32, shift: f32, but: i32, to: usize): f32 {
  const s = f32x4.splat(shift);
  const out = i32x4.splat(but);
  let place = i32x4(0, 1, 2, 3);
  let total = f32x4.splat(0);
  for (let c = 0; c < count; c += 4, x += 16) {
    const left = count - c;
    const e = exp(f32x4.sub(loadSome(x, left), s));
    if (to) {
      storeSome(to, e, left);
      to += 16;
    }
    const kept = v128.andnot(e, i32x4.eq(place, out));
    total = f32x4.add(total, left < 4 ? v128.and(kept, maskOf(left)) : kept);
    place = i32x4.add(place, i32x4.splat(4));
  }
  return sumOf(total);
}

/** Σ w (shift − x), w a class' weight. */
function distances(x: usize, weights: usize, count: i32, shift: f32): f32 {
  const s = f32x4.splat(shift);
  let total = f32x4.splat(0);
  for (let c = 0; c < count; c += 4) {
    const left = count - c;
    const at = (<usize>c) << 2;
    let distance = f32x4.sub(s, loadSome(x + at, left));
    if (weights) distance = f32x4.mul(distance, loadSome(weights + at, left));
    total = f32x4.add(total, left < 4 ? v128.and(distance, maskOf(left)) : distance);
  }
  return sumOf(total);
}

/** The sum of all classes' weights. */
function weightOfAll(weights: usize, classes: i32): f32 {
  if (!weights) return <f32>classes;
  let total: f32 = 0;
  for (let c = 0; c < classes; c++) total += load<f32>(weights + ((<usize>c) << 2));
  return total;
}

/** Of each row: its loss, log Σ exp, the weight that the loss has, and whether the largest logit is the label's. */
export function crossEntropy(args: CrossEntropyArgs, first: i32, end: i32): void {
  const C = args.classes;
  const smoothing = args.smoothing;
  const all = weightOfAll(args.weights, C);
  for (let n = first; n < end; n++) {
    const x = args.logits + ((<usize>(n * C)) << 2);
    const largest = largestIn(x, C);
    const best = bestIn(x, C);
    const rest = exponentialsBut(x, C, largest, best, 0);
    const logRest = f32x4.extract_lane(log1p(f32x4.splat(rest)), 0);
    const label = labelAt(args.labels, args.labelBytes, n, C, args.ignores, args.ignored);
    let weight: f32 = 0;
    let loss: f32 = 0;
    if (label >= 0) {
      weight = args.weights ? load<f32>(args.weights + ((<usize>label) << 2)) : 1;
      loss = (1 - smoothing) * weight * (largest - load<f32>(x + ((<usize>label) << 2)) + logRest);
      if (smoothing != 0) loss += (smoothing / <f32>C) * (distances(x, args.weights, C, largest) + all * logRest);
    }
    const at = (<usize>n) << 2;
    store<f32>(args.loss + at, loss);
    store<f32>(args.logSum + at, largest + logRest);
    store<f32>(args.weight + at, weight);
    store<f32>(args.correct + at, label == best ? 1 : 0);
  }
}

export function crossEntropyGrad(args: CrossEntropyGradArgs, first: i32, end: i32): void {
  const C = args.classes;
  const even = args.smoothing / <f32>C;
  const all = weightOfAll(args.weights, C);
  for (let n = first; n < end; n++) {
    const row = (<usize>(n * C)) << 2;
    const dLogits = args.dLogits + row;
    const label = labelAt(args.labels, args.labelBytes, n, C, args.ignores, args.ignored);
    if (label < 0) {
      memory.fill(dLogits, 0, (<usize>C) << 2);
      continue;
    }
    const at = (<usize>n) << 2;
    const others = exponentialsBut(args.logits + row, C, load<f32>(args.logSum + at), label, dLogits);
    const ofLabel = (<usize>label) << 2;
    const dLoss = load<f32>(args.dLoss + at);
    const weight: f32 = args.weights ? load<f32>(args.weights + ofLabel) : 1;
    const sharp = (<f32>1 - args.smoothing) * weight;
    const p = load<f32>(dLogits + ofLabel);
    const own: f32 = args.weights ? load<f32>(args.weights + ofLabel) : 1;
    if (even == 0 && !args.weights) scale(dLogits, C, dLoss * sharp);
    else slopes(dLogits, args.weights, C, dLoss, sharp, even, all);
    store<f32>(dLogits + ofLabel, dLoss * (even * (p * all - own) - sharp * others));
  }
}

function scale(x: usize, count: i32, by: f32): void {
  const s = f32x4.splat(by);
  for (let c = 0; c < count; c += 4, x += 16) storeSome(x, f32x4.mul(loadSome(x, count - c), s), count - c);
}

/** dLoss · (sharp · p + even · (p · all − w)), in the place of p. */
function slopes(x: usize, weights: usize, count: i32, dLoss: f32, sharp: f32, even: f32, all: f32): void {
  const d = f32x4.splat(dLoss);
  let w = f32x4.splat(1);
  for (let c = 0; c < count; c += 4, x += 16) {
    const left = count - c;
    const p = loadSome(x, left);
    if (weights) w = loadSome(weights + ((<usize>c) << 2), left);
    const smooth = f32x4.mul(f32x4.splat(even), f32x4.sub(f32x4.mul(p, f32x4.splat(all)), w));
    storeSome(x, f32x4.mul(d, f32x4.add(f32x4.mul(f32x4.splat(sharp), p), smooth)), left);
  }
}

@unmanaged
class SoftmaxArgs {
  x: usize;
  y: usize;
  classes: i32;
  /** Whether y is the logarithm. */
  logarithm: i32;
}

export function softmax(args: SoftmaxArgs, first: i32, end: i32): void {
  const C = args.classes;
  for (let n = first; n < end; n++) {
    const row = (<usize>(n * C)) << 2;
    const x = args.x + row;
    const y = args.y + row;
    const largest = largestIn(x, C);
    const s = f32x4.splat(largest);
    let rest = f32x4.splat(0);
    // How many there are of the largest, less than none.
    let ones = i32x4.splat(0);
    for (let c = 0; c < C; c += 4) {
      const at = (<usize>c) << 2;
      const left = C - c;
      const shifted = f32x4.sub(loadSome(x + at, left), s);
      const e = exp(shifted);
      storeSome(y + at, args.logarithm ? shifted : e, left);
      const is =
        left < 4 ? v128.and(f32x4.eq(shifted, f32x4.splat(0)), maskOf(left)) : f32x4.eq(shifted, f32x4.splat(0));
      const others = v128.andnot(e, is);
      rest = f32x4.add(rest, left < 4 ? v128.and(others, maskOf(left)) : others);
      ones = i32x4.add(ones, is);
    }
    const count = i32x4.extract_lane(ones, 0) + i32x4.extract_lane(ones, 1) + i32x4.extract_lane(ones, 2);
    const total = sumOf(rest) - <f32>(count + i32x4.extract_lane(ones, 3) + 1);
    if (args.logarithm) shift(y, C, f32x4.extract_lane(log1p(f32x4.splat(total)), 0));
    else scale(y, C, 1 / (1 + total));
  }
}

function shift(x: usize, count: i32, by: f32): void {
  const s = f32x4.splat(by);
  for (let c = 0; c < count; c += 4, x += 16) storeSome(x, f32x4.sub(loadSome(x, count - c), s), count - c);
}

@unmanaged
class SoftmaxGradArgs {
  y: usize;
  dY: usize;
  dX: usize;
  classes: i32;
  logarithm: i32;
}

export function softmaxGrad(args: SoftmaxGradArgs, first: i32, end: i32): void {
  const C = args.classes;
  for (let n = first; n < end; n++) {
    const row = (<usize>(n * C)) << 2;
    const likely = likelyIn(args.y + row, C, args.logarithm ? -0.6931471805599453 : 0.5);
    const ofLikely: f32 = likely < 0 ? 0 : load<f32>(args.dY + row + ((<usize>likely) << 2));
    if (args.logarithm) logSoftmaxRow(args.y + row, args.dY + row, args.dX + row, C, likely, ofLikely);
    else softmaxRow(args.y + row, args.dY + row, args.dX + row, C, likely, ofLikely);
  }
}

/** Where the first number above a limit is; −1 if none is. */
function likelyIn(y: usize, count: i32, limit: f32): i32 {
  for (let c = 0; c < count; c++, y += 4) if (load<f32>(y) > limit) return c;
  return -1;
}

/** dX = y · (dY − dY of the likely one − rest) */
function softmaxRow(y: usize, dY: usize, dX: usize, count: i32, likely: i32, ofLikely: f32): void {
  const out = i32x4.splat(likely);
  const d = f32x4.splat(ofLikely);
  let place = i32x4(0, 1, 2, 3);
  let total = f32x4.splat(0);
  for (let c = 0; c < count; c += 4) {
    const at = (<usize>c) << 2;
    const left = count - c;
    const term = f32x4.mul(loadSome(y + at, left), f32x4.sub(loadSome(dY + at, left), d));
    total = f32x4.add(total, v128.andnot(left < 4 ? v128.and(term, maskOf(left)) : term, i32x4.eq(place, out)));
    place = i32x4.add(place, i32x4.splat(4));
  }
  const rest = f32x4.splat(sumOf(total));
  for (let c = 0; c < count; c += 4) {
    const at = (<usize>c) << 2;
    const left = count - c;
    const slope = f32x4.sub(f32x4.sub(loadSome(dY + at, left), d), rest);
    storeSome(dX + at, f32x4.mul(loadSome(y + at, left), slope), left);
  }
}

/** dX = dY − eʸ · Σ dY; of the likely one (1 − eʸ) · dY − eʸ · rest */
function logSoftmaxRow(y: usize, dY: usize, dX: usize, count: i32, likely: i32, ofLikely: f32): void {
  const out = i32x4.splat(likely);
  let place = i32x4(0, 1, 2, 3);
  let total = f32x4.splat(0);
  for (let c = 0; c < count; c += 4) {
    const term = loadSome(dY + ((<usize>c) << 2), count - c);
    total = f32x4.add(total, v128.andnot(term, i32x4.eq(place, out)));
    place = i32x4.add(place, i32x4.splat(4));
  }
  const rest = sumOf(total);
  const all = f32x4.splat(rest + ofLikely);
  const r = f32x4.splat(rest);
  place = i32x4(0, 1, 2, 3);
  for (let c = 0; c < count; c += 4) {
    const at = (<usize>c) << 2;
    const left = count - c;
    const logP = loadSome(y + at, left);
    const p = exp(logP);
    const d = loadSome(dY + at, left);
    const isLikely = i32x4.eq(place, out);
    let slope = f32x4.sub(d, f32x4.mul(p, all));
    if (v128.any_true(isLikely)) {
      const own = f32x4.sub(f32x4.neg(f32x4.mul(expm1(logP), d)), f32x4.mul(p, r));
      slope = v128.bitselect(own, slope, isLikely);
    }
    storeSome(dX + at, slope, left);
    place = i32x4.add(place, i32x4.splat(4));
  }
}
