import { described, optionsOf, requireFinite } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import { Random, requireSeed } from '../core/random.ts';
import { formatSpec, spec } from '../core/shape.ts';
import { specOf } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { cos, sin } from '../ops/pointwise/elementary.ts';
import { affine } from '../ops/products/matmul.ts';
import { concat } from '../ops/shaping/pieces.ts';
import { defineLayer, type FloatLayer } from './layer.ts';

/** What `fourierFeatures` may be told. */
export interface FourierFeaturesOptions {
  /** Deviation of the frequencies, in periods for each unit of x: 10. Larger ones let finer detail be learned, and noise. */
  readonly sigma?: number;
  /** Which frequencies are drawn: 0. */
  readonly seed?: number;
}

/**
 * Cosines and sines of x in directions by chance, [cos 2πBx, sin 2πBx]: with them a small network of coordinates learns
 * detail that it would smooth away. B is normal and fixed by the seed; nothing is learned, so a file of weights has nothing
 * of it.
 * @param inFeatures extent of x's last axis   @param frequencies rows of B; the result's last axis is twice as long
 * @returns a layer from f32 `[…, inFeatures]` to `[…, 2 · frequencies]`
 * @throws DataError for a sigma that is not above 0, or what is no seed     Source: Tancik et al. 2020, 4
 */
export function fourierFeatures(
  inFeatures: number,
  frequencies: number,
  options: FourierFeaturesOptions = {},
): FloatLayer {
  const where = 'fourierFeatures';
  if (!(Number.isInteger(inFeatures) && inFeatures > 0 && Number.isInteger(frequencies) && frequencies > 0)) {
    throw new ShapeError(
      `[${where}] a layer of ${described(frequencies)} frequencies of ${described(inFeatures)} features: both must be whole and positive`,
    );
  }
  const defaults = { sigma: 10, seed: 0 };
  const { sigma, seed } = optionsOf<FourierFeaturesOptions, typeof defaults>(where, options, defaults);
  requireFinite(where, 'sigma', sigma, Number.MIN_VALUE);
  requireSeed(where, seed);
  const random = new Random(seed, where);
  const angles = Float32Array.from({ length: inFeatures * frequencies }, () => 2 * Math.PI * random.normal(0, sigma));
  return defineLayer({
    name: where,
    apply(x) {
      const given = specOf(where, 'x', x);
      if (given.shape.at(-1) !== inFeatures) {
        throw new ShapeError(
          `[${where}] x is ${formatSpec(given)}, but the layer takes ${inFeatures} features: it is fourierFeatures(${inFeatures}, ${frequencies})`,
        );
      }
      const angle = affine(x, constant(angles, spec([inFeatures, frequencies])));
      return concat([cos(angle), sin(angle)], given.shape.length - 1);
    },
  });
}
