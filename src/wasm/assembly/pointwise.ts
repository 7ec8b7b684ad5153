import {
  binaryCrossEntropy,
  binaryCrossEntropySlope,
  elu,
  eluSlope,
  gelu,
  geluSlope,
  geluTanh,
  geluTanhSlope,
  sigmoidSlope,
  silu,
  siluSlope,
  softplus,
  tanhSlope,
} from './activations';
import { bell, erf, exp, expm1, log, log1p, logistic, tanh } from './math';
import { scratch } from './team';

@unmanaged
class CountArgs {
  x: usize;
  count: usize;
}

/** Counts, in a word, the numbers that are NaN or infinite: an exponent of ones. */
export function countBad(args: CountArgs, first: i32, end: i32): void {
  const mask = i32x4.splat(0x7f800000);
  let bad = i32x4.splat(0);
  let i = first;
  for (; i + 4 <= end; i += 4) {
    const x = v128.and(v128.load(args.x + ((<usize>i) << 2)), mask);
    bad = i32x4.sub(bad, i32x4.eq(x, mask));
  }
  let count =
    i32x4.extract_lane(bad, 0) + i32x4.extract_lane(bad, 1) + i32x4.extract_lane(bad, 2) + i32x4.extract_lane(bad, 3);
  for (; i < end; i++) if ((load<i32>(args.x + ((<usize>i) << 2)) & 0x7f800000) == 0x7f800000) count++;
  if (count > 0) atomic.add<i32>(args.count, count);
}

/*
 * y = f(a, b, c), element by element of up to three operands, which are broadcast. An item is an element of y. Along the last
 * axis of a walk an operand goes on by one element or stays; what does not fill a vector is copied into one.
 */

/** What can be done, by the names by which ops ask for it. */
export enum Operation {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  largerGrad,
  smallerGrad,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
  where,
  neg,
  abs,
  absGrad,
  sqrt,
  floor,
  ceil,
  nearest,
  relu,
  reluGrad,
  leakyRelu,
  leakyReluGrad,
  squaredError,
  squaredErrorGrad,
  absoluteError,
  absoluteErrorGrad,
  huberError,
  huberErrorGrad,
  exp,
  expm1,
  log,
  log1p,
  erf,
  erfGrad,
  sigmoid,
  sigmoidGrad,
  tanh,
  tanhGrad,
  elu,
  eluGrad,
  gelu,
  geluGrad,
  geluTanh,
  geluTanhGrad,
  silu,
  siluGrad,
  softplus,
  softplusGrad,
  binaryCrossEntropy,
  binaryCrossEntropyGrad,
  kullbackLeibler,
  scaled,
  fromSigned,
  fromUnsigned,
}

/** Behind them, one for each axis: extents, then the elements from one to the next of a, of b and of c. */
@unmanaged
class PointwiseArgs {
  a: usize;
  b: usize;
  c: usize;
  y: usize;
  operation: i32;
  s: f32;
  t: f32;
  rank: i32;
}

export function pointwise(args: PointwiseArgs, first: i32, end: i32): void {
  const rank = args.rank;
  const words = (<usize>rank) << 2;
  const extents = changetype<usize>(args) + offsetof<PointwiseArgs>();
  const last = extents + words - 4;
  const inner = load<i32>(last);
  const aStep = load<usize>(last + words) << 2;
  const bStep = load<usize>(last + 2 * words) << 2;
  const cStep = load<usize>(last + 3 * words) << 2;
  for (let i = first; i < end;) {
    const column = i % inner;
    const count = min(inner - column, end - i);
    let row = i / inner;
    let a = args.a + <usize>column * aStep;
    let b = args.b + <usize>column * bStep;
    let c = args.c + <usize>column * cStep;
    for (let axis = last - 4; axis >= extents; axis -= 4) {
      const extent = load<i32>(axis);
      const at = (<usize>(row % extent)) << 2;
      row /= extent;
      a += at * load<usize>(axis + words);
      b += at * load<usize>(axis + 2 * words);
      c += at * load<usize>(axis + 3 * words);
    }
    line(args, a, b, c, args.y + ((<usize>i) << 2), aStep, bStep, cStep, count);
    i += count;
  }
}

