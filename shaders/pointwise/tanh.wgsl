// The built-in tanh is NaN past 90 on some drivers, and 1 − e would cancel near 0.
fn hyperbolic_tangent(x: f32) -> f32 {
  let s = x * x;
  let series = x * (1.0 + s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * (-17.0 / 315.0 + s * 62.0 / 2835.0))));
  let e = exponential(-2.0 * abs(x));
  let size = (1.0 - e) / (1.0 + e);
  return select(select(size, -size, x < 0.0), series, abs(x) < 0.25);
}

fn hyperbolic_tangent_grad(y: f32, dy: f32) -> f32 {
  return dy * (1.0 - y * y);
}
