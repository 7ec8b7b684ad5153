fn leaky_relu(x: f32, slope: f32) -> f32 {
  return select(x, slope * x, x < 0.0);
}

fn leaky_relu_grad(x: f32, dy: f32, slope: f32) -> f32 {
  return select(dy, slope * dy, x <= 0.0);
}
