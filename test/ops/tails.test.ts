import { beforeAll, describe, test } from 'vitest';
import type { Numbers } from '../../src/core/shape.ts';
import type { Value } from '../../src/graph/graph.ts';
import { constant } from '../../src/graph/leaf.ts';
import * as ops from '../../src/ops/index.ts';
import { allSizes, expectRight, overAll } from '../support/wholeRange.ts';

/*
 * However small a function is, it is right relatively: over all of f32, as are its slopes.
 */

type F = (x: number) => number;

/** A function with its value and slope in f64, written so that nothing cancels. */
interface Case {
  readonly build: (x: Value) => Value;
  readonly f: F;
  readonly df: F;
  /** What errors are relative to where the mathematics does cancel. */
  readonly terms?: F;
  readonly dfTerms?: F;
  /** Units of 2⁻²⁴ that are allowed, of the function and its slope. */
  readonly units?: readonly [number, number];
}

const σ: F = (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const bell: F = (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
const softplus: F = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** Φ(x) below 0, by a continued fraction of Laplace's far out, and by the integral near. */
function Φ(x: number): number {
  if (x > 0) return 1 - Φ(-x);
  if (x > -2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 60; n++) sum += term *= (x * x) / (2 * n + 1);
    return 0.5 + bell(x) * sum;
  }
  let fraction = 0;
  for (let n = 80; n > 0; n--) fraction = n / (-x + fraction);
  return bell(x) / (-x + fraction);
}
const far: F = (x) => Math.min(Math.max(x, -200), 200);
const u2: F = (x) => Math.sqrt(8 / Math.PI) * (x + 0.044715 * x ** 3);
const du2: F = (x) => Math.sqrt(8 / Math.PI) * (1 + 0.134145 * x * x);
const bce = (t: number): Case => ({
  build: (x) => ops.binaryCrossEntropies(x, constant(Float32Array.of(t), { shape: [1], dtype: 'f32' })),
  f: (x) => (t === 1 ? softplus(-x) : t === 0 ? softplus(x) : (1 - t) * softplus(x) + t * softplus(-x)),
  df: (x) => (t === 1 ? -σ(-x) : (1 - t) * σ(x) - t * σ(-x)),
  dfTerms: (x) => (1 - t) * σ(x) + t * σ(-x),
});
const A = 1.6732632423543772;
const S = 1.0507009873554805;

const cases: Record<string, Case> = {
  exp: { build: ops.exp, f: Math.exp, df: Math.exp },
  log: { build: ops.log, f: Math.log, df: (x) => 1 / x },
  sqrt: { build: ops.sqrt, f: Math.sqrt, df: (x) => 0.5 / Math.sqrt(x) },
  erf: {
    build: ops.erf,
    f: (x) => {
      if (Math.abs(x) > 2) return Math.sign(x) * (1 - 2 * Φ(-Math.abs(x) * Math.SQRT2));
      let [term, sum] = [x, x];
      for (let n = 1; n < 60; n++) sum += (term *= (-x * x) / n) / (2 * n + 1);
      return (2 / Math.sqrt(Math.PI)) * sum;
    },
    df: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x),
  },
  sigmoid: { build: ops.sigmoid, f: σ, df: (x) => σ(x) * σ(-x) },
  tanh: { build: ops.tanh, f: Math.tanh, df: (x) => 4 * σ(2 * x) * σ(-2 * x) },
  softplus: { build: ops.softplus, f: softplus, df: σ },
  silu: {
    build: ops.silu,
    f: (x) => (x < 0 ? far(x) : x) * σ(x),
    df: (x) => σ(x) * (1 + far(x) * σ(-x)),
    dfTerms: (x) => σ(x) * (1 + Math.abs(far(x)) * σ(-x)),
  },
  gelu: {
    build: (x) => ops.gelu(x),
    f: (x) => (x < 0 ? far(x) : x) * Φ(far(x)),
    df: (x) => Φ(far(x)) + far(x) * bell(x),
    dfTerms: (x) => Φ(far(x)) + Math.abs(far(x)) * bell(x),
  },
  geluTanh: {
    build: (x) => ops.gelu(x, { approximate: 'tanh' }),
    f: (x) => (x < 0 ? far(x) : x) * σ(u2(x)),
    df: (x) => σ(u2(x)) * (1 + far(x) * σ(-u2(x)) * du2(far(x))),
    dfTerms: (x) => σ(u2(x)) * (1 + Math.abs(far(x)) * σ(-u2(x)) * du2(far(x))),
  },
  elu: { build: (x) => ops.elu(x), f: (x) => (x > 0 ? x : Math.expm1(x)), df: (x) => (x > 0 ? 1 : Math.exp(x)) },
  selu: {
    build: ops.selu,
    f: (x) => S * (x > 0 ? x : A * Math.expm1(x)),
    df: (x) => S * (x > 0 ? 1 : A * Math.exp(x)),
  },
  bce0: bce(0),
  bce1: bce(1),
  bceSoft: bce(0.25),
  // The kernels reach to where softplus leaves f32's normal numbers.
  logSoftplus: {
    build: (x) => ops.log(ops.softplus(ops.maximum(x, -87))),
    f: (x) => (x < -40 ? Math.max(x, -87) : Math.log(softplus(x))),
    terms: (x) => 1 + Math.abs(Math.log(softplus(x))),
    df: (x) => (x < -87 ? 0 : x < -40 ? 1 : σ(x) / softplus(x)),
  },
  logSigmoid: { build: ops.logSigmoid, f: (x) => -softplus(-x), df: (x) => σ(-x) },
  log1p: { build: ops.log1p, f: Math.log1p, df: (x) => 1 / (1 + x) },
  expm1: { build: ops.expm1, f: Math.expm1, df: Math.exp },
  pow2: { build: (x) => ops.pow(x, 2), f: (x) => x * x, df: (x) => 2 * x },
  powHalf: { build: (x) => ops.pow(x, 0.5), f: (x) => x ** 0.5, df: (x) => 0.5 * x ** -0.5 },
  pow5: { build: (x) => ops.pow(x, 5), f: (x) => x ** 5, df: (x) => 5 * x ** 4 },
  powMinus: { build: (x) => ops.pow(x, -1.5), f: (x) => x ** -1.5, df: (x) => -1.5 * x ** -2.5 },
  // 1.75ˣ: what rounds x log₂ 1.75 comes out as many times.
  powOf: {
    units: [40, 40],
    build: (x) => ops.pow(1.75, x),
    f: (x) => 1.75 ** x,
    df: (x) => 1.75 ** x * Math.log(1.75),
  },
};

/** A handful of roundings, each half of 2⁻²³ at the most. */
const UNITS = 8;

const xs = allSizes();
let all: Readonly<Record<'cpu' | 'webgpu', Readonly<Record<string, Numbers>>>>;

beforeAll(async () => {
  all = await overAll(Object.fromEntries(Object.entries(cases).map(([name, { build }]) => [name, build])), xs);
});

describe.each(['cpu', 'webgpu'] as const)('over all of f32, on %s,', (backend) => {
  test.each(Object.entries(cases))('%s is right, and so is its slope', (name, { f, df, terms, dfTerms, units }) => {
    expectRight(xs, all[backend][name], f, units?.[0] ?? UNITS, terms);
    expectRight(xs, all[backend][`d${name}`], df, units?.[1] ?? UNITS, dfTerms);
  });
});
