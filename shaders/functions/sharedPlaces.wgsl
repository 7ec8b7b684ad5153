// The sum of x over all invocations before this one. All of a workgroup share one block, and are as many as the digits.
fn sum_before(x: u32, lane: u32) -> u32 {
  next[lane] = x;
  for (var level = 0u; level < 32u; level++) {
    let reach = 1u << level;
    if (reach >= WIDTH) { break; }
    workgroupBarrier();
    let sum = next[lane] + select(0u, next[max(lane, reach) - reach], lane >= reach);
    workgroupBarrier();
    next[lane] = sum;
  }
  return next[lane] - x;
}

// Behind the rows of the same digit that earlier invocations have. All of a workgroup must come here.
fn place_of(digit: u32, is_row: bool, lane: u32) -> u32 {
  let word = lane / 32u;
  let bit = 1u << (lane % 32u);
  if (is_row) {
    atomicOr(&peers[digit * WORDS + word], bit);
  }
  workgroupBarrier();
  var all = 0u;
  var earlier = 0u;
  for (var w = 0u; w < WORDS; w++) {
    let bits = atomicLoad(&peers[digit * WORDS + w]);
    all += countOneBits(bits);
    earlier += countOneBits(bits & select(select(0u, bit - 1u, w == word), 0xffffffffu, w < word));
  }
  let to = next[digit] + earlier;
  workgroupBarrier();
  if (is_row) {
    atomicStore(&peers[digit * WORDS + word], 0u);
    if (earlier + 1u == all) {
      next[digit] += all;
    }
  }
  workgroupBarrier();
  return to;
}
