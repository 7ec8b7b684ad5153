import { spec, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';

/** 0, 1, 2 … as i32. */
export const counted = (length: number, shape: Shape = [length]): Value<'i32'> =>
  constant(
    Int32Array.from({ length }, (_, at) => at),
    spec(shape, 'i32'),
  );
