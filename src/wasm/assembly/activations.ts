import { bell, bounded, exp, expm1, expOfSum, leading, log1pOfShare, scaledErfc } from './math';

/* Activations of four numbers at a time, and their slopes, as `shaders/functions` has them. */

function isBelow(x: v128): v128 {
  return f32x4.lt(x, f32x4.splat(0));
}

/** e^−|x|, which does not overflow. */
function tailOf(x: v128): v128 {
  return exp(v128.or(x, f32x4.splat(-0.0)));
}

/** e / (1 + e)², of e = e^−|x|: not y (1 − y), since where y has rounded to 1, the slope is not yet 0. */
export function sigmoidSlope(x: v128): v128 {
  const e = tailOf(x);
  const whole = f32x4.add(f32x4.splat(1), e);
  return f32x4.div(e, f32x4.mul(whole, whole));
}

export function tanhSlope(x: v128): v128 {
  return f32x4.mul(f32x4.splat(4), sigmoidSlope(f32x4.add(x, x)));
}

export function elu(x: v128, alpha: v128): v128 {
  return v128.bitselect(x, f32x4.mul(alpha, expm1(x)), f32x4.gt(x, f32x4.splat(0)));
}

export function eluSlope(x: v128, alpha: v128): v128 {
  return v128.bitselect(f32x4.splat(1), f32x4.mul(alpha, exp(x)), f32x4.gt(x, f32x4.splat(0)));
}

/** Minus infinity times 0 would be NaN: x from −limit on. */
function fromMinus(limit: f32, x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(-limit));
}

export function silu(x: v128): v128 {
  const e = tailOf(x);
  const one = f32x4.splat(1);
  const share = f32x4.div(v128.bitselect(e, one, isBelow(x)), f32x4.add(one, e));
  return f32x4.mul(fromMinus(110, x), share);
}

/** σ(x) (1 + x σ(−x)) */
export function siluSlope(x: v128): v128 {
  const e = tailOf(x);
  const one = f32x4.splat(1);
  const whole = f32x4.add(one, e);
  const below = isBelow(x);
  const likely = f32x4.div(v128.bitselect(e, one, below), whole);
  const unlikely = f32x4.div(v128.bitselect(one, e, below), whole);
  return f32x4.mul(likely, f32x4.add(one, f32x4.mul(bounded(x, 110), unlikely)));
}

/** log(1 + eˣ), written so that eˣ neither overflows nor drowns in the 1. */
export function softplus(x: v128): v128 {
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), log1pOfShare(tailOf(x)));
}

/** Φ(−|x|) = ½ erfc(|x| / √2), of e^(−x²/2). */
function normalTail(x: v128, density: v128): v128 {
  const erfc = scaledErfc(f32x4.mul(f32x4.abs(x), f32x4.splat(0.7071067811865476)));
  return f32x4.mul(f32x4.mul(f32x4.splat(0.5), density), erfc);
}

/** x · Φ(x) */
export function gelu(x: v128): v128 {
  const tail = normalTail(x, bell(x, 0.5));
  const share = v128.bitselect(tail, f32x4.sub(f32x4.splat(1), tail), isBelow(x));
  return f32x4.mul(fromMinus(20, x), share);
}

/** Φ(x) + x · φ(x) */
export function geluSlope(x: v128): v128 {
  const density = bell(x, 0.5);
  const tail = normalTail(x, density);
  const share = v128.bitselect(tail, f32x4.sub(f32x4.splat(1), tail), isBelow(x));
  return f32x4.add(share, f32x4.mul(bounded(x, 20), f32x4.mul(f32x4.splat(0.3989422804), density)));
}

/**
 * e^−|2u|, 2u = √(8/π) (x + 0.044715 x³). What 2u is off by would come out |2u| times as large, so it is added up in two
 * parts: products of leading digits, which are exact, and what they leave out.
 */
