// What x adds to three sums of squares: of large numbers, of usual ones, of small ones. The first and the last are scaled,
// so that no square becomes infinite and none vanishes. Source: Blue 1978.
fn square_of(x: f32) -> vec3f {
  let size = abs(x);
  if (size > 0x1p50) {
    let scaled = x * 0x1p-100;
    return vec3f(scaled * scaled, 0.0, 0.0);
  }
  if (size < 0x1p-50) {
    let scaled = x * 0x1p100;
    return vec3f(0.0, 0.0, scaled * scaled);
  }
  // NaN is neither.
  return vec3f(0.0, x * x, 0.0);
}
