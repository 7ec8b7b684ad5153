// On software drivers x != x is always false, so NaN is told by its bits.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// A NaN that no compiler can see coming: WGSL forbids one in a constant expression.
fn nan_after(x: f32) -> f32 {
  return bitcast<f32>(0x7fc00000u | (bitcast<u32>(x) & 1u));
}

// Between −size and size, but NaN stays NaN, which the built-in clamp turns into a number.
fn bounded(x: f32, size: f32) -> f32 {
  return select(clamp(x, -size, size), x, is_nan(x));
}
