// log, but NaN below 0: drivers answer 0.
fn logarithm(x: f32) -> f32 {
  return select(log(x), nan_after(x), x < 0.0 || is_nan(x));
}
