import type { Value } from '../graph/graph.ts';
import { div, mul } from './arithmetic.ts';
import { definePointwise, elementary, gradientAccuracy, pointwise, type PointwiseOp } from './pointwise.ts';
import erfText from '../../shaders/pointwise/erf.wgsl?raw';
import exponentialText from '../../shaders/pointwise/exponential.wgsl?raw';
import logarithmText from '../../shaders/pointwise/logarithm.wgsl?raw';
import nan from '../../shaders/pointwise/nan.wgsl?raw';
import squareRootText from '../../shaders/pointwise/squareRoot.wgsl?raw';

const expOp: PointwiseOp = definePointwise({
  name: 'exp',
  arity: 1,
  wgsl: { call: 'exponential', sources: [nan, exponentialText] },
  f: (x) => Math.exp(x),
  // A rounding of x itself moves eˣ by |x| units.
  accuracy: { ulps: 256, magnitude: 'result', absolute: 1e-37 },
  vjp: (dY, { outputs: [y] }) => [mul(dY, y)],
});

const logOp: PointwiseOp = definePointwise({
  name: 'log',
  arity: 1,
  wgsl: { call: 'logarithm', sources: [nan, logarithmText] },
  f: (x) => Math.log(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [div(dY, x)],
});

const sqrtOp: PointwiseOp = definePointwise({
  name: 'sqrt',
  arity: 1,
  wgsl: { call: 'square_root', sources: [nan, squareRootText] },
  f: (x) => Math.sqrt(x),
  accuracy: { ulps: 16, magnitude: 'result', absolute: 1e-19 },
  vjp: (dY, { outputs: [y] }) => [div(dY, mul(y, 2))],
});

const erfSources = [nan, exponentialText, erfText];

const erfGradOp: PointwiseOp = definePointwise({
  name: 'erfGrad',
  arity: 2,
  wgsl: { call: 'error_function_grad', sources: erfSources },
  f: (x, dY) => (dY * 2 * Math.exp(-x * x)) / Math.sqrt(Math.PI),
  accuracy: gradientAccuracy,
});

const erfOp: PointwiseOp = definePointwise({
  name: 'erf',
  arity: 1,
  wgsl: { call: 'error_function', sources: erfSources },
  f: (x) => 1 - erfc(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [pointwise(erfGradOp, [x, dY])],
});

/**
 * The complementary error function in f64: Taylor's series below 3, a continued fraction above.
 * Source: Abramowitz and Stegun 1964, 7.1.5 and 7.1.14.
 */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < 3) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total) + 1e-300; n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/** eˣ */
export const exp = (x: Value): Value => pointwise(expOp, [x]);
/** Natural logarithm; NaN below 0. */
export const log = (x: Value): Value => pointwise(logOp, [x]);
/** √x; NaN below 0. */
export const sqrt = (x: Value): Value => pointwise(sqrtOp, [x]);
/** The error function. */
export const erf = (x: Value): Value => pointwise(erfOp, [x]);
