// scale · x above 0, scale · alpha · (eˣ − 1) below: ELU has scale 1, SELU both constants fixed.
fn elu(x: f32, alpha: f32, scale: f32) -> f32 {
  return scale * select(alpha * exponential_minus_one(x), x, x > 0.0);
}

fn elu_grad(x: f32, dy: f32, alpha: f32, scale: f32) -> f32 {
  return dy * scale * select(alpha * exponential(x), 1.0, x > 0.0);
}
