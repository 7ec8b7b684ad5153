// exp(x²) erfc(x) for x ≥ 0, to 2⁻²³: a Chebyshev fit in t, which is 1 at 0 and 0 at infinity.
fn scaled_erfc(x: f32) -> f32 {
  let t = 2.5 / (2.5 + x);
  return t * (0.2256758315 + t * (0.2256763169 + t * (0.2076007204 + t * (0.1718905720 + t * (0.1180951226
    + t * (0.08712064328 + t * (-0.05379317036 + t * (0.1468032517 + t * (-0.2430417373 + t * (0.1438410719
    - t * 0.02986862904))))))))));
}

// exp(−factor · x²), factor 1 or ½. The square of x's leading half is exact; what is left of x² is small.
fn bell(x: f32, factor: f32) -> f32 {
  let size = bounded(abs(x), 20.0);
  let digits = leading(size, 12u);
  return exponential_of_sum(-factor * digits * digits, -factor * (size - digits) * (size + digits));
}

// By Taylor's series near 0, where 1 − erfc would cancel.
fn error_function(x: f32) -> f32 {
  let s = x * x;
  let series = 1.1283791671 * x
    * (1.0 - s / 3.0 + s * s / 10.0 - s * s * s / 42.0 + s * s * s * s / 216.0 - s * s * s * s * s / 1320.0);
  let size = 1.0 - bell(x, 1.0) * scaled_erfc(abs(x));
  return select(select(size, -size, x < 0.0), series, abs(x) < 0.5);
}

// 2 / √π · exp(−x²) · dy
fn error_function_grad(x: f32, dy: f32) -> f32 {
  return dy * (1.1283791671 * bell(x, 1.0));
}
