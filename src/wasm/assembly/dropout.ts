import { scratch } from './team';

/* Philox 4x32-10, four counters at a time: the same bits as src/core/random.ts. */

const MULTIPLIER_0: u32 = 0xd2511f53;
const MULTIPLIER_1: u32 = 0xcd9e8d57;
const WEYL_0: u32 = 0x9e3779b9;
const WEYL_1: u32 = 0xbb67ae85;
const ROUNDS: i32 = 10;
/** The last word of a counter, which keeps dropout apart from other draws. */
const KIND: i32 = 1;
/** Elements of an item: of four counters. */
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
    factors(counter, control, args.stream, args.threshold, args.kept);
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

/** Writes what the elements of four counters are multiplied by. */
function factors(counter: u32, control: usize, stream: i32, threshold: i32, kept: f32): void {
  const few = i32x4(0, 1, 2, 3);
  let c0 = v128.and(i32x4.add(i32x4.splat(counter), few), i32x4.splat(0x3fffffff));
  let c1 = v128.load_splat<i32>(control);
  let c2 = i32x4.splat(stream);
  let c3 = i32x4.splat(KIND);
  let key0 = load<u32>(control, 8);
  let key1 = load<u32>(control, 12);
  for (let round = 0; round < ROUNDS; round++) {
    const m0 = i32x4.splat(MULTIPLIER_0);
    const m1 = i32x4.splat(MULTIPLIER_1);
    const p0 = i64x2.extmul_low_i32x4_u(c0, m0);
    const q0 = i64x2.extmul_high_i32x4_u(c0, m0);
    const p1 = i64x2.extmul_low_i32x4_u(c2, m1);
    const q1 = i64x2.extmul_high_i32x4_u(c2, m1);
    c0 = v128.xor(v128.xor(v128.shuffle<i32>(p1, q1, 1, 3, 5, 7), c1), i32x4.splat(key0));
    c1 = v128.shuffle<i32>(p1, q1, 0, 2, 4, 6);
    c2 = v128.xor(v128.xor(v128.shuffle<i32>(p0, q0, 1, 3, 5, 7), c3), i32x4.splat(key1));
    c3 = v128.shuffle<i32>(p0, q0, 0, 2, 4, 6);
    key0 += WEYL_0;
    key1 += WEYL_1;
  }
  const limit = i32x4.splat(threshold);
  const factor = f32x4.splat(kept);
  c0 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(c0, 8), limit));
  c1 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(c1, 8), limit));
  c2 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(c2, 8), limit));
  c3 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(c3, 8), limit));
  // Lane i of each is of counter i: four by four they change places.
  const s0 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
  const s1 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
  const s2 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const s3 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  v128.store(scratch, v128.shuffle<i32>(s0, s1, 0, 1, 4, 5));
  v128.store(scratch, v128.shuffle<i32>(s0, s1, 2, 3, 6, 7), 16);
  v128.store(scratch, v128.shuffle<i32>(s2, s3, 0, 1, 4, 5), 32);
  v128.store(scratch, v128.shuffle<i32>(s2, s3, 2, 3, 6, 7), 48);
}
