import type { Value } from '../../graph/graph.ts';
import { add, div, mul, neg } from './arithmetic.ts';
import { definePointwise, elementary, pointwise, type PointwiseOp } from './pointwise.ts';
import cosineSineText from '../../../shaders/functions/cosineSine.wgsl?raw';
import erfText from '../../../shaders/functions/erf.wgsl?raw';
import exponentialText from '../../../shaders/functions/exponential.wgsl?raw';
import logarithmText from '../../../shaders/functions/logarithm.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import signumText from '../../../shaders/functions/signum.wgsl?raw';
import sineText from '../../../shaders/functions/sine.wgsl?raw';
import squareRootText from '../../../shaders/functions/squareRoot.wgsl?raw';

const expOp: PointwiseOp = definePointwise({
  name: 'exp',
  wasm: 'exp',
  arity: 1,
  wgsl: { call: 'exponential', sources: [nan, exponentialText] },
  f: (x) => Math.exp(x),
  accuracy: elementary,
  vjp: (dY, { outputs: [y] }) => [mul(dY, y)],
});

const logOp: PointwiseOp = definePointwise({
  name: 'log',
  wasm: 'log',
  arity: 1,
  wgsl: { call: 'logarithm', sources: [nan, logarithmText] },
  f: (x) => Math.log(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [div(dY, x)],
});

const expm1Op: PointwiseOp = definePointwise({
  name: 'expm1',
  wasm: 'expm1',
  arity: 1,
  wgsl: { call: 'exponential_minus_one', sources: [nan, exponentialText] },
  f: (x) => Math.expm1(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [mul(dY, exp(x))],
});

const log1pOp: PointwiseOp = definePointwise({
  name: 'log1p',
  wasm: 'log1p',
  arity: 1,
  wgsl: { call: 'logarithm_of_one_plus', sources: [nan, logarithmText] },
  f: (x) => Math.log1p(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [div(dY, add(x, 1))],
});

const sqrtOp: PointwiseOp = definePointwise({
  name: 'sqrt',
  wasm: 'sqrt',
  arity: 1,
  wgsl: { call: 'square_root', sources: [nan, squareRootText] },
  f: (x) => Math.sqrt(x),
  // An x below f32's normal numbers may be flushed to 0.
  accuracy: { ulps: 16, magnitude: 'result', absolute: 2 ** -63 },
  vjp: (dY, { outputs: [y] }) => [div(dY, mul(y, 2))],
});

const sineSources = [nan, cosineSineText, sineText];

const sinOp: PointwiseOp = definePointwise({
  name: 'sin',
  arity: 1,
  wgsl: { call: 'sine', sources: sineSources },
  f: (x) => Math.sin(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [mul(dY, cos(x))],
});

const cosOp: PointwiseOp = definePointwise({
  name: 'cos',
  arity: 1,
  wgsl: { call: 'cosine', sources: sineSources },
  f: (x) => Math.cos(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [neg(mul(dY, sin(x)))],
});

const erfSources = [nan, exponentialText, erfText];

const erfGradOp: PointwiseOp = definePointwise({
  name: 'erfGrad',
  wasm: 'erfGrad',
  arity: 2,
  wgsl: { call: 'error_function_grad', sources: erfSources },
  f: (x, dY) => (dY * 2 * Math.exp(-x * x)) / Math.sqrt(Math.PI),
  accuracy: elementary,
});

const erfOp: PointwiseOp = definePointwise({
  name: 'erf',
  wasm: 'erf',
  arity: 1,
  wgsl: { call: 'error_function', sources: erfSources },
  f: erfOf,
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [pointwise(erfGradOp, [x, dY])],
});

/** To the nearest whole number, of two the even one. */
function nearest(x: number): number {
  const whole = Math.round(x);
  return Math.abs(x % 1) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
}

/** What goes in steps has no slope. */
const still = (): readonly [null] => [null];

const floorOp: PointwiseOp = definePointwise({
  name: 'floor',
  wasm: 'floor',
  arity: 1,
  wgsl: { expression: 'floor(a)' },
  f: (x) => Math.floor(x),
  vjp: still,
});

const ceilOp: PointwiseOp = definePointwise({
  name: 'ceil',
  wasm: 'ceil',
  arity: 1,
  wgsl: { expression: 'ceil(a)' },
  f: (x) => Math.ceil(x),
  vjp: still,
});

const roundOp: PointwiseOp = definePointwise({
  name: 'round',
  wasm: 'nearest',
  arity: 1,
  wgsl: { expression: 'round(a)' },
  f: nearest,
  vjp: still,
});

const signOp: PointwiseOp = definePointwise({
  name: 'sign',
  arity: 1,
  wgsl: { call: 'signum', sources: [nan, signumText] },
  f: (x) => Math.sign(x),
  vjp: still,
});

const NEAR = 2;

/** The error function in f64, relatively right near 0. Source: Abramowitz and Stegun 1964, 7.1.6. */
export function erfOf(x: number): number {
  if (!(Math.abs(x) < NEAR)) return x < 0 ? erfc(-x) - 1 : 1 - erfc(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/**
 * The complementary error function in f64: 1 − erf below 2, a continued fraction above.
 * Source: Abramowitz and Stegun 1964, 7.1.14.
 */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 0) return 2 - erfc(-x);
  if (x < NEAR) return 1 - erfOf(x);
  if (x > 27) return 0;
  let fraction = 0;
  for (let n = 100; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/** eˣ */
export const exp = (x: Value): Value<'f32'> => pointwise(expOp, [x]);
/** Natural logarithm; NaN below 0. */
export const log = (x: Value): Value<'f32'> => pointwise(logOp, [x]);
/** eˣ − 1, relatively right near 0 as well, where exp(x) − 1 is not. */
export const expm1 = (x: Value): Value<'f32'> => pointwise(expm1Op, [x]);
/** log(1 + x), relatively right near 0 as well, where log of the sum is not; NaN below −1. */
export const log1p = (x: Value): Value<'f32'> => pointwise(log1pOp, [x]);
/** √x; NaN below 0. */
export const sqrt = (x: Value): Value<'f32'> => pointwise(sqrtOp, [x]);
/** Sine of an angle in radians, of any size; NaN of what is infinite. */
export const sin = (x: Value): Value<'f32'> => pointwise(sinOp, [x]);
/** Cosine of an angle in radians, of any size; NaN of what is infinite. */
export const cos = (x: Value): Value<'f32'> => pointwise(cosOp, [x]);
/** The error function. */
export const erf = (x: Value): Value<'f32'> => pointwise(erfOp, [x]);
/** The largest whole number up to x. No gradient flows back through it. */
export const floor = (x: Value): Value<'f32'> => pointwise(floorOp, [x]);
/** The smallest whole number from x on. No gradient flows back through it. */
export const ceil = (x: Value): Value<'f32'> => pointwise(ceilOp, [x]);
/** The nearest whole number, of two the even one, as in NumPy and PyTorch. No gradient flows back through it. */
export const round = (x: Value): Value<'f32'> => pointwise(roundOp, [x]);
/** −1, 0 or 1. No gradient flows back through it. */
export const sign = (x: Value): Value<'f32'> => pointwise(signOp, [x]);
