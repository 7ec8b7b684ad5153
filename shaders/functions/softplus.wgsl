// log(1 + eˣ), written so that eˣ neither overflows nor drowns in the 1.
fn softplus(x: f32) -> f32 {
  let e = exponential(-abs(x));
  return select(x, 0.0, x < 0.0) + twice_atanh(e / (1.0 + 0.5 * e));
}

fn softplus_grad(x: f32, dy: f32) -> f32 {
  return dy * sigmoid(x);
}
