import { DataError, ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import type { NamesIn } from '../core/nameTypes.ts';
import { sizeOf, type Dtype, type Numbers, type Shape } from '../core/shape.ts';
import { requireScale } from './fieldScale.ts';
import { hostFieldOf, isBufferInput, type BufferInput, type HostBuffer } from './hostField.ts';
import { isNumbers, kindOf, numbersIn, type GivenNumbers } from './numbers.ts';
import { samplesIn, strideOf, type SampleLayout } from './sampleLayout.ts';

/** What a user hands in for a field: samples one behind the other. The arrays are not copied: see `Dataset`. */
export interface FieldInput {
  readonly data: GivenNumbers;
  /** Of one sample; `[]`, a single number, if left out. */
  readonly shape?: Shape;
  /**
   * Numbers from the first one of a sample to the first one of the next, where samples overlap, or leave some out between
   * them: `{ data, shape: [64], stride: 1 }` are all windows of 64, of which each number is kept once. As many as a sample
   * has, if left out.
   */
  readonly stride?: number;
  /**
   * For u8: data · scale + offset in f32, wherever the field is read; a `scale` of 1 leaves the numbers as they are.
   * Where neither is given, bytes of two axes or more that the model reads are taken for pictures, and scaled by 1/255;
   * unless none is above 15 (boards, one-hot rows), or the model takes them as whole numbers (indices of `gather`, a cast).
   * What only the loss reads (masks, classes of pixels) is never scaled by default, nor is a number or a row of numbers.
   * `trainer.summary()` says how each field is seen.
   */
  readonly scale?: number;
  readonly offset?: number;
}

/** What the model sees of bytes: data · scale + offset. */
export interface Scale {
  readonly scale: number;
  readonly offset: number;
}

/** A field as it is kept: u8 stays u8. */
export interface Field extends SampleLayout {
  readonly data: Numbers;
  readonly dtype: Dtype;
  /** Null where integers stay integers. */
  readonly scale: Scale | null;
  /** Whether nobody asked for the scale: it is then only for what the model reads. False if left out. */
  readonly byDefault?: boolean;
  /** Where it lies instead, if that is in a buffer of a host's: then whoever asks for its data is refused. */
  readonly host?: HostBuffer;
}

/** What a program must know of a field before there are samples. */
export type FieldSpec = Pick<Field, 'shape' | 'dtype' | 'scale' | 'byDefault'>;

/** The same as it may be said: without a scale, bytes are seen as a set has them of which nobody said how. */
export interface GivenFieldSpec extends Pick<FieldSpec, 'shape' | 'dtype'> {
  readonly scale?: Scale | null | undefined;
  readonly byDefault?: boolean | undefined;
}

/** A field of which nobody said how its bytes are scaled: those of pictures are, and by what is white. */
const scaledByDefault = ({ shape, dtype }: Pick<FieldSpec, 'shape' | 'dtype'>, scale: () => Scale) =>
  dtype === 'u8' && shape.length > 1 ? { scale: scale(), byDefault: true } : { scale: null };

/** What a program must know of a field that was said. */
export function specOfGiven({ shape, dtype, scale, byDefault }: GivenFieldSpec): FieldSpec {
  if (scale === undefined) return { shape, dtype, ...scaledByDefault({ shape, dtype }, () => WHITE) };
  return { shape, dtype, scale, ...(byDefault !== undefined && { byDefault }) };
}

/**
 * Samples with named fields, all of one length. Its arrays are those that were given, not copies, and are not to be
 * changed. A trainer takes a set as it is at the first call that is given it (`fit`, as training data or validation,
 * `evaluate`, `profile`), checks it, and keeps that: on the GPU, or, on the CPU, in memory. From then on the set is what it
 * was, whatever becomes of its arrays, on both backends, until `trainer.refresh(set)` takes it anew. Of the sets that are
 * not in use the last few stay, four in all; one that had to go is taken anew, and checked, when it comes again. What
 * `take` cuts is a set of its own. `predict`, `inspect`, `verify` and `step` see a set that the trainer keeps as it was
 * taken, and anything else as it is at the call. F are the names of its fields: a set of `Dataset` alone may have any.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- a set of which no names are known goes wherever sets go
export interface Dataset<in F extends string = any> {
  readonly length: number;
  readonly fields: { readonly [name in F]: Field };
}

export const isDataset = (given: unknown): given is Dataset =>
  typeof given === 'object' && given !== null && 'fields' in given && 'length' in given;

/** @throws DataError for what is no data set */
export const requireSet = (where: string, given: unknown): void =>
  requireKind(where, 'the set', given, isDataset(given), 'a data set: dataset({ … }) makes one of arrays');

function dtypeOf(data: Numbers): Dtype {
  if (data instanceof Uint8Array) return 'u8';
  if (data instanceof Int32Array) return 'i32';
  return data instanceof Uint32Array ? 'u32' : 'f32';
}

/** Where no byte is larger, they count or name something: a picture that is so dark shows nothing. */
const LARGEST_COUNT = 15;

/** 255 is seen as 1. */
const WHITE: Scale = { scale: 1 / 255, offset: 0 };

/** Bytes that nobody said how to scale. Those that are all 0 stand for others to come. */
export function defaultScale(data: Numbers): Scale {
  const isPicture = data.some((byte) => byte > LARGEST_COUNT) || data.every((byte) => byte === 0);
  return isPicture ? WHITE : { scale: 1, offset: 0 };
}

const isWhole = (count: number): boolean => Number.isInteger(count) && count > 0;

function fieldOf(name: string, given: FieldInput | BufferInput | GivenNumbers): Field {
  if (isBufferInput(given)) return hostFieldOf(name, given);
  const where = `dataset, "${name}"`;
  const usual = { data: undefined, shape: undefined, stride: undefined, scale: undefined, offset: undefined };
  const isInput = !isNumbers(given) && typeof given === 'object' && given !== null && 'data' in given;
  const {
    data: raw,
    shape = [],
    stride,
    scale,
    offset,
  } = optionsOf<FieldInput, typeof usual>(where, isInput ? given : { data: given }, usual);
  requireKind(where, 'shape', shape, Array.isArray(shape), "one sample's extents, as [28, 28]");
  requireScale(where, scale, offset);
  const isStride = stride === undefined || (Number.isSafeInteger(stride) && stride > 0);
  requireKind(where, 'stride', stride, isStride, 'a whole number above 0, as 1');
  const data = numbersIn('dataset', name, raw);
  const dtype = dtypeOf(data);
  const size = sizeOf(shape);
  const isShape = shape.every((extent) => Number.isInteger(extent) && extent > 0);
  const layout: SampleLayout = { shape, ...(stride !== undefined && stride !== size && { stride }) };
  if (isShape && layout.stride !== undefined && !isWhole(samplesIn(layout, data.length))) {
    throw new ShapeError(
      `[dataset] field "${name}" has ${data.length} numbers, but samples of [${shape.join(', ')}] (${size} numbers), each ${stride} behind the one before, do not end there: give ${size} of them and a multiple of ${stride} more`,
    );
  }
  if (!isShape || (layout.stride === undefined && data.length % size !== 0)) {
    throw new ShapeError(
      `[dataset] field "${name}" has ${data.length} numbers, which samples of [${shape.join(', ')}] (${size} numbers) do not divide: give the shape of one sample`,
    );
  }
  const manyAxes = dtype === 'u8' && shape.length > 1;
  if (scale === undefined && offset === undefined) {
    return { data, ...layout, dtype, ...scaledByDefault({ shape, dtype }, () => defaultScale(data)) };
  }
  return { data, ...layout, dtype, scale: { scale: scale ?? (manyAxes ? 1 / 255 : 1), offset: offset ?? 0 } };
}

/** Samples of a field. */
const lengthOf = (field: Field): number => field.host?.samples ?? samplesIn(field, field.data.length);

/**
 * A data set from arrays: `dataset({ image: { data, shape: [28, 28] }, label })`. A field may lie in a GPU buffer of the
 * caller's, on the device that its trainer is given: `{ buffer, dtype, shape, stride, byteOffset, samples }`. It is read
 * where it is, by each step as it is then, so the caller may write it anew between steps; nobody checks its numbers.
 * @throws ShapeError if the fields have different numbers of samples, or a buffer holds fewer; DataError if there is none,
 * and for what is no field
 */
export function dataset<const T extends Readonly<Record<string, FieldInput | BufferInput | GivenNumbers>>>(
  given: T,
): Dataset<NamesIn<keyof T & string>>;
export function dataset(given: Readonly<Record<string, FieldInput | BufferInput | GivenNumbers>>): Dataset {
  const areFields = kindOf(given) === 'Object' && !isDataset(given);
  requireKind('dataset', 'what is given', given, areFields, 'an object of fields by name: dataset({ x, label })');
  const fields = Object.fromEntries(Object.entries(given).map(([name, field]) => [name, fieldOf(name, field)]));
  const lengths = Object.entries(fields).map(([name, field]) => [name, lengthOf(field)] as const);
  if (lengths.length === 0) throw new DataError('[dataset] there are no fields: name at least one');
  const [first, length] = lengths[0];
  for (const [name, other] of lengths) {
    if (other !== length) {
      throw new ShapeError(
        `[dataset] field "${first}" has ${length} samples but "${name}" has ${other}: every sample needs all fields`,
      );
    }
  }
  if (length === 0) throw new DataError(`[dataset] field "${first}" is empty: there must be at least one sample`);
  return { length, fields };
}

/** Fails at the first number that would spoil every weight. @throws DataError naming field and place */
export function requireFinite(name: string, { data, ...layout }: SampleLayout & { readonly data: GivenNumbers }): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array || Array.isArray(data))) return;
  const at = (data as readonly unknown[]).findIndex((one) => typeof one === 'number' && !Number.isFinite(one));
  if (at < 0) return;
  const size = strideOf(layout);
  throw new DataError(
    `[data] "${name}" is ${data[at]} at sample ${Math.floor(at / size)}, element ${at % size}: one such number spreads to every weight; clean the data first`,
  );
}
