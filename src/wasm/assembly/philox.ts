/* Philox 4x32-10, four counters at a time: the same bits as src/core/random.ts. */

const MULTIPLIER_0: u32 = 0xd2511f53;
const MULTIPLIER_1: u32 = 0xcd9e8d57;
const WEYL_0: u32 = 0x9e3779b9;
const WEYL_1: u32 = 0xbb67ae85;
const ROUNDS: i32 = 10;

/**
 * Four words of each of four counters: first all counters' first words. A counter's second word is the step of the control
 * state, which has the seed too.
 */
export function philox(c0: v128, c2: v128, c3: v128, control: usize, to: usize): void {
  let c1 = v128.load_splat<i32>(control);
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
  v128.store(to, c0);
  v128.store(to, c1, 16);
  v128.store(to, c2, 32);
  v128.store(to, c3, 48);
}

/**
 * The same as factors, four of the first counter, then four of the second: 0 where the upper 24 bits are below the threshold,
 * else `kept`.
 */
export function dropFactors(c0: v128, c2: v128, c3: v128, control: usize, threshold: i32, kept: f32, to: usize): void {
  philox(c0, c2, c3, control, to);
  const limit = i32x4.splat(threshold);
  const factor = f32x4.splat(kept);
  const f0 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(v128.load(to), 8), limit));
  const f1 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(v128.load(to, 16), 8), limit));
  const f2 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(v128.load(to, 32), 8), limit));
  const f3 = v128.and(factor, i32x4.ge_s(i32x4.shr_u(v128.load(to, 48), 8), limit));
  // Lane i of each is of counter i: four by four they change places.
  const s0 = v128.shuffle<i32>(f0, f1, 0, 4, 1, 5);
  const s1 = v128.shuffle<i32>(f2, f3, 0, 4, 1, 5);
  const s2 = v128.shuffle<i32>(f0, f1, 2, 6, 3, 7);
  const s3 = v128.shuffle<i32>(f2, f3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i32>(s0, s1, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<i32>(s0, s1, 2, 3, 6, 7), 16);
  v128.store(to, v128.shuffle<i32>(s2, s3, 0, 1, 4, 5), 32);
  v128.store(to, v128.shuffle<i32>(s2, s3, 2, 3, 6, 7), 48);
}
