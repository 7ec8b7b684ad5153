// The larger one; NaN if either is, unlike the built-in max.
fn larger(a: f32, b: f32) -> f32 {
  return select(select(b, a, a > b), a + b, is_nan(a) || is_nan(b));
}

fn smaller(a: f32, b: f32) -> f32 {
  return select(select(b, a, a < b), a + b, is_nan(a) || is_nan(b));
}

// The gradient of larger with respect to a: all of dy, half of it on a tie.
fn larger_grad(a: f32, b: f32, dy: f32) -> f32 {
  return dy * select(select(0.0, 0.5, a == b), 1.0, a > b);
}

fn smaller_grad(a: f32, b: f32, dy: f32) -> f32 {
  return dy * select(select(0.0, 0.5, a == b), 1.0, a < b);
}

// −1, 0 or 1 times dy.
fn absolute_grad(x: f32, dy: f32) -> f32 {
  return dy * sign(x);
}
