import { ShapeError } from '../core/errors.ts';
import { formatSpec } from '../core/shape.ts';
import { affine } from '../ops/matmul.ts';
import type { Value } from '../graph/graph.ts';
import { torchUniform, type Initializer } from './initializers.ts';
import type { Layer, Module } from './layer.ts';

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
export function linear(inFeatures: number, outFeatures: number, options: LinearOptions = {}): Layer {
  const { bias = true } = options;
  if (!(Number.isInteger(inFeatures) && inFeatures > 0 && Number.isInteger(outFeatures) && outFeatures > 0)) {
    throw new ShapeError(
      `[linear] a layer from ${inFeatures} to ${outFeatures} features: both must be whole and positive`,
    );
  }
  const { weightInitial = torchUniform(inFeatures), biasInitial = torchUniform(inFeatures) } = options;
  return {
    name: 'linear',
    parameters: {
      weight: { shape: [inFeatures, outFeatures], initial: weightInitial },
      ...(bias && { bias: { shape: [outFeatures], initial: biasInitial, decays: false } }),
    },
    apply(x, bound) {
      if (x.spec.shape.at(-1) !== inFeatures) {
        throw new ShapeError(
          `[linear] x is ${formatSpec(x.spec)} with ${x.spec.shape.at(-1) ?? 'no'} features, but the layer takes ${inFeatures}: it is linear(${inFeatures}, ${outFeatures})`,
        );
      }
      return affine(x, bound['weight'], bound['bias']);
    },
  };
}

/** Layers and functions one behind the other, named layer0, layer1, … */
export function sequential(...layers: readonly Module[]): Layer {
  return {
    name: 'sequential',
    parameters: {},
    apply: (x: Value, _, context) =>
      layers.reduce<Value>((value, layer, at) => context.apply(layer, value, `layer${at}`), x),
  };
}
