import { optionsOf, type ContextLike } from '../../core/argumentChecks.ts';
import type { Value } from '../../graph/graph.ts';
import { neg } from './arithmetic.ts';
import { erfc } from './elementary.ts';
import { bounded, logistic, siluOf, siluSlope, siluSlopeTerms } from './logistic.ts';
import { definePointwise, elementary, pointwise, type PointwiseOp } from './pointwise.ts';
import eluText from '../../../shaders/functions/elu.wgsl?raw';
import erfText from '../../../shaders/functions/erf.wgsl?raw';
import exponentialText from '../../../shaders/functions/exponential.wgsl?raw';
import geluText from '../../../shaders/functions/gelu.wgsl?raw';
import geluTanhText from '../../../shaders/functions/geluTanh.wgsl?raw';
import leakyReluText from '../../../shaders/functions/leakyRelu.wgsl?raw';
import logarithmText from '../../../shaders/functions/logarithm.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import reluText from '../../../shaders/functions/relu.wgsl?raw';
import sigmoidText from '../../../shaders/functions/sigmoid.wgsl?raw';
import siluText from '../../../shaders/functions/silu.wgsl?raw';
import softplusText from '../../../shaders/functions/softplus.wgsl?raw';
import tanhText from '../../../shaders/functions/tanh.wgsl?raw';

type ActivationName = 'sigmoid' | 'relu' | 'tanh' | 'leakyRelu' | 'elu' | 'gelu' | 'geluTanh' | 'silu' | 'softplus';

interface Activation {
  readonly name: ActivationName;
  /** The WGSL function; its derivative is the same with _grad. */
  readonly call: string;
  readonly sources: readonly string[];
  f(x: number, ...constants: readonly number[]): number;
  /** What the derivative reads from forward. */
  readonly from: 'x' | 'y';
  df(xOrY: number, ...constants: readonly number[]): number;
  /** Where df is a difference that may cancel, the sum of its terms' sizes. */
  dfTerms?(xOrY: number, ...constants: readonly number[]): number;
  readonly increasing?: true;
}

/** An activation and its derivative as one pair of ops. */
function defineActivation({ name, call, sources, f, from, df, dfTerms, increasing }: Activation): PointwiseOp {
  const gradOp = definePointwise({
    name: `${name}Grad`,
    wasm: `${name}Grad`,
    arity: 2,
    wgsl: { call: `${call}_grad`, sources: [nan, ...sources] },
    f: (at, dY, s, t) => dY * df(at, s, t),
    accuracy: elementary,
    ...(dfTerms && { terms: (at, dY, s, t) => dY * dfTerms(at, s, t) }),
  });
  const op = definePointwise({
    name,
    wasm: name,
    arity: 1,
    wgsl: { call, sources: [nan, ...sources] },
    f,
    accuracy: elementary,
    vjp: (dY, { inputs, outputs, attrs }) => [
      pointwise(gradOp, [from === 'x' ? inputs[0] : outputs[0], dY], attrs.constants),
    ],
  });
  return increasing ? { ...op, increasing } : op;
}

const sigmoidOp = defineActivation({
  name: 'sigmoid',
  call: 'sigmoid',
  sources: [exponentialText, sigmoidText],
  f: logistic,
  from: 'x',
  df: (x) => logistic(x) * logistic(-x),
});

const reluOp = defineActivation({
  name: 'relu',
  call: 'relu',
  sources: [reluText],
  f: (x) => (x < 0 ? 0 : x),
  from: 'y',
  df: (y) => (y <= 0 ? 0 : 1),
  increasing: true,
});

const tanhOp = defineActivation({
  name: 'tanh',
  call: 'hyperbolic_tangent',
  sources: [exponentialText, tanhText],
  f: Math.tanh,
  from: 'x',
  df: (x) => 4 * logistic(2 * x) * logistic(-2 * x),
});

const leakyReluOp = defineActivation({
  name: 'leakyRelu',
  call: 'leaky_relu',
  sources: [leakyReluText],
  f: (x, slope) => (x < 0 ? slope * x : x),
  from: 'x',
  df: (x, slope) => (x <= 0 ? slope : 1),
});

const eluOp = defineActivation({
  name: 'elu',
  call: 'elu',
  sources: [exponentialText, eluText],
  f: (x, alpha, scale) => scale * (x > 0 ? x : alpha * Math.expm1(x)),
  from: 'x',
  df: (x, alpha, scale) => scale * (x > 0 ? 1 : alpha * Math.exp(x)),
});

/** Φ, the standard normal distribution, and its density. */
const phi = (x: number): number => 0.5 * erfc(-x / Math.SQRT2);
const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