function geluTanhTail(x: v128): v128 {
  const size = f32x4.pmin(f32x4.abs(x), f32x4.splat(20));
  const digits = leading(size, 16);
  const left = f32x4.sub(size, digits);
  const cube = f32x4.mul(f32x4.mul(digits, digits), digits);
  const three = f32x4.mul(f32x4.mul(f32x4.splat(3), digits), size);
  const cubeRest = f32x4.mul(left, f32x4.add(three, f32x4.mul(left, left)));
  const sizeDigits = leading(size, 12);
  const cubeDigits = leading(cube, 12);
  const first = f32x4.splat(1.595703125);
  const third = f32x4.splat(0.07135009765625);
  const linear = f32x4.mul(first, sizeDigits);
  const cubic = f32x4.mul(third, cubeDigits);
  const whole = leading(f32x4.add(linear, cubic), 8);
  let rest = f32x4.add(f32x4.sub(f32x4.max(linear, cubic), whole), f32x4.min(linear, cubic));
  rest = f32x4.add(rest, f32x4.mul(first, f32x4.sub(size, sizeDigits)));
  rest = f32x4.add(rest, f32x4.mul(f32x4.splat(6.599660573e-5), size));
  rest = f32x4.add(rest, f32x4.mul(third, f32x4.sub(cube, cubeDigits)));
  rest = f32x4.add(rest, f32x4.mul(f32x4.splat(4.71861635e-6), cube));
  rest = f32x4.add(rest, f32x4.mul(f32x4.splat(0.07135481627), cubeRest));
  return expOfSum(f32x4.neg(whole), f32x4.neg(rest));
}

/** ½ x (1 + tanh u) = x σ(2u) */
export function geluTanh(x: v128): v128 {
  const e = geluTanhTail(x);
  const one = f32x4.splat(1);
  const share = v128.bitselect(f32x4.mul(fromMinus(20, x), e), x, isBelow(x));
  return f32x4.div(share, f32x4.add(one, e));
}

/** σ(2u) + x σ(2u) σ(−2u) d 2u / dx */
export function geluTanhSlope(x: v128): v128 {
  const e = geluTanhTail(x);
  const one = f32x4.splat(1);
  const whole = f32x4.add(one, e);
  const below = isBelow(x);
  const likely = f32x4.div(v128.bitselect(e, one, below), whole);
  const unlikely = f32x4.div(v128.bitselect(one, e, below), whole);
  const inside = bounded(x, 20);
  const square = f32x4.mul(f32x4.mul(f32x4.splat(0.134145), inside), inside);
  const slope = f32x4.mul(f32x4.mul(inside, f32x4.splat(1.59576912)), f32x4.add(one, square));
  return f32x4.mul(likely, f32x4.add(one, f32x4.mul(slope, unlikely)));
}

/** What a logit's loss is beside softplus(−|x|): |x| times the share of the class that x speaks against. */
function against(x: v128, target: v128): v128 {
  return v128.bitselect(f32x4.sub(f32x4.splat(1), target), target, f32x4.gt(x, f32x4.splat(0)));
}

/** −t log σ(x) − (1 − t) log(1 − σ(x)), as a sum without cancellation; infinity times no share at all is 0. */
export function binaryCrossEntropy(x: v128, target: v128): v128 {
  const share = against(x, target);
  const none = f32x4.eq(share, f32x4.splat(0));
  return f32x4.add(v128.andnot(f32x4.mul(f32x4.abs(x), share), none), log1pOfShare(tailOf(x)));
}

/** σ(x) − t, which is (1 − t) − σ(−x) above 0. */
export function binaryCrossEntropySlope(x: v128, target: v128): v128 {
  const e = tailOf(x);
  const unlikely = f32x4.div(e, f32x4.add(f32x4.splat(1), e));
  const difference = f32x4.sub(unlikely, against(x, target));
  return v128.bitselect(f32x4.neg(difference), difference, f32x4.gt(x, f32x4.splat(0)));
}
