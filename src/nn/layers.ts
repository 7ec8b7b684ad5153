import { ShapeError } from '../core/errors.ts';
import { described, optionsOf, requireFinite } from '../core/argumentChecks.ts';
import { formatSpec } from '../core/shape.ts';
import { add, mul } from '../ops/pointwise/arithmetic.ts';
import { requireDropRate } from '../ops/random/dropout.ts';
import { affine } from '../ops/products/matmul.ts';
import { floatsOf, specOf, type Value } from '../graph/graph.ts';
import { torchUniform, type Initializer } from './initializers.ts';
import { defineLayer, requireModule, type FloatLayer, type Layer, type Module, type OutputOf } from './layer.ts';

/** What `linear` may be told. */
export interface LinearOptions {
  readonly bias?: boolean;
  /** Uniform in ±1 / √in by default, as in PyTorch. */
  readonly weightInitial?: Initializer;
  readonly biasInitial?: Initializer;
}

/**
 * x · weight + bias over the last axis.
 * @param inFeatures extent of x's last axis   @param outFeatures extent of the result's
 */
export function linear(inFeatures: number, outFeatures: number, options: LinearOptions = {}): FloatLayer {
  if (!(Number.isInteger(inFeatures) && inFeatures > 0 && Number.isInteger(outFeatures) && outFeatures > 0)) {
    throw new ShapeError(
      `[linear] a layer from ${described(inFeatures)} to ${described(outFeatures)} features: both must be whole and positive`,
    );
  }
  const usual = torchUniform(inFeatures);
  const defaults = { bias: true, weightInitial: usual, biasInitial: usual };
  const { bias, weightInitial, biasInitial } = optionsOf<LinearOptions, typeof defaults>('linear', options, defaults);
  return defineLayer({
    name: 'linear',
    parameters: {
      weight: { shape: [inFeatures, outFeatures], initial: weightInitial },
      ...(bias && { bias: { shape: [outFeatures], initial: biasInitial, decays: false } }),
    },
    apply(x, bound) {
      const given = specOf('linear', 'x', x);
      if (given.shape.at(-1) !== inFeatures) {
        throw new ShapeError(
          `[linear] x is ${formatSpec(given)} with ${given.shape.at(-1) ?? 'no'} features, but the layer takes ${inFeatures}: it is linear(${inFeatures}, ${outFeatures})`,
        );
      }
      return affine(x, bound.weight, bound.bias);
    },
  });
}

/**
 * In training each element becomes 0 with the probability `rate`, and the others grow by 1 / (1 − rate), so that their
 * mean stays; in evaluation nothing happens. Masks differ from step to step, from layer to layer, and from use to use of
 * one layer. As in PyTorch and Keras, but that neither's rate of 1, which leaves nothing, is taken.
 * @param rate 0.5 as in PyTorch; Keras has no default   @throws DataError unless it is at least 0 and below 1
 * Source: Srivastava et al. 2014.
 */
export function dropout(rate = 0.5): FloatLayer {
  requireDropRate(rate);
  return defineLayer({
    name: 'dropout',
    apply(given, _, context) {
      const x = floatsOf('dropout', 'x', given);
      return context.mode === 'train' && rate > 0 ? context.dropout('mask', x, rate) : x;
    },
  });
}

/**
 * In training x plus normal noise of mean 0, drawn anew for each element and step; in evaluation x. As in Keras, which
 * takes deviations up to 1 only; PyTorch has no such layer.
 * @throws DataError unless the deviation is at least 0 and finite
 */
export function gaussianNoise(deviation: number): FloatLayer {
  requireFinite('gaussianNoise', 'deviation', deviation, 0);
  return defineLayer({
    name: 'gaussianNoise',
    apply(given, _, context) {
      const x = floatsOf('gaussianNoise', 'x', given);
      return context.mode === 'train' && deviation > 0
        ? add(x, mul(context.random('noise', x.spec.shape, 'normal'), deviation))
        : x;
    },
  });
}

/** What the last of some modules gives; of a list whose length is not known, any value. */
type LastOutput<L extends readonly Module[]> = L extends readonly [...unknown[], infer M] ? OutputOf<M> : Value;

/** Layers and functions one behind the other, named layer0, layer1, … */
export function sequential<const L extends readonly Module[]>(...layers: L): Layer<Value, LastOutput<L>> {
  layers.forEach((layer, at) => requireModule('sequential', `layer ${at}`, layer));
  return defineLayer({
    name: 'sequential',
    apply: (x, _, context) =>
      layers.reduce<Value>((value, layer, at) => context.apply(layer, value, `layer${at}`), x) as LastOutput<L>,
  });
}
