// (cos, sin) of an angle in −π … π, to 16 · 2⁻²⁴: WGSL's own are good to 2⁻¹¹ only.
// Taylor's series of a quarter of it, of which the next term is below 2⁻²⁸, and the angle doubled twice.
fn cosine_sine(angle: f32) -> vec2f {
  let quarter = 0.25 * angle;
  let s = quarter * quarter;
  let sine = quarter * (1.0 + s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s / 362880.0))));
  let cosine = 1.0 + s * (-0.5 + s * (1.0 / 24.0 + s * (-1.0 / 720.0 + s * (1.0 / 40320.0 - s / 3628800.0))));
  let half = vec2f(1.0 - 2.0 * sine * sine, 2.0 * sine * cosine);
  return vec2f(1.0 - 2.0 * half.y * half.y, 2.0 * half.x * half.y);
}
