// eˣ to two units in the last place: a driver's own is off by as many as |x|, and by its NaN, which it calls infinity.
fn exponential(x: f32) -> f32 {
  return exponential_of_sum(x, 0.0);
}

// e to the power of x + rest, where rest is what x did not hold of the exponent. Source: Cody and Waite 1980: x = k ln 2 + r, eˣ = 2ᵏ eʳ.
fn exponential_of_sum(x: f32, rest: f32) -> f32 {
  // Past these bounds it is 0 or infinite in any case.
  let inside = bounded(x, 110.0);
  // 1.5 · 2²³ rounds what is added to it, and its bits count on from there: i32() of a float is a branch for each lane on a CPU.
  let twos = bitcast<i32>((inside + rest) * 1.44269504 + 12582912.0) - bitcast<i32>(12582912.0);
  let k = f32(twos);
  // ln 2 in two parts; the products with the first are exact.
  let r = ((inside - k * 0.693359375) + k * 2.12194440e-4) + rest;
  return scaled_by_power_of_two(1.0 + small_exponential_minus_one(r), twos);
}

// eˣ − 1, relatively right near 0 as well.
fn exponential_minus_one(x: f32) -> f32 {
  return select(exponential(x) - 1.0, small_exponential_minus_one(x), abs(x) < 0.34);
}

// eʳ − 1 for |r| up to ½ ln 2, a Chebyshev fit to 2⁻²⁵.
fn small_exponential_minus_one(r: f32) -> f32 {
  return r + r * r * (0.5 + r * (0.16666576583 + r * (0.04166655411 + r * (0.00836324667 + r * 0.00139262681))));
}

// x · 2ᵏ in two steps, since 2ᵏ alone may be no number where the product is one.
fn scaled_by_power_of_two(x: f32, k: i32) -> f32 {
  let half = k / 2;
  return x * bitcast<f32>((half + 127) << 23u) * bitcast<f32>((k - half + 127) << 23u);
}

// The leading binary digits of x; what they leave out of it, x − leading(x), is exact.
fn leading(x: f32, digits: u32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) & (0xffffffffu << (24u - digits)));
}
