import { scratch } from './team';

/*
 * p = p − change(g), where change is an optimizer's rule: the rules of `src/optim`, each with its moments and constants in
 * the order in which it names them. An item is a block of 64 parameters, whose group says how, or that they stay.
 */

const BLOCK_BYTES: usize = 256;

/** The part of a step, in a control. */
const PART: usize = 4;
/** Words of a ledger, as `src/ops/training/badStepLedger.ts` has them. */
const BAD: usize = 24;
const BEFORE: usize = 28;
const POLICY: usize = 36;
const BAD_STEPS: usize = 40;
const LEDGER_STEPS: u32 = 1024;
const LEDGER_WORDS: i32 = 42;
const STOP: i32 = 2;

/** What becomes of a gradient in front of its rule. */
export enum Clip {
  none,
  value,
  norm,
  globalNorm,
}

const PLAIN: i32 = 0;
const MOMENTUM: i32 = 1;
const NESTEROV: i32 = 2;
const ADAM: i32 = 3;
const NADAM: i32 = 4;
const RADAM: i32 = 5;
const ADAMAX: i32 = 6;
const RMSPROP: i32 = 7;
const ADAGRAD: i32 = 8;
const ADADELTA: i32 = 9;
const LION: i32 = 10;

@unmanaged
class UpdateArgs {
  parameters: usize;
  gradients: usize;
  groups: usize;
  schedule: usize;
  control: usize;
  /** 0: there is none. */
  moment0: usize;
  moment1: usize;
  moment2: usize;
  /** Words of the control, which is a ledger if it has as many as one. */
  controlWords: i32;
  rows: u32;
  clip: i32;
  limit: f32;
  decoupled: i32;
  constant0: f32;
  constant1: f32;
  constant2: f32;
  constant3: f32;
  constant4: f32;
}

export function sgdUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, PLAIN);
}

export function momentumUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, MOMENTUM);
}

export function nesterovUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, NESTEROV);
}

export function adamUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, ADAM);
}

export function nadamUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, NADAM);
}

export function radamUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, RADAM);
}

export function adamaxUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, ADAMAX);
}

export function rmspropUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, RMSPROP);
}

export function adagradUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, ADAGRAD);
}

export function adadeltaUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, ADADELTA);
}

export function lionUpdate(args: UpdateArgs, first: i32, end: i32): void {
  update(args, first, end, LION);
}

/** Whether a step is to be left out. What it reads does not change when the step is closed. */
function isSpoilt(control: usize, words: i32): bool {
  if (words < LEDGER_WORDS || load<i32>(control, POLICY) == 0) return false;
  const parity = <usize>(load<i32>(control) & 1);
  return load<i32>(control, BAD) != load<i32>(control + (parity << 2), BEFORE);
}

/** What an update leaves in a ledger. */
function closeStep(control: usize, words: i32): void {
  if (words < LEDGER_WORDS) return;
  const spoilt = isSpoilt(control, words);
  const step = load<u32>(control);
  const parity = <usize>(step & 1);
  const stays = spoilt && load<i32>(control, POLICY) == STOP;
  const bad = stays ? load<i32>(control + (parity << 2), BEFORE) : load<i32>(control, BAD);
  store<i32>(control + ((1 - parity) << 2), bad, BEFORE);
  const at = control + ((<usize>((step % LEDGER_STEPS) >> 5)) << 2);
  const bit = 1 << (step & 31);
  const bits = load<i32>(at, BAD_STEPS);
  store<i32>(at, spoilt ? bits | bit : bits & ~bit, BAD_STEPS);
}

/** Stores a moment; one below the smallest normal number is 0. NaN is not below. */
function keep(at: usize, moment: v128): void {
  const tiny = f32x4.lt(f32x4.abs(moment), i32x4.splat(0x00800000));
  v128.store(at, v128.andnot(moment, tiny));
}

