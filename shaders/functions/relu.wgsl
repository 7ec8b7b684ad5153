// Not max(x, 0), which turns NaN into 0.
fn relu(x: f32) -> f32 {
  return select(x, 0.0, x < 0.0);
}

fn relu_grad(y: f32, dy: f32) -> f32 {
  return select(dy, 0.0, y <= 0.0);
}