function line(
  args: PointwiseArgs,
  a: usize,
  b: usize,
  c: usize,
  y: usize,
  aStep: usize,
  bStep: usize,
  cStep: usize,
  count: i32,
): void {
  const whole = (<usize>(count & ~3)) << 2;
  if (whole) vectors(args, a, b, c, y, aStep, bStep, cStep, whole);
  const rest = (<usize>(count & 3)) << 2;
  if (rest == 0) return;
  const room = scratch;
  const aRest = aStep ? copied(a + whole, room, rest) : a;
  const bRest = bStep ? copied(b + whole, room + 16, rest) : b;
  const cRest = cStep ? copied(c + whole, room + 32, rest) : c;
  vectors(args, aRest, bRest, cRest, room + 48, aStep, bStep, cStep, 16);
  copied(room + 48, y + whole, rest);
}

function copied(from: usize, to: usize, bytes: usize): usize {
  for (let at: usize = 0; at < bytes; at += 4) store<i32>(to + at, load<i32>(from + at));
  return to;
}

/** ±1, and 0 and NaN as they are. */
function signOf(x: v128): v128 {
  const sign = v128.or(v128.and(x, f32x4.splat(-0.0)), f32x4.splat(1));
  const has = v128.or(f32x4.lt(x, f32x4.splat(0)), f32x4.gt(x, f32x4.splat(0)));
  return v128.bitselect(sign, x, has);
}

/** 1 where all bits of a mask are ones, else 0. */
function oneWhere(mask: v128): v128 {
  return v128.and(mask, f32x4.splat(1));
}

