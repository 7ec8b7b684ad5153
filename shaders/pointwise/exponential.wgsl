// exp, but NaN stays NaN: drivers answer infinity.
fn exponential(x: f32) -> f32 {
  return select(exp(x), x, is_nan(x));
}

// exp(x) − 1 without cancellation near 0.
fn exponential_minus_one(x: f32) -> f32 {
  let series = x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0)))));
  return select(exponential(x) - 1.0, series, abs(x) < 0.25);
}
