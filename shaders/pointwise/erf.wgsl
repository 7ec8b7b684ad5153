// The complementary error function, to a relative 1.2e-7 for x ≥ 0.
// Source: Press et al. 1992, Numerical Recipes, 6.2 (a Chebyshev fit).
fn erfc_positive(x: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.5 * x);
  let tail = 1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807
    + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))));
  return t * exponential(-x * x - 1.26551223 + t * tail);
}

fn erfc(x: f32) -> f32 {
  let tail = erfc_positive(abs(x));
  return select(tail, 2.0 - tail, x < 0.0);
}

// By Taylor's series near 0, where 1 − erfc would cancel.
fn error_function(x: f32) -> f32 {
  let s = x * x;
  let series = 1.1283791671 * x
    * (1.0 - s / 3.0 + s * s / 10.0 - s * s * s / 42.0 + s * s * s * s / 216.0 - s * s * s * s * s / 1320.0);
  return select(1.0 - erfc(x), series, abs(x) < 0.5);
}

// 2 / √π · exp(−x²) · dy
fn error_function_grad(x: f32, dy: f32) -> f32 {
  return dy * 1.1283791671 * exponential(-x * x);
}
