import { sizeOf, type Shape } from './shape.ts';

/** A named range of an arena. */
export interface Range {
  readonly name: string;
  readonly shape: Shape;
  /** In elements. */
  readonly offset: number;
  readonly size: number;
}

/** One layout for parameters, gradients and moments: a weight is an offset, in all of them the same. */
export interface Layout {
  readonly ranges: readonly Range[];
  /** Of an arena, in elements. */
  readonly size: number;
}

/** Elements of f32 in the 256 bytes to which WebGPU aligns a binding. */
export const BLOCK = 64;

/** Ranges one behind the other in the order given, each beginning a block. */
export function layOut(entries: readonly { readonly name: string; readonly shape: Shape }[]): Layout {
  let offset = 0;
  const ranges = entries.map(({ name, shape }) => {
    const range = { name, shape, offset, size: sizeOf(shape) };
    offset += Math.ceil(range.size / BLOCK) * BLOCK;
    return range;
  });
  return { ranges, size: Math.max(offset, BLOCK) };
}