function update(args: UpdateArgs, first: i32, end: i32, rule: i32): void {
  const control = args.control;
  if (first == 0) closeStep(control, args.controlWords);
  if (isSpoilt(control, args.controlWords)) return;
  const row = args.schedule + ((<usize>(load<u32>(control) % args.rows)) << 4);
  const y = v128.load_splat<f32>(row, 4);
  const z = v128.load_splat<f32>(row, 8);
  const c0 = f32x4.splat(args.constant0);
  const c1 = f32x4.splat(args.constant1);
  const c2 = f32x4.splat(args.constant2);
  const c3 = f32x4.splat(args.constant3);
  const c4 = f32x4.splat(args.constant4);
  const hasMomentum = args.constant3 > 0;
  const isRectified = load<f32>(row, 4) > 0;
  const limit = f32x4.splat(args.limit);
  const one = f32x4.splat(1);
  for (let block = first; block < end; block++) {
    const group = args.groups + ((<usize>block) << 4);
    if (load<f32>(group, 8) == 0) continue;
    const rate = f32x4.splat(load<f32>(row) * load<f32>(group));
    const decay = v128.load_splat<f32>(group, 4);
    const kept = f32x4.sub(one, f32x4.mul(rate, decay));
    const factor = args.clip == Clip.norm ? v128.load_splat<f32>(group, 12) : v128.load_splat<f32>(row, 12);
    const from = <usize>block * BLOCK_BYTES;
    for (let at = from; at < from + BLOCK_BYTES; at += 16) {
      const x = args.moment0 + at;
      let p = v128.load(args.parameters + at);
      let g = v128.load(args.gradients + at);
      // Comparisons, so that NaN stays NaN.
      if (args.clip == Clip.value) g = f32x4.pmax(f32x4.pmin(g, limit), f32x4.neg(limit));
      else if (args.clip != Clip.none) g = f32x4.mul(g, factor);
      let change = g;
      if (args.decoupled) p = f32x4.mul(p, kept);
      else g = f32x4.add(g, f32x4.mul(decay, p));
      switch (rule) {
        case ADAM:
        case NADAM:
        case RADAM: {
          // beta1, beta2, 1 − beta1, 1 − beta2, epsilon
          const v = args.moment1 + at;
          const mean = f32x4.add(f32x4.mul(c0, v128.load(x)), f32x4.mul(c2, g));
          const square = f32x4.add(f32x4.mul(c1, v128.load(v)), f32x4.mul(f32x4.mul(c3, g), g));
          keep(x, mean);
          keep(v, square);
          const root = f32x4.sqrt(square);
          if (rule == RADAM) {
            change = f32x4.mul(rate, mean);
            if (isRectified) change = f32x4.div(f32x4.mul(change, y), f32x4.add(root, c4));
            break;
          }
          const ahead = rule == NADAM ? f32x4.add(f32x4.mul(mean, y), g) : f32x4.mul(mean, y);
          change = f32x4.div(f32x4.mul(rate, ahead), f32x4.add(f32x4.mul(root, z), c4));
          break;
        }
        case ADAMAX: {
          // beta1, beta2, 1 − beta1, epsilon
          const largest = args.moment1 + at;
          const mean = f32x4.add(f32x4.mul(c0, v128.load(x)), f32x4.mul(c2, g));
          const size = f32x4.max(f32x4.mul(c1, v128.load(largest)), f32x4.add(f32x4.abs(g), c3));
          keep(x, mean);
          keep(largest, size);
          change = f32x4.div(f32x4.mul(rate, mean), size);
          break;
        }
        case MOMENTUM:
        case NESTEROV: {
          const next = f32x4.add(f32x4.mul(c0, v128.load(x)), g);
          keep(x, next);
          change = f32x4.mul(rate, rule == NESTEROV ? f32x4.add(g, f32x4.mul(c0, next)) : next);
          break;
        }
        case RMSPROP: {
          // alpha, 1 − alpha, epsilon, momentum; squares, then means and velocities as far as they are kept
          const square = f32x4.add(f32x4.mul(c0, v128.load(x)), f32x4.mul(f32x4.mul(c1, g), g));
          keep(x, square);
          let variance = square;
          if (hasMomentum ? args.moment2 : args.moment1) {
            const mean = f32x4.add(f32x4.mul(c0, v128.load(args.moment1 + at)), f32x4.mul(c1, g));
            keep(args.moment1 + at, mean);
            variance = f32x4.pmax(f32x4.sub(variance, f32x4.mul(mean, mean)), f32x4.splat(0));
          }
          change = f32x4.div(g, f32x4.add(f32x4.sqrt(variance), c2));
          if (hasMomentum) {
            const velocity = (args.moment2 ? args.moment2 : args.moment1) + at;
            change = f32x4.add(f32x4.mul(c3, v128.load(velocity)), change);
            keep(velocity, change);
          }
          change = f32x4.mul(rate, change);
          break;
        }
        case ADAGRAD: {
          const total = f32x4.add(v128.load(x), f32x4.mul(g, g));
          keep(x, total);
          change = f32x4.div(f32x4.mul(rate, g), f32x4.add(f32x4.sqrt(total), c0));
          break;
        }
        case ADADELTA: {
          // rho, 1 − rho, epsilon; squares of gradients, squares of changes
          const changes = args.moment1 + at;
          const before = v128.load(changes);
          const next = f32x4.add(f32x4.mul(c0, v128.load(x)), f32x4.mul(f32x4.mul(c1, g), g));
          const ratio = f32x4.div(f32x4.sqrt(f32x4.add(before, c2)), f32x4.sqrt(f32x4.add(next, c2)));
          const delta = f32x4.mul(ratio, g);
          keep(x, next);
          keep(changes, f32x4.add(f32x4.mul(c0, before), f32x4.mul(f32x4.mul(c1, delta), delta)));
          change = f32x4.mul(rate, delta);
          break;
        }
        case LION: {
          // beta1, beta2, 1 − beta1, 1 − beta2. The sign of 0 is 0, of NaN NaN.
          const m = v128.load(x);
          const direction = f32x4.add(f32x4.mul(c0, m), f32x4.mul(c2, g));
          keep(x, f32x4.add(f32x4.mul(c1, m), f32x4.mul(c3, g)));
          const sign = v128.or(v128.and(direction, f32x4.splat(-0.0)), one);
          const hasSign = v128.or(f32x4.gt(direction, f32x4.splat(0)), f32x4.lt(direction, f32x4.splat(0)));
          change = f32x4.mul(rate, v128.bitselect(sign, direction, hasSign));
          break;
        }
        default:
          change = f32x4.mul(rate, g);
      }
      v128.store(args.parameters + at, f32x4.sub(p, change));
    }
  }
}

