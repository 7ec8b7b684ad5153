// sin x and cos x to two units in the last place, of any x; NaN of what is infinite.
fn sine(x: f32) -> f32 {
  return cosine_sine_of_any(x).y;
}

fn cosine(x: f32) -> f32 {
  return cosine_sine_of_any(x).x;
}

fn cosine_sine_of_any(x: f32) -> vec2f {
  // By its bits: NaN is larger than 8192.
  if ((bitcast<u32>(x) & 0x7fffffffu) <= 0x46000000u) {
    return cosine_sine(x);
  }
  return cosine_sine_of_large(x);
}

// Of more than 8192 no part of π/2 would do: 2/π times x's 24 digits, as integers, less whole turns. Source: Payne and Hanek 1983.
fn cosine_sine_of_large(x: f32) -> vec2f {
  let bits = bitcast<u32>(x);
  let exponent = (bits >> 23u) & 0xffu;
  if (exponent == 0xffu) {
    return vec2f(nan_after(x));
  }
  // 96 digits of 2/π, from that on which makes half turns of x's last digit: what stands before makes whole ones.
  let start = exponent - 120u;
  let a = digits_of_two_over_pi(start);
  let b = digits_of_two_over_pi(start + 32u);
  let c = digits_of_two_over_pi(start + 64u);
  let digits = (bits & 0x007fffffu) | 0x00800000u;
  let low = digits * b + multiply_words(digits, c);
  let carry = select(0u, 1u, low < multiply_words(digits, c));
  let high = digits * a + multiply_words(digits, b) + carry;
  // Two binary digits of quarter turns, the nearest, and a rest of 62, either way.
  let quarters = i32((high + 0x20000000u) >> 30u);
  let rest = vec2u((high << 2u) | (low >> 30u), low << 2u);
  let negative = (rest.x >> 31u) != 0u;
  let size = select(rest, ~rest, negative);
  // As a float with all of its digits: 1 to 30 of them are 0 in front, as no f32 is closer to a quarter turn.
  let zeros = countLeadingZeros(size.x);
  let first = (size.x << zeros) | (size.y >> (32u - zeros));
  let r = 1.5707963268 * f32(first) * bitcast<f32>((95u - zeros) << 23u);
  let angle = select(r, -r, negative);
  let point = turned(cosine_sine_of_rest(angle), quarters);
  return select(point, vec2f(point.x, -point.y), x < 0.0);
}

// 32 binary digits of 2/π, from one on; there are 32 zeros before the first.
fn digits_of_two_over_pi(start: u32) -> u32 {
  let words = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
  let at = start >> 5u;
  let shift = start & 31u;
  return (words[at] << shift) | ((words[at + 1u] >> 1u) >> (31u - shift));
}

// The high word of a product of a number below 2²⁴ and one of 32 digits.
fn multiply_words(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let rest = (a & 0xffffu) * (b >> 16u);
  let sum = (middle & 0xffffu) + (rest & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (rest >> 16u) + (sum >> 16u);
}
