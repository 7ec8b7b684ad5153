import { forEachOffset } from '../core/strided.ts';
import { sizeOf, stridesOf, type Numbers, type Shape } from '../core/shape.ts';

/**
 * Numbers with their axes in another order, row by row.
 * @param axes which of the given axes each one is: [1, 0] transposes a matrix
 */
export function permuted<N extends Numbers>(
  { shape, data }: { readonly shape: Shape; readonly data: N },
  axes: readonly number[],
): { readonly shape: Shape; readonly data: N } {
  const strides = stridesOf(shape);
  const own = axes.map((axis) => shape[axis]);
  const Kind = data.constructor as new (length: number) => N;
  const result = new Kind(data.length);
  const walk = { shape: own, strides: [axes.map((axis) => strides[axis])] };
  if (sizeOf(shape) > 0) forEachOffset(walk, (index, from) => (result[index] = data[from]));
  return { shape: own, data: result };
}
