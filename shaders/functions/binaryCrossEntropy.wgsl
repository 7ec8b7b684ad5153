// −t log σ(x) − (1 − t) log(1 − σ(x)), as a sum without cancellation: |x| times the share of the class that x speaks
// against, and softplus(−|x|).
fn binary_cross_entropy(x: f32, target_value: f32) -> f32 {
  let against = select(target_value, 1.0 - target_value, x > 0.0);
  // Infinity times no share at all would be NaN.
  return select(abs(x) * against, 0.0, against == 0.0) + softplus(-abs(x));
}

// σ(x) − t, which is (1 − t) − σ(−x) above 0.
fn binary_cross_entropy_grad(x: f32, target_value: f32, dy: f32) -> f32 {
  let unlikely = sigmoid(-abs(x));
  return dy * select(unlikely - target_value, (1.0 - target_value) - unlikely, x > 0.0);
}
