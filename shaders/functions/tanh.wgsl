// By e^(−2|x|) − 1, which is relatively right near 0; the built-in tanh is NaN past 90 on some drivers.
fn hyperbolic_tangent(x: f32) -> f32 {
  let e = exponential_minus_one(-2.0 * abs(x));
  let size = -e / (2.0 + e);
  return select(size, -size, x < 0.0);
}

// Of x rather than 1 − y²: where y has rounded to 1, the slope is not yet 0.
fn hyperbolic_tangent_grad(x: f32, dy: f32) -> f32 {
  let e = exponential(-2.0 * abs(x));
  return dy * (4.0 * e / ((1.0 + e) * (1.0 + e)));
}
