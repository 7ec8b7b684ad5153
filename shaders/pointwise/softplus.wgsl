// log(1 + eˣ), written so that eˣ does not overflow.
fn softplus(x: f32) -> f32 {
  return select(x, 0.0, x < 0.0) + logarithm(1.0 + exponential(-abs(x)));
}

fn softplus_grad(x: f32, dy: f32) -> f32 {
  return dy * sigmoid(x);
}
