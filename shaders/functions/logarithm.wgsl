// log x to two units in the last place, near 1 too, where a driver's own may be off by 2⁻²¹; NaN below 0, where drivers
// answer 0, and minus infinity at 0, where one answers −88.
fn logarithm(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let parts = logarithm_parts(bits);
  // ln 2 in two parts; the products with the first are exact.
  let value = parts.x * 0.693359375 + (parts.y - parts.x * 2.12194440e-4);
  // The word is 0: it keeps the infinity out of a constant expression, where WGSL forbids it.
  let minus_infinity = bitcast<f32>(0xff800000u | (bits & 0u));
  let known = select(value, x, bits == 0x7f800000u);
  return select(select(known, minus_infinity, (bits << 1u) == 0u), nan_after(x), (bits << 1u) != 0u && bits > 0x7f800000u);
}

// log(1 + x), relatively right near 0 as well.
fn logarithm_of_one_plus(x: f32) -> f32 {
  return select(logarithm(1.0 + x), twice_atanh(x / (1.0 + 0.5 * x)), x >= -0.5 && x <= 1.0);
}

// k and log m of a positive number's bits: x = 2ᵏ m, m between √½ and √2.
fn logarithm_parts(bits: u32) -> vec2f {
  // The digits of a subnormal number as a number of its own: no driver flushes an integer.
  let tiny = bits < 0x00800000u;
  let shifted = select(bits, bitcast<u32>(f32(bits)), tiny) + (0x3f800000u - 0x3f3504f3u);
  let k = i32(shifted >> 23u) - select(127, 127 + 149, tiny);
  let m = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u);
  return vec2f(f32(k), twice_atanh(2.0 * (m - 1.0) / (m + 1.0)));
}

// 2 atanh(s / 2) = log((2 + s) / (2 − s)) for |s| up to 2/3, a Chebyshev fit to 2⁻²⁷.
fn twice_atanh(s: f32) -> f32 {
  let q = 0.25 * s * s;
  return s + s * q * (0.33333160821 + q * (0.20012297615 + q * (0.13982578874 + q * 0.14078889175)));
}
