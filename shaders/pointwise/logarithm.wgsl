// log, but NaN below 0, where drivers answer 0, and minus infinity at 0, where one answers −88.
fn logarithm(x: f32) -> f32 {
  // The word is 0: it keeps the infinity out of a constant expression, where WGSL forbids it.
  let minus_infinity = bitcast<f32>(0xff800000u | (bitcast<u32>(x) & 0u));
  return select(select(log(x), minus_infinity, x == 0.0), nan_after(x), x < 0.0 || is_nan(x));
}
