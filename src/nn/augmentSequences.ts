import { optionsOf, requireFinite } from '../core/argumentChecks.ts';
import { floatsOf } from '../graph/graph.ts';
import { maskSequences, sequenceChangesOf, type SequenceChanges } from '../ops/data/augmentSequences.ts';
import { add, mul } from '../ops/pointwise/arithmetic.ts';
import { defineLayer, type FloatLayer } from './layer.ts';

/** What `augmentSequences` may be told. */
export interface AugmentSequencesOptions extends SequenceChanges {
  /** The deviation of normal noise that is added to each element, before anything is covered: 0. */
  readonly noise?: number;
}

const WHERE = 'augmentSequences';
const USUAL = { noise: 0, shift: undefined, timeMasks: undefined, featureMasks: undefined, fill: undefined } as const;

/**
 * In training each sequence is changed at random, another way at each step; in evaluation and prediction nothing happens.
 * Noise is added; it is moved by whole steps; masks cover steps and features. It belongs in front, behind `logMel` if that is
 * a model's first layer: no gradient flows through it.
 *
 * ```ts
 * augmentSequences({ shift: 5, timeMasks: { count: 2, longest: 10 }, featureMasks: { count: 2, longest: 6 } })
 * ```
 *
 * Of `x` `[N, steps, features]`, as `features` makes it, or `[N, steps]`, as `waveforms` does. Lengths stay as they are, so
 * that a shift is to be short beside them.
 * @throws DataError where an option is out of its range; later ShapeError or DataError if x is none of these, too short, or
 * depends on a weight
 */
export function augmentSequences(options: AugmentSequencesOptions): FloatLayer {
  const { noise, ...changes } = optionsOf<AugmentSequencesOptions, typeof USUAL>(WHERE, options, USUAL);
  sequenceChangesOf(changes);
  requireFinite(WHERE, 'noise', noise, 0);
  return defineLayer({
    name: WHERE,
    apply(given, _, context) {
      const x = floatsOf(WHERE, 'x', given);
      if (context.mode !== 'train') return x;
      const { shape } = x.spec;
      const heard = noise > 0 ? add(x, mul(context.random('noise', shape, 'normal'), noise)) : x;
      return maskSequences(context.draws(WHERE, shape.slice(0, 1)), heard, changes);
    },
  });
}
