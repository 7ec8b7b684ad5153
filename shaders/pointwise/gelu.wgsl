// x · Φ(x), Φ the normal distribution: ½ x erfc(−x / √2).
fn gelu(x: f32) -> f32 {
  return 0.5 * x * erfc(-0.70710678118 * x);
}

// Φ(x) + x · φ(x)
fn gelu_grad(x: f32, dy: f32) -> f32 {
  return dy * (0.5 * erfc(-0.70710678118 * x) + x * 0.39894228040 * exponential(-0.5 * x * x));
}
