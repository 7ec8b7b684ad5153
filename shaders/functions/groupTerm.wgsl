// What an element of a group norm's dY adds to dBeta and dGamma. a is x, b is dY; each group of a sample has a mean and variance.
fn term(at: u32, r: u32, c: u32, known: vec2f) -> Term {
  var sample = r;
  if (sizes.pixels > 1u) {
    sample = r / sizes.pixels;
  }
  let group = sample * (sizes.channels / sizes.width) + c / sizes.width;
  return Term(b[at], b[at] * ((a[at] - mean[group]) * inverseSqrt(variance[group] + sizes.epsilon)));
}
