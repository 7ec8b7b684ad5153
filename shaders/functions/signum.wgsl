// −1, 0 or 1; NaN of NaN, of which the built-in function makes 0.
fn signum(x: f32) -> f32 {
  return select(sign(x), x, is_nan(x));
}
