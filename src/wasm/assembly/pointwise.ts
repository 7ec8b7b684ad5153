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

/** Operations, as `src/ops/pointwise/wasmPointwise.ts` lists them. */
const ADD: i32 = 0;
const SUB: i32 = 1;
const MUL: i32 = 2;
const DIV: i32 = 3;
const MAXIMUM: i32 = 4;
const MINIMUM: i32 = 5;
const LARGER_GRAD: i32 = 6;
const SMALLER_GRAD: i32 = 7;
const EQUAL: i32 = 8;
const NOT_EQUAL: i32 = 9;
const LESS: i32 = 10;
const LESS_EQUAL: i32 = 11;
const GREATER: i32 = 12;
const GREATER_EQUAL: i32 = 13;
const WHERE: i32 = 14;
const NEG: i32 = 15;
const ABS: i32 = 16;
const ABS_GRAD: i32 = 17;
const SQRT: i32 = 18;
const RELU: i32 = 19;
const RELU_GRAD: i32 = 20;
const LEAKY_RELU: i32 = 21;
const LEAKY_RELU_GRAD: i32 = 22;
const SQUARED_ERROR: i32 = 23;
const SQUARED_ERROR_GRAD: i32 = 24;
const ABSOLUTE_ERROR: i32 = 25;
const ABSOLUTE_ERROR_GRAD: i32 = 26;
const HUBER_ERROR: i32 = 27;
const HUBER_ERROR_GRAD: i32 = 28;
const EXP: i32 = 29;
const EXPM1: i32 = 30;
const LOG: i32 = 31;
const LOG1P: i32 = 32;
const ERF: i32 = 33;
const ERF_GRAD: i32 = 34;
const SIGMOID: i32 = 35;
const SIGMOID_GRAD: i32 = 36;
const TANH: i32 = 37;
const TANH_GRAD: i32 = 38;
const ELU: i32 = 39;
const ELU_GRAD: i32 = 40;
const GELU: i32 = 41;
const GELU_GRAD: i32 = 42;
const GELU_TANH: i32 = 43;
const GELU_TANH_GRAD: i32 = 44;
const SILU: i32 = 45;
const SILU_GRAD: i32 = 46;
const SOFTPLUS: i32 = 47;
const SOFTPLUS_GRAD: i32 = 48;
const BINARY_CROSS_ENTROPY: i32 = 49;
const BINARY_CROSS_ENTROPY_GRAD: i32 = 50;
const KULLBACK_LEIBLER: i32 = 51;
const SCALED: i32 = 52;
const FROM_SIGNED: i32 = 53;
const FROM_UNSIGNED: i32 = 54;

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
      case ADD:
        result = f32x4.add(x, z);
        break;
      case SUB:
        result = f32x4.sub(x, z);
        break;
      case MUL:
        result = f32x4.mul(x, z);
        break;
      case DIV:
        result = f32x4.div(x, z);
        break;
      case MAXIMUM:
        result = f32x4.max(x, z);
        break;
      case MINIMUM:
        result = f32x4.min(x, z);
        break;
      case LARGER_GRAD:
      case SMALLER_GRAD: {
        const wins = operation == LARGER_GRAD ? f32x4.gt(x, z) : f32x4.lt(x, z);
        const half = v128.and(f32x4.eq(x, z), f32x4.splat(0.5));
        result = f32x4.mul(w, v128.or(oneWhere(wins), half));
        break;
      }
      case EQUAL:
        result = i32x4.neg(f32x4.eq(x, z));
        break;
      case NOT_EQUAL:
        result = i32x4.neg(f32x4.ne(x, z));
        break;
      case LESS:
        result = i32x4.neg(f32x4.lt(x, z));
        break;
      case LESS_EQUAL:
        result = i32x4.neg(f32x4.le(x, z));
        break;
      case GREATER:
        result = i32x4.neg(f32x4.gt(x, z));
        break;
      case GREATER_EQUAL:
        result = i32x4.neg(f32x4.ge(x, z));
        break;
      case WHERE:
        result = v128.bitselect(w, z, i32x4.eq(x, i32x4.splat(0)));
        break;
      case NEG:
        result = f32x4.neg(x);
        break;
      case ABS:
        result = f32x4.abs(x);
        break;
      case ABS_GRAD:
        result = f32x4.mul(z, signOf(x));
        break;
      case SQRT:
        result = f32x4.sqrt(x);
        break;
      case RELU:
        // NaN is not below 0.
        result = f32x4.pmax(x, f32x4.splat(0));
        break;
      case RELU_GRAD:
        result = f32x4.mul(z, v128.andnot(f32x4.splat(1), f32x4.le(x, f32x4.splat(0))));
        break;
      case LEAKY_RELU:
        result = v128.bitselect(f32x4.mul(s, x), x, f32x4.lt(x, f32x4.splat(0)));
        break;
      case LEAKY_RELU_GRAD:
        result = f32x4.mul(z, v128.bitselect(s, f32x4.splat(1), f32x4.le(x, f32x4.splat(0))));
        break;
      case SQUARED_ERROR: {
        const error = f32x4.sub(x, z);
        result = f32x4.mul(error, error);
        break;
      }
      case SQUARED_ERROR_GRAD: {
        const error = f32x4.sub(x, z);
        result = f32x4.mul(w, f32x4.add(error, error));
        break;
      }
      case ABSOLUTE_ERROR:
        result = f32x4.abs(f32x4.sub(x, z));
        break;
      case ABSOLUTE_ERROR_GRAD:
        result = f32x4.mul(w, signOf(f32x4.sub(x, z)));
        break;
      case HUBER_ERROR: {
        const error = f32x4.abs(f32x4.sub(x, z));
        const half = f32x4.splat(0.5);
        const near = f32x4.mul(f32x4.mul(half, error), error);
        const far = f32x4.mul(s, f32x4.sub(error, f32x4.mul(half, s)));
        result = v128.bitselect(near, far, f32x4.le(error, s));
        break;
      }
      case HUBER_ERROR_GRAD: {
        const error = f32x4.sub(x, z);
        const near = f32x4.le(f32x4.abs(error), s);
        result = f32x4.mul(w, v128.bitselect(error, f32x4.mul(s, signOf(error)), near));
        break;
      }
      case EXP:
        result = exp(x);
        break;
      case EXPM1:
        result = expm1(x);
        break;
      case LOG:
        result = log(x);
        break;
      case LOG1P:
        result = log1p(x);
        break;
      case ERF:
        result = erf(x);
        break;
      case ERF_GRAD:
        result = f32x4.mul(z, f32x4.mul(f32x4.splat(1.1283791671), bell(x, 1)));
        break;
      case SIGMOID:
        result = logistic(x);
        break;
      case SIGMOID_GRAD:
        result = f32x4.mul(z, sigmoidSlope(x));
        break;
      case TANH:
        result = tanh(x);
        break;
      case TANH_GRAD:
        result = f32x4.mul(z, tanhSlope(x));
        break;
      case ELU:
        result = f32x4.mul(t, elu(x, s));
        break;
      case ELU_GRAD:
        result = f32x4.mul(z, f32x4.mul(t, eluSlope(x, s)));
        break;
      case GELU:
        result = gelu(x);
        break;
      case GELU_GRAD:
        result = f32x4.mul(z, geluSlope(x));
        break;
      case GELU_TANH:
        result = geluTanh(x);
        break;
      case GELU_TANH_GRAD:
        result = f32x4.mul(z, geluTanhSlope(x));
        break;
      case SILU:
        result = silu(x);
        break;
      case SILU_GRAD:
        result = f32x4.mul(z, siluSlope(x));
        break;
      case SOFTPLUS:
        result = softplus(x);
        break;
      case SOFTPLUS_GRAD:
        result = f32x4.mul(z, logistic(x));
        break;
      case BINARY_CROSS_ENTROPY:
        result = binaryCrossEntropy(x, z);
        break;
      case BINARY_CROSS_ENTROPY_GRAD:
        result = f32x4.mul(w, binaryCrossEntropySlope(x, z));
        break;
      case KULLBACK_LEIBLER:
        result = v128.andnot(f32x4.mul(z, f32x4.sub(log(z), x)), f32x4.eq(z, f32x4.splat(0)));
        break;
      case SCALED:
        // What is no f32 comes as it is.
        result = args.s == 1 && args.t == 0 ? x : f32x4.add(f32x4.mul(s, x), t);
        break;
      case FROM_SIGNED:
        result = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x), s), t);
        break;
      case FROM_UNSIGNED:
        result = f32x4.add(f32x4.mul(f32x4.convert_i32x4_u(x), s), t);
        break;
    }
    v128.store(y + at, result);
  }
}
