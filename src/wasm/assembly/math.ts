/*
 * Functions of four numbers at a time. Errors are in units of 2⁻²⁴ of the result; `test/wasm/math.test.ts` measures them over
 * all sizes. Where a result is no normal number, half of the smallest number may be added. NaN gives NaN. Polynomials by
 * S. Moshier's Cephes.
 */

/** 1.5 · 2²³: what is added to it is rounded to a whole number, which its last bits are. */
const WHOLE: f32 = 12582912;
const LOG2_E: f32 = 1.44269504088896341;
/** ln 2 in two parts, of which the first has so few bits that its multiples are exact. */
const LN_2_HIGH: f32 = 0.693359375;
const LN_2_LOW: f32 = -2.1219444e-4;

/** e^r − 1 between −ln 2 / 2 and ln 2 / 2. */
function expm1NearZero(r: v128): v128 {
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  return f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r);
}

/** e^r there. */
function expNearZero(r: v128): v128 {
  return f32x4.add(expm1NearZero(r), f32x4.splat(1));
}

/** x / ln 2, rounded, and WHOLE. */
function wholes(x: v128): v128 {
  return f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(WHOLE));
}

/** What x has beyond multiples of ln 2. */
function beyond(x: v128, whole: v128): v128 {
  const n = f32x4.sub(whole, f32x4.splat(WHOLE));
  return f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN_2_HIGH))), f32x4.mul(n, f32x4.splat(LN_2_LOW)));
}

/** e^x, within 2 units. */
export function exp(x: v128): v128 {
  return expOfSum(x, f32x4.splat(0));
}

/** e^(x + rest), where rest is what x did not hold of the exponent. */
export function expOfSum(x: v128, rest: v128): v128 {
  // What is 0 is not left to the product: processors take a hundred times as long where a result is too small to be normal.
  const nothing = f32x4.lt(x, f32x4.splat(-103.98));
  // As the first operand of pmin NaN stays.
  x = v128.andnot(f32x4.pmin(x, f32x4.splat(89)), nothing);
  const whole = wholes(f32x4.add(x, rest));
  const p = expNearZero(f32x4.add(beyond(x, whole), rest));
  // 2ⁿ by two factors, as it may be no normal number.
  const n = i32x4.sub(whole, f32x4.splat(WHOLE));
  const half = i32x4.shr_s(n, 1);
  const first = i32x4.add(i32x4.shl(half, 23), f32x4.splat(1));
  const second = i32x4.add(i32x4.shl(i32x4.sub(n, half), 23), f32x4.splat(1));
  return v128.andnot(f32x4.mul(f32x4.mul(p, first), second), nothing);
}

/** e^x − 1, within 4 units. */
export function expm1(x: v128): v128 {
  const near = f32x4.lt(f32x4.abs(x), f32x4.splat(0.34));
  const y = v128.bitselect(expm1NearZero(x), f32x4.sub(exp(x), f32x4.splat(1)), near);
  // −0 stays.
  return v128.or(y, v128.and(x, f32x4.splat(-0.0)));
}

/** The same where e^x is a normal number, which nothing guards; or x is NaN. */
export function expInside(x: v128): v128 {
  const whole = wholes(x);
  const p = expNearZero(beyond(x, whole));
  return f32x4.mul(p, i32x4.add(i32x4.shl(i32x4.sub(whole, f32x4.splat(WHOLE)), 23), f32x4.splat(1)));
}

/** 1 / (1 + e^−x), within 4 units. */
export function logistic(x: v128): v128 {
  const one = f32x4.splat(1);
  // e^−|x|: so nothing overflows, and what is tiny is right, too.
  const e = exp(v128.or(x, f32x4.splat(-0.0)));
  const above = f32x4.ge(x, f32x4.splat(0));
  return f32x4.div(v128.bitselect(one, e, above), f32x4.add(one, e));
}

/** The hyperbolic tangent, within 3 units. */
export function tanh(x: v128): v128 {
  const sign = v128.and(x, f32x4.splat(-0.0));
  const size = v128.xor(x, sign);
  const z = f32x4.mul(x, x);
  let p = f32x4.splat(-5.70498872745e-3);
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.06390887954e-2));
  p = f32x4.sub(f32x4.mul(p, z), f32x4.splat(5.37397155531e-2));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1));
  p = f32x4.sub(f32x4.mul(p, z), f32x4.splat(3.33332819422e-1));
  const small = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x);
  // 1 − 2 / (e^2|x| + 1); beyond 10 it is 1.
  const twice = f32x4.pmin(f32x4.add(size, size), f32x4.splat(20));
  const e = expInside(twice);
  const large = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))));
  return v128.or(v128.bitselect(small, large, f32x4.lt(size, f32x4.splat(0.625))), sign);
}

/** The smallest normal number. */
const LEAST_NORMAL: f32 = 1.17549435e-38;