const geluOp = defineActivation({
  name: 'gelu',
  call: 'gelu',
  sources: [exponentialText, erfText, geluText],
  f: (x) => (x < 0 ? bounded(x) : x) * phi(x),
  from: 'x',
  df: (x) => phi(x) + bounded(x) * density(x),
  dfTerms: (x) => phi(x) + Math.abs(bounded(x)) * density(x),
});

const CUBIC = 0.044715; // Hendrycks and Gimpel 2016, 2
/** 2u in ½ x (1 + tanh u) = x σ(2u), and its derivative. */
const twiceU = (x: number): number => Math.sqrt(8 / Math.PI) * (x + CUBIC * x * x * x);
const twiceUSlope = (x: number): number => Math.sqrt(8 / Math.PI) * (1 + 3 * CUBIC * x * x);
const geluTanhOp = defineActivation({
  name: 'geluTanh',
  call: 'gelu_tanh',
  sources: [exponentialText, geluTanhText],
  f: (x) => (x < 0 ? bounded(x) : x) * logistic(twiceU(x)),
  from: 'x',
  df(given) {
    const x = bounded(given);
    return logistic(twiceU(x)) * (1 + x * logistic(-twiceU(x)) * twiceUSlope(x));
  },
  dfTerms(given) {
    const x = bounded(given);
    return logistic(twiceU(x)) * (1 + Math.abs(x) * logistic(-twiceU(x)) * twiceUSlope(x));
  },
});

const siluOp = defineActivation({
  name: 'silu',
  call: 'silu',
  sources: [exponentialText, sigmoidText, siluText],
  f: siluOf,
  from: 'x',
  df: siluSlope,
  dfTerms: siluSlopeTerms,
});

const softplusOp = defineActivation({
  name: 'softplus',
  call: 'softplus',
  sources: [exponentialText, logarithmText, sigmoidText, softplusText],
  f: (x) => (x < 0 ? 0 : x) + Math.log1p(Math.exp(-Math.abs(x))),
  from: 'x',
  df: logistic,
});

/** Klambauer et al. 2017, 1: the fixed point at mean 0, variance 1. */
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/** 1 / (1 + e⁻ˣ) */
export const sigmoid = (x: Value): Value<'f32'> => pointwise(sigmoidOp, [x]);
/** x above 0, else 0; NaN stays NaN. */
export const relu = (x: Value): Value<'f32'> => pointwise(reluOp, [x]);
/** Hyperbolic tangent. */
export const tanh = (x: Value): Value<'f32'> => pointwise(tanhOp, [x]);

/** What `leakyRelu` may be told. */
export interface LeakyReluOptions extends ContextLike {
  /** What x below 0 is multiplied by: 0.01. */
  readonly slope?: number;
}

/** What `elu` may be told. */
export interface EluOptions extends ContextLike {
  /** Minus what is approached far below 0: 1. */
  readonly alpha?: number;
}

/** What `gelu` may be told. */
export interface GeluOptions extends ContextLike {
  /** `tanh` for the usual approximation; `none`, which is exact, if left out. */
  readonly approximate?: 'none' | 'tanh';
}

/** x above 0, else slope · x. */
export const leakyRelu = (x: Value, options: LeakyReluOptions = {}): Value<'f32'> => {
  const { slope } = optionsOf('leakyRelu', options, { slope: 0.01 });
  return pointwise(leakyReluOp, [x], [slope]);
};
/** x above 0, else alpha · (eˣ − 1). Source: Clevert et al. 2015. */
export const elu = (x: Value, options: EluOptions = {}): Value<'f32'> => {
  const { alpha } = optionsOf('elu', options, { alpha: 1 });
  return pointwise(eluOp, [x], [alpha, 1]);
};
/** ELU with the constants that keep mean 0 and variance 1. Source: Klambauer et al. 2017. */
export const selu = (x: Value): Value<'f32'> => pointwise(eluOp, [x], [SELU_ALPHA, SELU_SCALE]);
/** x · Φ(x), exactly by erf, or by the usual tanh. Source: Hendrycks and Gimpel 2016. */
export const gelu = (x: Value, options: GeluOptions = {}): Value<'f32'> => {
  const { approximate } = optionsOf('gelu', options, { approximate: 'none' });
  return pointwise(approximate === 'tanh' ? geluTanhOp : geluOp, [x]);
};
/** x · sigmoid(x), also called swish. */
export const silu = (x: Value): Value<'f32'> => pointwise(siluOp, [x]);
/** log(1 + eˣ) */
export const softplus = (x: Value): Value<'f32'> => pointwise(softplusOp, [x]);
/** log of sigmoid, also where sigmoid is 0 or 1 in f32. */
export const logSigmoid = (x: Value): Value<'f32'> => neg(softplus(neg(x)));
