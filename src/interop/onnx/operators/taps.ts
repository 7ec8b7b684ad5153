import type { Value } from '../../../graph/graph.ts';
import { slice } from '../../../ops/shaping/pieces.ts';
import { spanOf, type WindowAxis } from './windows.ts';

/** A part of an axis. */
export const range = (x: Value, axis: number, start: number, end: number, step = 1): Value =>
  slice(
    x,
    x.spec.shape.map((_, at) => (at === axis ? { start, end, step } : null)),
  );

/** How many windows an axis has. */
export const placesAlong = (axis: WindowAxis): number =>
  Math.floor((axis.extent + axis.padding[0] + axis.padding[1] - spanOf(axis)) / axis.stride) + 1;

/** What one place of a window meets along an axis that is padded. */
export function tapAlong(x: Value, at: number, axis: WindowAxis, tap: number): Value {
  const start = tap * axis.dilation;
  return range(x, at, start, start + (placesAlong(axis) - 1) * axis.stride + 1, axis.stride);
}
