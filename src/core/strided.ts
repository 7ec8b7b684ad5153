import { ShapeError } from './errors.ts';
import type { Shape } from './shape.ts';
import type { Word } from './launch.ts';

/** The most axes that a kernel walks, after neighbours have been merged. */
export const MAX_RANK = 8;

/** A walk over a box, with a stride per axis for each of several arrays. */
export interface Walk {
  readonly shape: number[];
  readonly strides: number[][];
}

/** Drops axes of extent 1 and merges neighbours that every array steps through evenly: fewer divisions per element. */
export function collapse(where: string, shape: Shape, ...strides: readonly (readonly number[])[]): Walk {
  const walk: Walk = { shape: [], strides: strides.map(() => []) };
  for (let axis = 0; axis < shape.length; axis++) {
    const extent = shape[axis];
    if (extent === 1) continue;
    const last = walk.shape.length - 1;
    const merges = last >= 0 && strides.every((list, array) => walk.strides[array][last] === list[axis] * extent);
    if (merges) {
      walk.shape[last] *= extent;
      strides.forEach((list, array) => (walk.strides[array][last] = list[axis]!));
    } else {
      walk.shape.push(extent);
      strides.forEach((list, array) => walk.strides[array].push(list[axis]));
    }
  }
  if (walk.shape.length > MAX_RANK) {
    throw new ShapeError(`[${where}] walks ${walk.shape.length} separate axes, of at most ${MAX_RANK}: reshape first`);
  }
  return walk;
}

/** Up to eight numbers as two vec4u of a uniform. */
export const eight = (numbers: readonly number[]): Word[] =>
  Array.from({ length: MAX_RANK }, (_, at) => numbers[at] ?? 0);

/** Calls back with each array's offset, in row-major order of the box. */
export function forEachOffset(
  { shape, strides }: Walk,
  visit: (index: number, ...offsets: readonly number[]) => void,
): void {
  const rank = shape.length;
  const at = new Array<number>(rank).fill(0);
  const offsets = strides.map(() => 0);
  const count = shape.reduce((product, extent) => product * extent, 1);
  for (let index = 0; index < count; index++) {
    visit(index, ...offsets);
    for (let axis = rank - 1; axis >= 0; axis--) {
      at[axis]++;
      for (let array = 0; array < strides.length; array++) offsets[array] += strides[array][axis];
      if (at[axis] < shape[axis]) break;
      for (let array = 0; array < strides.length; array++) offsets[array] -= strides[array][axis] * shape[axis];
      at[axis] = 0;
    }
  }
}
