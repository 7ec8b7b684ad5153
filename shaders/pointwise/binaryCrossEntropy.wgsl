// −t log σ(x) − (1 − t) log(1 − σ(x)), by softplus(x) − x t.
fn binary_cross_entropy(x: f32, target_value: f32) -> f32 {
  return softplus(x) - x * target_value;
}

fn binary_cross_entropy_grad(x: f32, target_value: f32, dy: f32) -> f32 {
  return dy * (sigmoid(x) - target_value);
}
