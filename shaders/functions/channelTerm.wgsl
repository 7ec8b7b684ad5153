// What an element of a batch norm's dY adds to dBeta and dGamma. a is x, b is dY; a channel has one mean and variance.
fn of_channel(c: u32) -> vec2f {
  return vec2f(mean[c], inverseSqrt(variance[c] + sizes.epsilon));
}

fn term(at: u32, r: u32, c: u32, known: vec2f) -> Term {
  return Term(b[at], b[at] * ((a[at] - known.x) * known.y));
}
