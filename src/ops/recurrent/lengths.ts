import { spec } from '../../core/shape.ts';
import { applyAlike, type Op, type Range, type Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import { uncast } from '../data/originalIntegers.ts';
import { less } from '../pointwise/arithmetic.ts';
import { cast } from '../pointwise/cast.ts';
import { reshape } from '../shaping/views.ts';

/** What lengths of sequences must be: no sample is without a step, or has more than there are. */
export const lengthRange = (steps: number): Range => ({ low: 1, high: steps, meaning: `lengths of ${steps} steps` });

const lengthsOp: Op<{ readonly steps: number }> = {
  name: 'lengths',
  infer: ([lengths]) => [lengths],
  cpu: ([lengths], [same]) => same.set(lengths),
  gpu: () => [],
  view: () => 0,
  vjp: () => [null],
  ranges: ({ attrs: { steps } }) => [lengthRange(steps)],
};

/** Which of its steps each sample has: `[N, T]`, 1 up to its length, `[N]` of integers, and 0 behind. */
export function ownSteps(lengths: Value, steps: number): Value<'u32'> {
  const within = applyAlike(lengthsOp, uncast(lengths), { steps });
  const places = constant(
    Int32Array.from({ length: steps }, (_, t) => t),
    spec([1, steps], 'i32'),
  );
  return less(places, reshape(cast(within, 'i32'), [-1, 1]));
}
