// x · Φ(x), Φ the normal distribution.
fn gelu(x: f32) -> f32 {
  let tail = normal_tail(x);
  // Minus infinity times 0 would be NaN.
  return select(x * (1.0 - tail), bounded(x, 20.0) * tail, x < 0.0);
}

// Φ(x) + x · φ(x)
fn gelu_grad(x: f32, dy: f32) -> f32 {
  let tail = normal_tail(x);
  return dy * (select(1.0 - tail, tail, x < 0.0) + bounded(x, 20.0) * (0.39894228040 * bell(x, 0.5)));
}

// Φ(−|x|) = ½ erfc(|x| / √2)
fn normal_tail(x: f32) -> f32 {
  return 0.5 * bell(x, 0.5) * scaled_erfc(0.70710678118 * abs(x));
}
