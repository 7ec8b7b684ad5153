// a to the b: the built-in pow knows no negative base, and near 1 its logarithm is off by 2⁻²¹.
fn power(a: f32, b: f32) -> f32 {
  if (is_nan(b) || (is_nan(a) && b != 0.0)) {
    return nan_after(a);
  }
  if (b == 0.0) {
    return 1.0;
  }
  if (a == 0.0) {
    // A word that is 0 keeps the infinity out of a constant expression, where WGSL forbids it.
    let infinity = bitcast<f32>(0x7f800000u | (bitcast<u32>(a) & 0u));
    return select(0.0, infinity, b < 0.0);
  }
  let size = positive_power(abs(a), b);
  if (a > 0.0) {
    return size;
  }
  if (floor(b) != b) {
    // A root of a negative number, but for minus infinity, whose powers JavaScript knows.
    return select(nan_after(a), size, a < -3.4028234e38);
  }
  return select(size, -size, abs(b) % 2.0 == 1.0);
}

// 2 to the power of b log₂ a, where a = 2ᵏ m: the whole part of b k comes off before b log₂ m is added, and stays exact.
fn positive_power(a: f32, b: f32) -> f32 {
  let parts = logarithm_parts(bitcast<u32>(a));
  let rest = b * (parts.y * 1.44269504);
  let exponent = b * parts.x + rest;
  if (!(abs(exponent) < 200.0) || bitcast<u32>(a) == 0x7f800000u) {
    return exponential(b * logarithm(a));
  }
  let whole = round(exponent);
  let r = 0.69314718 * ((b * parts.x - whole) + rest);
  return scaled_by_power_of_two(1.0 + small_exponential_minus_one(r), i32(whole));
}

// b · a^(b − 1) · dy
fn power_grad_base(a: f32, b: f32, dy: f32) -> f32 {
  return select(dy * b * power(a, b - 1.0), 0.0, b == 0.0);
}

// a^b · log a · dy; 0 at a = 0, where a^b is flat. By its root twice, since a^b alone may be no number where the whole is.
fn power_grad_exponent(a: f32, b: f32, dy: f32) -> f32 {
  if (a == 0.0 && b >= 0.0) {
    return 0.0;
  }
  let root = power(a, 0.5 * b);
  return dy * logarithm(a) * root * root;
}
