fn silu(x: f32) -> f32 {
  return x * sigmoid(x);
}

fn silu_grad(x: f32, dy: f32) -> f32 {
  let s = sigmoid(x);
  return dy * s * (1.0 + x * (1.0 - s));
}
