fn silu(x: f32) -> f32 {
  // Minus infinity times 0 would be NaN.
  return select(x, bounded(x, 110.0), x < 0.0) * sigmoid(x);
}

// σ(x) (1 + x σ(−x))
fn silu_grad(x: f32, dy: f32) -> f32 {
  return dy * sigmoid(x) * (1.0 + bounded(x, 110.0) * sigmoid(-x));
}
