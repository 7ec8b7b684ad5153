// The same where x holds the means of several rows each, and variances their variances.
fn block_at(start: u32, stop: u32, c: u32, pivot: f32) -> Term {
  var total = Term(0.0, 0.0, 0.0);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = start + turn * shares();
    if (r >= stop) { break; }
    let at = r * sizes.channels + c;
    let count = f32(select(sizes.several, sizes.last, r == sizes.rows - 1u));
    total = combine(total, Term(count, x[at] - pivot, variances[at] * count));
  }
  return total;
}
