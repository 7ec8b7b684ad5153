// 1 / (1 + e⁻ˣ), of e to the −|x|, which does not overflow.
fn sigmoid(x: f32) -> f32 {
  let e = exponential(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}

// Of x rather than y (1 − y): where y has rounded to 1, the slope is not yet 0.
fn sigmoid_grad(x: f32, dy: f32) -> f32 {
  let e = exponential(-abs(x));
  return dy * (e / ((1.0 + e) * (1.0 + e)));
}
