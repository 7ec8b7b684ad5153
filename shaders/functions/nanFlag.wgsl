// 1 of what is no number, else 0.
fn nan_flag(x: f32) -> u32 {
  return select(0u, 1u, is_nan(x));
}
