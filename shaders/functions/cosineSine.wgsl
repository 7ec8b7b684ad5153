// (cos, sin) of an angle within ±8192, each to two units in its last place: WGSL's own are good to 2⁻¹¹, and within ±π only.
// The angle is k quarter turns of π/2 and a rest r of at most half of one. Source: Cody and Waite 1980.
fn cosine_sine(angle: f32) -> vec2f {
  // 1.5 · 2²³ rounds what is added to it, and its bits count on from there: i32() of a float is a branch for each lane on a CPU.
  let quarters = bitcast<i32>(angle * 0.636619772 + 12582912.0) - bitcast<i32>(12582912.0);
  let k = f32(quarters);
  // π/2 in four parts; the products with the first three are exact, as k has 13 binary digits and they have 11.
  let r = ((angle - k * 1.5703125) - k * 4.837512969970703e-4) - k * 7.549533620476723e-8 - k * 2.5633440682570896e-12;
  return turned(cosine_sine_of_rest(r), quarters);
}

// Within ±π/4: Chebyshev fits of r² to 2⁻²⁶.
fn cosine_sine_of_rest(r: f32) -> vec2f {
  let s = r * r;
  let sine = r + r * s * (-0.16666664661 + s * (0.00833274804 + s * -0.00019587841));
  let cosine = 1.0 - 0.5 * s + s * s * (0.04166666466 + s * (-0.00138883028 + s * 0.00002454789));
  return vec2f(cosine, sine);
}

// The same, so many quarter turns further.
fn turned(point: vec2f, quarters: i32) -> vec2f {
  let odd = select(point, vec2f(-point.y, point.x), (quarters & 1) != 0);
  return select(odd, -odd, (quarters & 2) != 0);
}
