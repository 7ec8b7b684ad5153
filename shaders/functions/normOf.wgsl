// The root of three sums of squares that square_of made.
fn norm_of(sums: vec3f) -> f32 {
  if (sums.x > 0.0) {
    let usual = sqrt(sums.y) * 0x1p-100;
    return sqrt(sums.x + usual * usual) * 0x1p100;
  }
  let small = sqrt(sums.z) * 0x1p-100;
  if (sums.y == 0.0) {
    return small;
  }
  return sqrt(sums.y + small * small);
}
