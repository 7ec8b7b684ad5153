// The angle whose tangent x is, −π/2 … π/2, to 2⁻²²: a fit of (atan(x) / x − 1) / x² below tan π/8, to which all else comes down
// by turning back an eighth or a quarter of a turn.
fn arctangent(x: f32) -> f32 {
  let size = abs(x);
  let is_large = size > 2.41421356;
  let is_middle = size > 0.41421356 && !is_large;
  // 1 / size is 0 of infinity.
  let turned = select(select(size, (size - 1.0) / (size + 1.0), is_middle), -1.0 / size, is_large);
  let s = turned * turned;
  let series = turned + turned * s * (-0.33333332 + s * (0.1999954 + s * (-0.14263956 + s * (0.10743731 - s * 0.06451928))));
  let angle = series + select(select(0.0, 0.78539816, is_middle), 1.57079633, is_large);
  return select(select(angle, -angle, x < 0.0), x, is_nan(x));
}
