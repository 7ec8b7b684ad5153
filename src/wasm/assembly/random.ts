import { storeSome } from './lanes';
import { log } from './math';
import { dropFactors, philox } from './philox';
import { scratch } from './team';

/** The last word of a counter, which keeps dropout apart from other draws. */
const DRAWS: i32 = 0;
const DROPS: i32 = 1;
/** Elements of dropout that an item has: of four counters. */
const ELEMENTS: i32 = 16;

@unmanaged
class DropoutArgs {
  x: usize;
  control: usize;
  y: usize;
  count: i32;
  /** Elements that each part of the step before this one has. */
  partCount: i32;
  stream: i32;
  /** Of 2²⁴ numbers, those below are dropped. */
  threshold: i32;
  /** What the others are multiplied by. */
  kept: f32;
}

/** Elements, each dropped or kept; an item is those of four counters. */
export function dropout(args: DropoutArgs, first: i32, end: i32): void {
  const control = args.control;
  const start = load<u32>(control, 4) * <u32>args.partCount;
  const before = <i32>(start & 3);
  for (let item = first; item < end; item++) {
    const from = item * ELEMENTS - before;
    const counter = ((start >> 2) + ((<u32>item) << 2)) & 0x3fffffff;
    const counters = v128.and(fourFrom(counter), i32x4.splat(0x3fffffff));
    const stream = i32x4.splat(args.stream);
    dropFactors(counters, stream, i32x4.splat(DROPS), control, args.threshold, args.kept, scratch);
    if (from >= 0 && from + ELEMENTS <= args.count) {
      const x = args.x + ((<usize>from) << 2);
      const y = args.y + ((<usize>from) << 2);
      for (let at: usize = 0; at < 64; at += 16) {
        v128.store(y + at, f32x4.mul(v128.load(x + at), v128.load(scratch + at)));
      }
      continue;
    }
    for (let i = max(from, 0); i < min(from + ELEMENTS, args.count); i++) {
      const factor = load<f32>(scratch + ((<usize>(i - from)) << 2));
      store<f32>(args.y + ((<usize>i) << 2), load<f32>(args.x + ((<usize>i) << 2)) * factor);
    }
  }
}

function fourFrom(counter: u32): v128 {
  return i32x4.add(i32x4.splat(counter), i32x4(0, 1, 2, 3));
}

/** What is drawn: random bits, numbers from 0 up to 1, or normal ones. */
export enum Law {
  bits,
  uniform,
  normal,
}

@unmanaged
class RandomArgs {
  control: usize;
  y: usize;
  count: i32;
  partCount: i32;
  stream: i32;
  law: i32;
}

/** Numbers, each of a counter of its own; an item is four. */
export function random(args: RandomArgs, first: i32, end: i32): void {
  const start = load<u32>(args.control, 4) * <u32>args.partCount;
  for (let item = first; item < end; item++) {
    const i = 4 * item;
    philox(fourFrom(start + <u32>i), i32x4.splat(args.stream), i32x4.splat(DRAWS), args.control, scratch);
    let y = v128.load(scratch);
    if (args.law == Law.uniform) y = unitOf(y);
    else if (args.law != Law.bits) y = normalOf(unitOf(y), unitOf(v128.load(scratch, 16)));
    storeSome(args.y + ((<usize>i) << 2), y, args.count - i);
  }
}

/** 24 random bits as a number in [0, 1). */
function unitOf(bits: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_u(i32x4.shr_u(bits, 8)), f32x4.splat(5.9604644775390625e-8));
}

/** √(−2 log(1 − u)) · cos(2πv). Source: Box and Muller 1958; 1 − u is never 0. */
function normalOf(u: v128, v: v128): v128 {
  const one = f32x4.splat(1);
  const size = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), log(f32x4.sub(one, u))));
  // cos(2πv) = 1 − 2 sin²(πv), and πv lies between −π/2 and π/2 where v is taken to the nearest whole number.
  const x = f32x4.mul(f32x4.sub(v, f32x4.nearest(v)), f32x4.splat(3.141592653589793));
  const z = f32x4.mul(x, x);
  let p = f32x4.splat(-2.5052108e-8);
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.7557319e-6));
  p = f32x4.sub(f32x4.mul(p, z), f32x4.splat(1.984127e-4));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(8.3333333e-3));
  p = f32x4.sub(f32x4.mul(p, z), f32x4.splat(1.6666667e-1));
  const sine = f32x4.add(x, f32x4.mul(f32x4.mul(p, z), x));
  return f32x4.mul(size, f32x4.sub(one, f32x4.mul(f32x4.splat(2), f32x4.mul(sine, sine))));
}
