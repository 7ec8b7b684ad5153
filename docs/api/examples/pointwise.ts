// Examples of ops that go element by element.

import {
  abs,
  add,
  cast,
  ceil,
  cos,
  div,
  elu,
  equal,
  erf,
  exp,
  expm1,
  floor,
  gelu,
  greater,
  greaterEqual,
  leakyRelu,
  less,
  lessEqual,
  log,
  log1p,
  logSigmoid,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  relu,
  round,
  selu,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  sub,
  swiglu,
  tanh,
  where,
} from '../../../src/index.ts';
import { labels, matrix, numbersOf, vector, type Examples } from './stage.ts';

export const pointwise: Examples = {
  add() {
    console.log(numbersOf(add(matrix([1, 2], [3, 4]), vector(10, 20)))); // [11, 22, 13, 24]
  },
  sub() {
    console.log(numbersOf(sub(vector(5, 7), 2))); // [3, 5]
  },
  mul() {
    console.log(numbersOf(mul(vector(1, 2, 3), vector(2, 0, -1)))); // [2, 0, -3]
  },
  div() {
    console.log(numbersOf(div(1, vector(2, 4)))); // [0.5, 0.25]
  },
  maximum() {
    console.log(numbersOf(maximum(vector(-1, 3), vector(0, 2)))); // [0, 3]
  },
  minimum() {
    console.log(numbersOf(minimum(vector(-1, 3), 1))); // [-1, 1]
  },
  pow() {
    console.log(numbersOf(pow(vector(2, 3), 2))); // [4, 9]
  },
  equal() {
    console.log(numbersOf(equal(labels(1, 2, 3), 2))); // [0, 1, 0]
  },
  notEqual() {
    console.log(numbersOf(notEqual(labels(1, 2, 3), 2))); // [1, 0, 1]
  },
  less() {
    console.log(numbersOf(less(vector(1, 2), 2))); // [1, 0]
  },
  lessEqual() {
    console.log(numbersOf(lessEqual(vector(1, 2), 2))); // [1, 1]
  },
  greater() {
    console.log(numbersOf(greater(vector(1, 3), 2))); // [0, 1]
  },
  greaterEqual() {
    console.log(numbersOf(greaterEqual(vector(1, 2), 2))); // [0, 1]
  },
  where() {
    const x = vector(-2, 3);
    console.log(numbersOf(where(greater(x, 0), x, mul(x, 0.1)))); // [-0.2, 3]
  },
  neg() {
    console.log(numbersOf(neg(vector(1, -2)))); // [-1, 2]
  },
  abs() {
    console.log(numbersOf(abs(vector(1, -2)))); // [1, 2]
  },
  cast() {
    const isLarge = greater(vector(1, 3), 2); // u32
    console.log(numbersOf(mul(cast(isLarge, 'f32'), 0.5))); // [0, 0.5]
  },
  exp() {
    console.log(numbersOf(exp(vector(0, 1)))); // [1, 2.718]
  },
  expm1() {
    console.log(numbersOf(expm1(vector(0, 1e-6)))); // [0, 0.000001]
  },
  log() {
    console.log(numbersOf(log(vector(1, 10)))); // [0, 2.303]
  },
  log1p() {
    console.log(numbersOf(log1p(vector(0, 1e-6)))); // [0, 0.000001]
  },
  sqrt() {
    console.log(numbersOf(sqrt(vector(4, 2)))); // [2, 1.414]
  },
  erf() {
    console.log(numbersOf(erf(vector(0, 1)))); // [0, 0.8427]
  },
  sin() {
    console.log(numbersOf(sin(vector(0, Math.PI / 2)))); // [0, 1]
  },
  cos() {
    console.log(numbersOf(cos(vector(0, Math.PI / 3)))); // [1, 0.5]
  },
  floor() {
    console.log(numbersOf(floor(vector(1.5, -1.5)))); // [1, -2]
  },
  ceil() {
    console.log(numbersOf(ceil(vector(1.5, -1.5)))); // [2, -1]
  },
  round() {
    console.log(numbersOf(round(vector(1.5, 2.5, -0.7)))); // [2, 2, -1]
  },
  sign() {
    console.log(numbersOf(sign(vector(-3, 0, 0.5)))); // [-1, 0, 1]
  },
  relu() {
    console.log(numbersOf(relu(vector(-1, 0, 2)))); // [0, 0, 2]
  },
  leakyRelu() {
    console.log(numbersOf(leakyRelu(vector(-1, 2), { slope: 0.1 }))); // [-0.1, 2]
  },
  elu() {
    console.log(numbersOf(elu(vector(-1, 2), { alpha: 0.5 }))); // [-0.3161, 2]
  },
  selu() {
    console.log(numbersOf(selu(vector(-1, 2)))); // [-1.111, 2.101]
  },
  gelu() {
    console.log(numbersOf(gelu(vector(-1, 2)))); // [-0.1587, 1.954]
  },
  silu() {
    console.log(numbersOf(silu(vector(-1, 2)))); // [-0.2689, 1.762]
  },
  sigmoid() {
    console.log(numbersOf(sigmoid(vector(0, 2)))); // [0.5, 0.8808]
  },
  logSigmoid() {
    console.log(numbersOf(logSigmoid(vector(0, 2)))); // [-0.6931, -0.1269]
  },
  softplus() {
    console.log(numbersOf(softplus(vector(0, 2)))); // [0.6931, 2.127]
  },
  tanh() {
    console.log(numbersOf(tanh(vector(0, 1)))); // [0, 0.7616]
  },
  swiglu() {
    // Gates 1 and −1, each beside what it lets through.
    console.log(numbersOf(swiglu(matrix([1, -1, 10, 10])))); // [7.311, -2.689]
  },
};
