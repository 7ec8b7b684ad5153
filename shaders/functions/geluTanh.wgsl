// ½ x (1 + tanh u) = x σ(2u), 2u = √(8/π) (x + 0.044715 x³). Source: Hendrycks and Gimpel 2016, 2.
fn gelu_tanh(x: f32) -> f32 {
  let e = gelu_tanh_tail(x);
  // Minus infinity times 0 would be NaN.
  return select(x, bounded(x, 20.0) * e, x < 0.0) / (1.0 + e);
}

// σ(2u) + x σ(2u) σ(−2u) d 2u / dx
fn gelu_tanh_grad(x: f32, dy: f32) -> f32 {
  let e = gelu_tanh_tail(x);
  let likely = 1.0 / (1.0 + e);
  let unlikely = e / (1.0 + e);
  let inside = bounded(x, 20.0);
  let slope = inside * 1.59576912 * (1.0 + 0.134145 * inside * inside);
  return dy * (select(likely, unlikely, x < 0.0) * (1.0 + slope * select(unlikely, likely, x < 0.0)));
}

// e^(−|2u|). What 2u is off by would come out |2u| times as large, so it is added up in two parts: products of leading
// digits, which are exact, and what they leave out.
fn gelu_tanh_tail(x: f32) -> f32 {
  let size = bounded(abs(x), 20.0);
  let digits = leading(size, 8u);
  let cube = digits * digits * digits;
  let cube_rest = (size - digits) * (3.0 * digits * size + (size - digits) * (size - digits));
  let linear = 1.595703125 * leading(size, 12u);
  let cubic = 0.07135009765625 * leading(cube, 12u);
  let whole = leading(linear + cubic, 16u);
  let rest = ((max(linear, cubic) - whole) + min(linear, cubic))
    + (1.595703125 * (size - leading(size, 12u)) + 6.599660573e-5 * size)
    + (0.07135009765625 * (cube - leading(cube, 12u)) + 4.718616350e-6 * cube + 0.07135481627 * cube_rest);
  return exponential_of_sum(-whole, -rest);
}
