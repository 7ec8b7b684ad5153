fn square_root(x: f32) -> f32 {
  return select(sqrt(x), nan_after(x), x < 0.0 || is_nan(x));
}