/** The natural logarithm, within 2 units: −∞ of 0, NaN of what is below. */
export function log(x: v128): v128 {
  // What is no normal number is made one, and 23 taken off.
  const tiny = f32x4.lt(x, f32x4.splat(LEAST_NORMAL));
  const normal = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, tiny);
  // x = (1 + f) · 2ᵉ, where 1 + f lies between √½ and √2.
  const above = i32x4.sub(normal, f32x4.splat(0.707106781186547524));
  const e = f32x4.sub(f32x4.convert_i32x4_s(i32x4.shr_s(above, 23)), v128.and(tiny, f32x4.splat(23)));
  const mantissa = i32x4.add(v128.and(above, i32x4.splat(0x7fffff)), f32x4.splat(0.707106781186547524));
  const f = f32x4.sub(mantissa, f32x4.splat(1));
  const z = f32x4.mul(f, f);
  let p = f32x4.splat(7.0376836292e-2);
  p = f32x4.sub(f32x4.mul(p, f), f32x4.splat(1.151461031e-1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.167699874e-1));
  p = f32x4.sub(f32x4.mul(p, f), f32x4.splat(1.2420140846e-1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.4249322787e-1));
  p = f32x4.sub(f32x4.mul(p, f), f32x4.splat(1.6668057665e-1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(2.0000714765e-1));
  p = f32x4.sub(f32x4.mul(p, f), f32x4.splat(2.4999993993e-1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(3.3333331174e-1));
  let y = f32x4.mul(f32x4.mul(p, f), z);
  y = f32x4.add(y, f32x4.mul(e, f32x4.splat(LN_2_LOW)));
  y = f32x4.sub(y, f32x4.mul(z, f32x4.splat(0.5)));
  y = f32x4.add(f32x4.add(f, y), f32x4.mul(e, f32x4.splat(LN_2_HIGH)));
  // ∞ and NaN stay; 0 gives −∞, and what is below NaN.
  y = v128.bitselect(y, x, f32x4.lt(x, f32x4.splat(Infinity)));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
  return v128.or(y, f32x4.lt(x, f32x4.splat(0)));
}

/** 2 atanh(s / 2) = log((2 + s) / (2 − s)) for |s| up to 2/3, a Chebyshev fit to 2⁻²⁷. */
function twiceAtanh(s: v128): v128 {
  const q = f32x4.mul(f32x4.mul(s, s), f32x4.splat(0.25));
  let p = f32x4.splat(0.14078889175);
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(0.13982578874));
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(0.20012297615));
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(0.33333160821));
  return f32x4.add(s, f32x4.mul(f32x4.mul(s, q), p));
}

/** The logarithm of 1 + x, within 4 units. */
export function log1p(x: v128): v128 {
  const one = f32x4.splat(1);
  const near = v128.and(f32x4.ge(x, f32x4.splat(-0.5)), f32x4.le(x, one));
  const ratio = f32x4.div(x, f32x4.add(one, f32x4.mul(x, f32x4.splat(0.5))));
  return v128.bitselect(twiceAtanh(ratio), log(f32x4.add(one, x)), near);
}

/** The logarithm of 1 + e, where e lies between 0 and 1. */
export function log1pOfShare(e: v128): v128 {
  return twiceAtanh(f32x4.div(e, f32x4.add(f32x4.splat(1), f32x4.mul(e, f32x4.splat(0.5)))));
}

/** x within ±limit; NaN stays. */
export function bounded(x: v128, limit: f32): v128 {
  return f32x4.pmax(f32x4.pmin(x, f32x4.splat(limit)), f32x4.splat(-limit));
}

/** The leading 24 − `dropped` binary digits of x; what they leave out of it, x − leading(x), is exact. */
export function leading(x: v128, dropped: i32): v128 {
  return v128.and(x, i32x4.splat(-1 << dropped));
}

/** e^(−factor · x²), factor 1 or ½: the square of x's leading half is exact, what is left of x² small. */
export function bell(x: v128, factor: f32): v128 {
  const size = f32x4.pmin(f32x4.abs(x), f32x4.splat(20));
  const digits = leading(size, 12);
  const minus = f32x4.splat(-factor);
  const square = f32x4.mul(f32x4.mul(minus, digits), digits);
  const rest = f32x4.mul(f32x4.mul(minus, f32x4.sub(size, digits)), f32x4.add(size, digits));
  return expOfSum(square, rest);
}

/** e^(x²) · erfc(x) for x ≥ 0, to 2⁻²³: a Chebyshev fit in t, which is 1 at 0 and 0 at infinity. */
export function scaledErfc(x: v128): v128 {
  const t = f32x4.div(f32x4.splat(2.5), f32x4.add(f32x4.splat(2.5), x));
  let p = f32x4.splat(-0.02986862904);
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.143841071));
  p = f32x4.sub(f32x4.mul(p, t), f32x4.splat(0.2430417373));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.1468032517));
  p = f32x4.sub(f32x4.mul(p, t), f32x4.splat(0.05379317036));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.08712064328));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.1180951226));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.171890572));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.2076007204));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.2256763169));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.2256758315));
  return f32x4.mul(t, p);
}

/** The error function, within 8 units: by Taylor's series near 0, where 1 − erfc would cancel. */
export function erf(x: v128): v128 {
  const z = f32x4.mul(x, x);
  let p = f32x4.splat(-1.0 / 1320);
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.0 / 216));
  p = f32x4.sub(f32x4.mul(p, z), f32x4.splat(1.0 / 42));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.0 / 10));
  p = f32x4.sub(f32x4.mul(p, z), f32x4.splat(1.0 / 3));
  const factor = f32x4.mul(x, f32x4.splat(1.1283791671));
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, z), factor), factor);
  const size = f32x4.abs(x);
  const far = f32x4.sub(f32x4.splat(1), f32x4.mul(bell(x, 1), scaledErfc(size)));
  const y = v128.bitselect(near, far, f32x4.lt(size, f32x4.splat(0.5)));
  return v128.or(y, v128.and(x, f32x4.splat(-0.0)));
}
