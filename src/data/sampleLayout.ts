import { allocate, sizeOf, type Dtype, type Numbers, type Shape } from '../core/shape.ts';

/* Where a field's samples lie among its numbers: one behind the other, or overlapping, as the windows of a text do. */

export interface SampleLayout {
  /** Of one sample. */
  readonly shape: Shape;
  /** Numbers from the first one of a sample to the first one of the next; as many as a sample has, if left out. */
  readonly stride?: number;
}

export const strideOf = ({ shape, stride = sizeOf(shape) }: SampleLayout): number => stride;

/** Numbers that so many samples take, one at least. */
export const spanOf = (layout: SampleLayout, count: number): number =>
  (count - 1) * strideOf(layout) + sizeOf(layout.shape);

/** Samples that so many numbers hold: whole, if the numbers end with a sample. */
export const samplesIn = (layout: SampleLayout, numbers: number): number =>
  (numbers - sizeOf(layout.shape)) / strideOf(layout) + 1;

type Laid = SampleLayout & { readonly data: Numbers };

/** The numbers of the samples from `start` up to `end`, without copying. */
export const samplesFrom = (field: Laid, start: number, end: number): Numbers =>
  field.data.subarray(start * strideOf(field), start * strideOf(field) + spanOf(field, end - start));

/** The same, each with numbers of its own, where they overlap. */
export function apart(field: Laid & { readonly dtype: Dtype }): Numbers {
  if (field.stride === undefined) return field.data;
  const count = samplesIn(field, field.data.length);
  const data = allocate({ shape: [count, ...field.shape], dtype: field.dtype });
  for (let at = 0; at < count; at++) data.set(samplesFrom(field, at, at + 1), at * sizeOf(field.shape));
  return data;
}