function vectors(
  args: PointwiseArgs,
  a: usize,
  b: usize,
  c: usize,
  y: usize,
  aStep: usize,
  bStep: usize,
  cStep: usize,
  bytes: usize,
): void {
  const operation = args.operation;
  const s = f32x4.splat(args.s);
  const t = f32x4.splat(args.t);
  let x = v128.load_splat<f32>(a);
  let z = v128.load_splat<f32>(b);
  let w = v128.load_splat<f32>(c);
  let result = x;
  for (let at: usize = 0; at < bytes; at += 16) {
    if (aStep) x = v128.load(a + at);
    if (bStep) z = v128.load(b + at);
    if (cStep) w = v128.load(c + at);
    switch (operation) {
      case Operation.add:
        result = f32x4.add(x, z);
        break;
      case Operation.sub:
        result = f32x4.sub(x, z);
        break;
      case Operation.mul:
        result = f32x4.mul(x, z);
        break;
      case Operation.div:
        result = f32x4.div(x, z);
        break;
      case Operation.maximum:
        result = f32x4.max(x, z);
        break;
      case Operation.minimum:
        result = f32x4.min(x, z);
        break;
      case Operation.largerGrad:
      case Operation.smallerGrad: {
        const wins = operation == Operation.largerGrad ? f32x4.gt(x, z) : f32x4.lt(x, z);
        const half = v128.and(f32x4.eq(x, z), f32x4.splat(0.5));
        result = f32x4.mul(w, v128.or(oneWhere(wins), half));
        break;
      }
      case Operation.equal:
        result = i32x4.neg(f32x4.eq(x, z));
        break;
      case Operation.notEqual:
        result = i32x4.neg(f32x4.ne(x, z));
        break;
      case Operation.less:
        result = i32x4.neg(f32x4.lt(x, z));
        break;
      case Operation.lessEqual:
        result = i32x4.neg(f32x4.le(x, z));
        break;
      case Operation.greater:
        result = i32x4.neg(f32x4.gt(x, z));
        break;
      case Operation.greaterEqual:
        result = i32x4.neg(f32x4.ge(x, z));
        break;
      case Operation.where:
        result = v128.bitselect(w, z, i32x4.eq(x, i32x4.splat(0)));
        break;
      case Operation.neg:
        result = f32x4.neg(x);
        break;
      case Operation.abs:
        result = f32x4.abs(x);
        break;
      case Operation.absGrad:
        result = f32x4.mul(z, signOf(x));
        break;
      case Operation.sqrt:
        result = f32x4.sqrt(x);
        break;
      case Operation.floor:
        result = f32x4.floor(x);
        break;
      case Operation.ceil:
        result = f32x4.ceil(x);
        break;
      case Operation.nearest:
        result = f32x4.nearest(x);
        break;
      case Operation.relu:
        // NaN is not below 0.
        result = f32x4.pmax(x, f32x4.splat(0));
        break;
      case Operation.reluGrad:
        result = f32x4.mul(z, v128.andnot(f32x4.splat(1), f32x4.le(x, f32x4.splat(0))));
        break;
      case Operation.leakyRelu:
        result = v128.bitselect(f32x4.mul(s, x), x, f32x4.lt(x, f32x4.splat(0)));
        break;
      case Operation.leakyReluGrad:
        result = f32x4.mul(z, v128.bitselect(s, f32x4.splat(1), f32x4.le(x, f32x4.splat(0))));
        break;
      case Operation.squaredError: {
        const error = f32x4.sub(x, z);
        result = f32x4.mul(error, error);
        break;
      }
      case Operation.squaredErrorGrad: {
        const error = f32x4.sub(x, z);
        result = f32x4.mul(w, f32x4.add(error, error));
        break;
      }
      case Operation.absoluteError:
        result = f32x4.abs(f32x4.sub(x, z));
        break;
      case Operation.absoluteErrorGrad:
        result = f32x4.mul(w, signOf(f32x4.sub(x, z)));
        break;
      case Operation.huberError: {
        const error = f32x4.abs(f32x4.sub(x, z));
        const half = f32x4.splat(0.5);
        const near = f32x4.mul(f32x4.mul(half, error), error);
        const far = f32x4.mul(s, f32x4.sub(error, f32x4.mul(half, s)));
        result = v128.bitselect(near, far, f32x4.le(error, s));
        break;
      }
      case Operation.huberErrorGrad: {
        const error = f32x4.sub(x, z);
        const near = f32x4.le(f32x4.abs(error), s);
        result = f32x4.mul(w, v128.bitselect(error, f32x4.mul(s, signOf(error)), near));
        break;
      }
      case Operation.exp:
        result = exp(x);
        break;
      case Operation.expm1:
        result = expm1(x);
        break;
      case Operation.log:
        result = log(x);
        break;
      case Operation.log1p:
        result = log1p(x);
        break;
      case Operation.erf:
        result = erf(x);
        break;
      case Operation.erfGrad:
        result = f32x4.mul(z, f32x4.mul(f32x4.splat(1.1283791671), bell(x, 1)));
        break;
      case Operation.sigmoid:
        result = logistic(x);
        break;
      case Operation.sigmoidGrad:
        result = f32x4.mul(z, sigmoidSlope(x));
        break;
      case Operation.tanh:
        result = tanh(x);
        break;
      case Operation.tanhGrad:
        result = f32x4.mul(z, tanhSlope(x));
        break;
      case Operation.elu:
        result = f32x4.mul(t, elu(x, s));
        break;
      case Operation.eluGrad:
        result = f32x4.mul(z, f32x4.mul(t, eluSlope(x, s)));
        break;
      case Operation.gelu:
        result = gelu(x);
        break;
      case Operation.geluGrad:
        result = f32x4.mul(z, geluSlope(x));
        break;
      case Operation.geluTanh:
        result = geluTanh(x);
        break;
      case Operation.geluTanhGrad:
        result = f32x4.mul(z, geluTanhSlope(x));
        break;
      case Operation.silu:
        result = silu(x);
        break;
      case Operation.siluGrad:
        result = f32x4.mul(z, siluSlope(x));
        break;
      case Operation.softplus:
        result = softplus(x);
        break;
      case Operation.softplusGrad:
        result = f32x4.mul(z, logistic(x));
        break;
      case Operation.binaryCrossEntropy:
        result = binaryCrossEntropy(x, z);
        break;
      case Operation.binaryCrossEntropyGrad:
        result = f32x4.mul(w, binaryCrossEntropySlope(x, z));
        break;
      case Operation.kullbackLeibler:
        result = v128.andnot(f32x4.mul(z, f32x4.sub(log(z), x)), f32x4.eq(z, f32x4.splat(0)));
        break;
      case Operation.scaled:
        // What is no f32 comes as it is.
        result = args.s == 1 && args.t == 0 ? x : f32x4.add(f32x4.mul(s, x), t);
        break;
      case Operation.fromSigned:
        result = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x), s), t);
        break;
      case Operation.fromUnsigned:
        result = f32x4.add(f32x4.mul(f32x4.convert_i32x4_u(x), s), t);
        break;
    }
    v128.store(y + at, result);
  }
}
