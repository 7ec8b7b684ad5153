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

/** How many axes a kernel walks, as its constant RANK. */
export const rankOf = ({ shape }: Walk): string => `${Math.max(1, shape.length)}u`;

/** The first array's offset of the element at a place in row-major order of the box. */
export function offsetAt({ shape, strides }: Walk, index: number): number {
  let rest = index;
  let offset = 0;
  for (let axis = shape.length - 1; axis > 0; axis--) {
    offset += (rest % shape[axis]) * strides[0][axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return shape.length > 0 ? offset + rest * strides[0][0] : offset;
}

/** The same of any of the arrays in WGSL, with numbers for all but the place. */
export function offsetText({ shape, strides }: Walk, array: number, place: string): string {
  let inner = 1;
  const terms: string[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const stride = strides[array][axis];
    const above = inner === 1 ? place : `${place} / ${inner}u`;
    const coordinate = axis === 0 ? above : `${above} % ${shape[axis]}u`;
    if (stride !== 0) terms.unshift(stride === 1 ? coordinate : `(${coordinate}) * ${stride}u`);
    inner *= shape[axis];
  }
  return terms.join(' + ') || '0u';
}

/** An element's place in row-major order of the box, and its offset in each of up to three arrays. */
type Visit = (index: number, p: number, q: number, r: number) => void;

/** Calls back for each element of a box, in row-major order. */
export function forEachOffset(walk: Walk, visit: Visit): void {
  if (walk.shape.length === 0) visit(0, 0, 0, 0);
  else visitAxis(walk, visit, 0, 0, 0, 0, 0);
}

function visitAxis(walk: Walk, visit: Visit, axis: number, index: number, p: number, q: number, r: number): void {
  const { shape, strides } = walk;
  const extent = shape[axis];
  const innermost = axis === shape.length - 1;
  const pStride = strides[0][axis];
  const qStride = strides.length > 1 ? strides[1][axis] : 0;
  const rStride = strides.length > 2 ? strides[2][axis] : 0;
  for (let i = 0; i < extent; i++) {
    if (innermost) visit(index * extent + i, p, q, r);
    else visitAxis(walk, visit, axis + 1, index * extent + i, p, q, r);
    p += pStride;
    q += qStride;
    r += rStride;
  }
}
