// a to the b: the built-in pow knows no negative base.
fn power(a: f32, b: f32) -> f32 {
  if (is_nan(b) || (is_nan(a) && b != 0.0)) {
    return nan_after(a);
  }
  if (b == 0.0) {
    return 1.0;
  }
  if (a == 0.0) {
    return select(0.0, exp2(b * -200.0), b < 0.0);
  }
  let size = pow(abs(a), b);
  if (a > 0.0) {
    return size;
  }
  if (floor(b) != b) {
    // A root of a negative number, but for minus infinity, whose powers JavaScript knows.
    return select(nan_after(a), size, a < -3.4028234e38);
  }
  return select(size, -size, abs(b) % 2.0 == 1.0);
}

// b · a^(b − 1) · dy
fn power_grad_base(a: f32, b: f32, dy: f32) -> f32 {
  return select(dy * b * power(a, b - 1.0), 0.0, b == 0.0);
}

// a^b · log a · dy; 0 at a = 0, where a^b is flat.
fn power_grad_exponent(a: f32, b: f32, dy: f32) -> f32 {
  if (a == 0.0 && b >= 0.0) {
    return 0.0;
  }
  return dy * power(a, b) * logarithm(a);
}
