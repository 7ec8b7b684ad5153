@unmanaged
class CountArgs {
  x: usize;
  count: usize;
}

/** Counts, in a word, the numbers that are NaN or infinite: an exponent of ones. */
export function countBad(args: CountArgs, first: i32, end: i32): void {
  const mask = i32x4.splat(0x7f800000);
  let bad = i32x4.splat(0);
  let i = first;
  for (; i + 4 <= end; i += 4) {
    const x = v128.and(v128.load(args.x + ((<usize>i) << 2)), mask);
    bad = i32x4.sub(bad, i32x4.eq(x, mask));
  }
  let count =
    i32x4.extract_lane(bad, 0) + i32x4.extract_lane(bad, 1) + i32x4.extract_lane(bad, 2) + i32x4.extract_lane(bad, 3);
  for (; i < end; i++) if ((load<i32>(args.x + ((<usize>i) << 2)) & 0x7f800000) == 0x7f800000) count++;
  if (count > 0) atomic.add<i32>(args.count, count);
}
