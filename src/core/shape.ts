import { ShapeError } from './errors.ts';
import { requireKind } from './argumentChecks.ts';

/** The extent of each axis, the outermost first. */
export type Shape = readonly number[];

/** u8 is for data alone: it is stored packed, four to a word, and cast before arithmetic. */
export type Dtype = 'f32' | 'i32' | 'u32' | 'u8';

/** What is known of a value before it has one. */
export interface Spec<D extends Dtype = Dtype> {
  readonly shape: Shape;
  readonly dtype: D;
}

/** What a value's numbers are held in on the CPU; Float64Array is the judge's precision for f32. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** The same by dtype. */
export interface NumbersOf {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u8: Uint8Array;
}

export function spec(shape: Shape): Spec<'f32'>;
export function spec<D extends Dtype>(shape: Shape, dtype: D): Spec<D>;
export function spec(shape: Shape, dtype: Dtype = 'f32'): Spec {
  return { shape, dtype };
}

/** @throws DataError for what is no shape */
export function requireShape(where: string, name: string, given: unknown, wanted = 'as [4, 3]'): void {
  const is = Array.isArray(given) && given.every((extent) => Number.isInteger(extent) && extent >= 0);
  requireKind(where, name, given, is, `a list of whole numbers, ${wanted}`);
}

const arrays = {
  f32: ['Float32Array', 'Float64Array'],
  i32: ['Int32Array'],
  u32: ['Uint32Array'],
  u8: ['Uint8Array'],
} as const;

/** @throws DataError for what is no spec */
export function requireSpec(where: string, given: Spec): void {
  const { shape, dtype } = Object(given) as Spec;
  requireShape(where, 'spec.shape', shape);
  requireKind(where, 'spec.dtype', dtype, Object.hasOwn(arrays, dtype), Object.keys(arrays).join(', '));
}

/** @throws DataError for numbers of another kind than a spec's   @throws ShapeError where they are not as many */
export function requireNumbers(where: string, numbers: Numbers, of: Spec): void {
  requireSpec(where, of);
  const kinds: readonly unknown[] = arrays[of.dtype];
  const is = ArrayBuffer.isView(numbers) && kinds.includes(numbers[Symbol.toStringTag]);
  requireKind(where, 'numbers', numbers, is, `a ${kinds[0] as string}, as the spec says ${of.dtype}`);
  if (numbers.length === sizeOf(of.shape)) return;
  throw new ShapeError(
    `[${where}] there are ${numbers.length} numbers for ${formatSpec(of)}: give ${sizeOf(of.shape)}`,
  );
}

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Bytes on the GPU: u8 is padded to whole words, and nothing is smaller than one. */
export function byteLength({ shape, dtype }: Spec): number {
  const bytes = sizeOf(shape) * (dtype === 'u8' ? 1 : 4);
  return Math.max(4, Math.ceil(bytes / 4) * 4);
}

/** `f32[128, 784]`, as values are written in errors and printed graphs. */
export const formatSpec = ({ shape, dtype }: Spec): string => `${dtype}[${shape.join(', ')}]`;

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/**
 * NumPy's rule: shapes are aligned at their last axes, and an extent of 1 stretches.
 * @throws ShapeError if two extents differ and neither is 1.
 */
export function broadcastShapes(where: string, ...specs: readonly Spec[]): number[] {
  const rank = Math.max(...specs.map(({ shape }) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const { shape } of specs) {
    for (let axis = 0; axis < shape.length; axis++) {
      const at = rank - shape.length + axis;
      const extent = shape[axis];
      if (extent === 1) continue;
      if (result[at] !== 1 && result[at] !== extent) {
        throw new ShapeError(
          `[${where}] ${specs.map(formatSpec).join(' and ')} do not broadcast: axis ${at} is ${result[at]} in one and ${extent} in another; make them equal, or one of them 1`,
        );
      }
      result[at] = extent;
    }
  }
  return result;
}

/** Strides that walk `shape` as if it had been broadcast to `target`: 0 along stretched axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : strides[axis - missing]));
}

/** An axis counted from the front; −1 is the last one. */
export function resolveAxis(where: string, axis: number, { shape, dtype }: Spec): number {
  const resolved = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= shape.length) {
    throw new ShapeError(
      `[${where}] axis ${axis} is not an axis of ${formatSpec({ shape, dtype })}: use ${-shape.length} … ${shape.length - 1}`,
    );
  }
  return resolved;
}

/** Fails unless a value has the dtype that an op computes with. */
export function requireDtype<D extends Dtype>(
  where: string,
  name: string,
  given: Spec,
  ...allowed: readonly D[]
): asserts given is Spec<D> {
  if (!(allowed as readonly Dtype[]).includes(given.dtype)) {
    throw new ShapeError(`[${where}] ${name} is ${formatSpec(given)} but must be ${allowed.join(' or ')}: use cast()`);
  }
}

/** Numbers for a spec; f32 may be held in f64 where a judge needs it. */
export function allocate({ shape, dtype }: Spec, precision: 'f32' | 'f64' = 'f32'): Numbers {
  const size = sizeOf(shape);
  switch (dtype) {
    case 'f32':
      return precision === 'f64' ? new Float64Array(size) : new Float32Array(size);
    case 'i32':
      return new Int32Array(size);
    case 'u32':
      return new Uint32Array(size);
    case 'u8':
      return new Uint8Array(size);
  }
}

/** Numbers of one dtype, one behind the other; of no parts, none of f32. */
export function joined(parts: readonly Numbers[]): Numbers {
  if (parts.length === 1) return parts[0];
  if (parts.length === 0) return new Float32Array(0);
  const Kind = parts[0].constructor as new (length: number) => Numbers;
  const all = new Kind(parts.reduce((total, { length }) => total + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** Bytes as the numbers that they are, from a place on. */
export function numbersOf(bytes: ArrayBufferLike, dtype: Dtype, count: number, at = 0): Numbers {
  switch (dtype) {
    case 'f32':
      return new Float32Array(bytes, at, count);
    case 'i32':
      return new Int32Array(bytes, at, count);
    case 'u32':
      return new Uint32Array(bytes, at, count);
    case 'u8':
      return new Uint8Array(bytes, at, count);
  }
}
