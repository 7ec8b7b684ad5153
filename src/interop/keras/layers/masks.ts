import { spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { equal, greater, maximum, mul, sub } from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import { sum } from '../../../ops/reductions/sum.ts';
import { reshape } from '../../../ops/shaping/views.ts';

/*
 * Sequences of which some steps do not count, before, between or behind those that do. Keras leaves the state as it is at
 * such a step. Here the steps that count are brought to the front, by a product with ones and zeros that picks them, so
 * that each sample has so many steps and no gaps, and what becomes of them is brought back in the same way.
 */

/** What a mask says of steps. */
export interface Steps {
  /** How many count, `[N]`, at least 1 of a sample without any. */
  readonly lengths: Value<'i32'>;
  /** `[N, 1]`: 0 where none counts. */
  readonly isAny: Value<'f32'>;
  /** Those that count, one behind the other: `[N, T, C]` of `[N, T, C]`. */
  packed(x: Value): Value<'f32'>;
  /**
   * Where each step finds what the loop left: its own result, or that of the step that counted before it; of a loop that
   * goes backwards, behind it. 0 where none did, or, if told, where the step does not count.
   */
  spread(y: Value, isReverse: boolean, zeroElsewhere: boolean): Value<'f32'>;
}

const numbers = (count: number, f: (at: number) => number, shape: readonly number[]): Value<'f32'> =>
  constant(
    Float32Array.from({ length: count }, (_, at) => f(at)),
    spec(shape),
  );

/** @param mask integers `[N, T]` */
export function stepsOf(mask: Value): Steps {
  const [N, T] = mask.spec.shape as readonly [number, number];
  const counts = cast(mask, 'f32');
  const upTo = numbers(T * T, (at) => (Math.floor(at / T) <= at % T ? 1 : 0), [T, T]);
  // The place of each step among those that count, from 1; a product, as there is no running sum.
  const place = matmul(counts, upTo);
  const total = sum(counts, { axes: 1 });
  const places = numbers(T, (at) => at, [1, 1, T]);
  const rows = reshape(places, [1, T, 1]);
  return {
    lengths: cast(maximum(total, 1), 'i32'),
    isAny: reshape(cast(greater(total, 0), 'f32'), [N, 1]),
    packed(x) {
      const isHere = cast(equal(reshape(sub(place, 1), [N, 1, T]), rows), 'f32');
      return matmul(mul(isHere, reshape(counts, [N, 1, T])), x);
    },
    spread(y, isReverse, zeroElsewhere) {
      const at = reshape(isReverse ? sub(place, counts) : sub(place, 1), [N, T, 1]);
      const found = matmul(cast(equal(at, places), 'f32'), y);
      return zeroElsewhere ? mul(found, reshape(counts, [N, T, 1])) : found;
    },
  };
}
