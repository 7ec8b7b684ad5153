import type { Range, Value } from '../../graph/graph.ts';
import { add, mul, neg, sub } from '../pointwise/arithmetic.ts';
import { log } from '../pointwise/elementary.ts';
import { definePointwise, elementary, pointwise, type PointwiseOp } from '../pointwise/pointwise.ts';
import { sumTo } from '../reductions/sum.ts';
import bceText from '../../../shaders/functions/binaryCrossEntropy.wgsl?raw';
import errorsText from '../../../shaders/functions/errors.wgsl?raw';
import exponentialText from '../../../shaders/functions/exponential.wgsl?raw';
import klText from '../../../shaders/functions/kullbackLeibler.wgsl?raw';
import logarithmText from '../../../shaders/functions/logarithm.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import sigmoidText from '../../../shaders/functions/sigmoid.wgsl?raw';
import softplusText from '../../../shaders/functions/softplus.wgsl?raw';

/* How far a prediction x is from a target t, element by element: what losses average. */

interface Distance {
  readonly name: 'squaredError' | 'absoluteError' | 'huberError' | 'binaryCrossEntropy';
  readonly call: string;
  readonly sources: readonly string[];
  f(x: number, t: number, ...constants: readonly number[]): number;
  /** The derivative with respect to x. */
  df(x: number, t: number, ...constants: readonly number[]): number;
  /** What errors of f and df are relative to, where that is more than their results. */
  terms?(x: number, t: number): number;
  dfTerms?(x: number, t: number, ...constants: readonly number[]): number;
  /** What a target may be. */
  readonly targets?: Range;
  /** The gradient with respect to t, where f is not a function of x − t. */
  dTarget(dY: Value, x: Value, t: Value, dX: Value): Value;
}

function defineDistance({ name, call, sources, f, terms, df, dfTerms, targets, dTarget }: Distance): PointwiseOp {
  const gradOp = definePointwise({
    name: `${name}Grad`,
    wasm: `${name}Grad`,
    arity: 3,
    wgsl: { call: `${call}_grad`, sources: [nan, ...sources] },
    f: (x, t, dY, delta) => dY * df(x, t, delta),
    accuracy: elementary,
    ...(dfTerms && { terms: (x, t, dY, delta) => dY * dfTerms(x, t, delta) }),
  });
  return definePointwise({
    name,
    wasm: name,
    arity: 2,
    wgsl: { call, sources: [nan, ...sources] },
    f,
    accuracy: elementary,
    ...(terms && { terms }),
    ...(targets && { ranges: [null, targets] }),
    vjp(dY, { inputs: [x, t], attrs }) {
      const dX = pointwise(gradOp, [x, t, dY], attrs.constants);
      return [sumTo(dX, x.spec), sumTo(dTarget(dY, x, t, dX), t.spec)];
    },
  });
}

const opposite = (_dY: Value, _x: Value, _t: Value, dX: Value): Value => neg(dX);

const squaredErrorOp = defineDistance({
  name: 'squaredError',
  call: 'squared_error',
  sources: [errorsText],
  f: (x, t) => (x - t) ** 2,
  df: (x, t) => 2 * (x - t),
  dTarget: opposite,
});

const absoluteErrorOp = defineDistance({
  name: 'absoluteError',
  call: 'absolute_error',
  sources: [errorsText],
  f: (x, t) => Math.abs(x - t),
  df: (x, t) => Math.sign(x - t),
  dTarget: opposite,
});

const huberOp = defineDistance({
  name: 'huberError',
  call: 'huber',
  sources: [errorsText],
  f(x, t, delta) {
    const e = Math.abs(x - t);
    return e <= delta ? 0.5 * e * e : delta * (e - 0.5 * delta);
  },
  df(x, t, delta) {
    const e = x - t;
    return Math.abs(e) <= delta ? e : delta * Math.sign(e);
  },
  dTarget: opposite,
});

/** The share of the class that a logit speaks against, and the probability that the logit leaves it. */
const against = (x: number, t: number): number => (x > 0 ? 1 - t : t);
const unlikely = (x: number): number => 1 / (1 + Math.exp(Math.abs(x)));

/** |x| times a share; infinity times no share at all is 0. */
const spoken = (x: number, t: number): number => (against(x, t) === 0 ? 0 : Math.abs(x) * against(x, t));

const binaryCrossEntropyOp = defineDistance({
  name: 'binaryCrossEntropy',
  call: 'binary_cross_entropy',
  sources: [exponentialText, logarithmText, sigmoidText, softplusText, bceText],
  f: (x, t) => spoken(x, t) + Math.log1p(Math.exp(-Math.abs(x))),
  // Shares lie in 0 … 1, so that nothing cancels, but are not held there.
  terms: (x, t) => Math.abs(spoken(x, t)) + Math.log1p(Math.exp(-Math.abs(x))),
  df: (x, t) => (x > 0 ? against(x, t) - unlikely(x) : unlikely(x) - against(x, t)),
  dfTerms: (x, t) => Math.abs(against(x, t)) + unlikely(x),
  targets: { low: 0, high: 1, meaning: 'targets', isReal: true },
  dTarget: (dY, x) => neg(mul(dY, x)),
});

const kullbackLeiblerOp: PointwiseOp = definePointwise({
  name: 'kullbackLeibler',
  wasm: 'kullbackLeibler',
  arity: 2,
  wgsl: { call: 'kullback_leibler', sources: [nan, logarithmText, klText] },
  f: (logP, t) => (t === 0 ? 0 : t * (Math.log(t) - logP)),
  accuracy: elementary,
  terms: (logP, t) => (t === 0 ? 0 : t * (Math.abs(Math.log(t)) + Math.abs(logP))),
  vjp: (dY, { inputs: [logP, t] }) => [
    sumTo(neg(mul(dY, t)), logP.spec),
    sumTo(mul(dY, sub(add(log(t), 1), logP)), t.spec),
  ],
});

/** (x − t)² */
export const squaredErrors = (x: Value, t: Value): Value<'f32'> => pointwise(squaredErrorOp, [x, t]);
/** |x − t| */
export const absoluteErrors = (x: Value, t: Value): Value<'f32'> => pointwise(absoluteErrorOp, [x, t]);
/** ½ (x − t)² up to a distance of delta, then the line that continues it. */
export const huberErrors = (x: Value, t: Value, delta: number): Value<'f32'> => pointwise(huberOp, [x, t], [delta]);
/** −t log σ(x) − (1 − t) log(1 − σ(x)) */
export const binaryCrossEntropies = (x: Value, t: Value): Value<'f32'> => pointwise(binaryCrossEntropyOp, [x, t]);
/** t (log t − log p), given log p. */
export const kullbackLeiblerTerms = (logP: Value, t: Value): Value<'f32'> => pointwise(kullbackLeiblerOp, [logP, t]);