@unmanaged
class AccumulateArgs {
  y: usize;
  x: usize;
  control: usize;
  controlWords: i32;
  keep: f32;
  add: f32;
  /** Whether the first part of a step begins anew. */
  afresh: i32;
}

/** y = keep · y + add · x; an item is a number. */
export function accumulate(args: AccumulateArgs, first: i32, end: i32): void {
  if (!args.afresh && isSpoilt(args.control, args.controlWords)) return;
  const begins = args.afresh && load<i32>(args.control, PART) == 0;
  const keep = f32x4.splat(args.keep);
  const add = f32x4.splat(args.add);
  let i = first;
  for (; i + 4 <= end; i += 4) {
    const at = (<usize>i) << 2;
    const share = f32x4.mul(add, v128.load(args.x + at));
    v128.store(args.y + at, begins ? share : f32x4.add(f32x4.mul(keep, v128.load(args.y + at)), share));
  }
  for (; i < end; i++) {
    const at = (<usize>i) << 2;
    const share = args.add * load<f32>(args.x + at);
    store<f32>(args.y + at, begins ? share : args.keep * load<f32>(args.y + at) + share);
  }
}

@unmanaged
class NormsArgs {
  x: usize;
  norms: usize;
  count: i32;
  /** Of a norm, at most. */
  terms: i32;
  /** Numbers from one term to the next, and from one norm's first to the next's. */
  step: i32;
  apart: i32;
}

/** ‖x‖ of every so many numbers, in f64, where no square is lost; an item is a norm. */
export function norms(args: NormsArgs, first: i32, end: i32): void {
  const step = (<usize>args.step) << 2;
  for (let item = first; item < end;) {
    const from = item * args.apart;
    const x = args.x + ((<usize>from) << 2);
    const to = args.norms + ((<usize>item) << 2);
    if (args.apart == 1 && item + 4 <= end) {
      // Four side by side; what the first of them have beyond the last one's terms comes behind.
      const terms = min(args.terms, (args.count - from - 3 + args.step - 1) / args.step);
      let low = f64x2.splat(0);
      let high = f64x2.splat(0);
      for (let k = 0; k < terms; k++) {
        const four = v128.load(x + <usize>k * step);
        const a = f64x2.promote_low_f32x4(four);
        const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(four, four, 2, 3, 0, 1));
        low = f64x2.add(low, f64x2.mul(a, a));
        high = f64x2.add(high, f64x2.mul(b, b));
      }
      v128.store(scratch, low);
      v128.store(scratch, high, 16);
      for (let i = 0; i < 4; i++) {
        const all = min(args.terms, (args.count - from - i + args.step - 1) / args.step);
        const at = x + ((<usize>i) << 2) + <usize>terms * step;
        const sum = load<f64>(scratch + ((<usize>i) << 3)) + squares(at, step, all - terms);
        store<f32>(to + ((<usize>i) << 2), <f32>Math.sqrt(sum));
      }
      item += 4;
      continue;
    }
    const terms = min(args.terms, (args.count - from + args.step - 1) / args.step);
    store<f32>(to, <f32>Math.sqrt(squares(x, step, terms)));
    item++;
  }
}

function squares(x: usize, step: usize, terms: i32): f64 {
  let even: f64 = 0;
  let odd: f64 = 0;
  let k = 0;
  for (; k + 2 <= terms; k += 2, x += 2 * step) {
    const a = <f64>load<f32>(x);
    const b = <f64>load<f32>(x + step);
    even += a * a;
    odd += b * b;
  }
  if (k < terms) even += <f64>load<f32>(x) * <f64>load<f32>(x);
  return even + odd;
}
