import { DataError, ShapeError } from '../core/errors.ts';
import { sizeOf, type Dtype, type Numbers, type Shape } from '../core/shape.ts';

/** Numbers of a user's own. Plain numbers and Float64Array become f32; small integers become i32, clamped bytes u8. */
export type GivenNumbers = Numbers | Uint8ClampedArray | Int8Array | Int16Array | Uint16Array | readonly number[];

/** What a user hands in for a field: samples one behind the other. */
export interface FieldInput {
  readonly data: GivenNumbers;
  /** Of one sample; `[]`, a single number, if left out. */
  readonly shape?: Shape;
  /**
   * For u8: the model sees data · scale + offset in f32. 1/255 and 0 by default where a sample has two axes or more (an
   * image); a number or a row of numbers (labels) stays as it is.
   */
  readonly scale?: number;
  readonly offset?: number;
}

/** A field as it is kept: u8 stays u8. */
export interface Field {
  readonly data: Numbers;
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Null where the model is to see the numbers as they are. */
  readonly scale: { readonly scale: number; readonly offset: number } | null;
}

/** What a program must know of a field before there are samples. */
export type FieldSpec = Pick<Field, 'shape' | 'dtype' | 'scale'>;

/** Samples with named fields, all of one length. */
export interface Dataset {
  readonly length: number;
  readonly fields: Readonly<Record<string, Field>>;
}

function dtypeOf(data: Numbers): Dtype {
  if (data instanceof Uint8Array) return 'u8';
  if (data instanceof Int32Array) return 'i32';
  return data instanceof Uint32Array ? 'u32' : 'f32';
}

/** What was given, in one of the four dtypes: wider numbers become f32, other integers i32. */
function numbersOf(name: string, raw: unknown): Numbers {
  if (raw instanceof Float32Array || raw instanceof Int32Array || raw instanceof Uint32Array) return raw;
  if (raw instanceof Uint8Array) return raw;
  if (raw instanceof Uint8ClampedArray) return new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
  if (raw instanceof Float64Array) return Float32Array.from(raw);
  if (raw instanceof Int8Array || raw instanceof Int16Array || raw instanceof Uint16Array) return Int32Array.from(raw);
  if (Array.isArray(raw) && raw.every((number) => typeof number === 'number')) return Float32Array.from(raw);
  throw new DataError(`[dataset] field "${name}" holds no plain numbers: give a typed array, or an array of numbers`);
}

function fieldOf(name: string, given: FieldInput | GivenNumbers): Field {
  const { data: raw, shape = [], scale, offset } = 'data' in given ? given : { data: given };
  const data = numbersOf(name, raw);
  const dtype = dtypeOf(data);
  const size = sizeOf(shape);
  if (size === 0 || data.length % size !== 0) {
    throw new ShapeError(
      `[dataset] field "${name}" has ${data.length} numbers, which samples of [${shape.join(', ')}] (${size} numbers) do not divide: give the shape of one sample`,
    );
  }
  const isImage = dtype === 'u8' && shape.length > 1;
  const scaled = scale !== undefined || offset !== undefined || isImage;
  const byDefault = isImage ? 1 / 255 : 1;
  return { data, shape, dtype, scale: scaled ? { scale: scale ?? byDefault, offset: offset ?? 0 } : null };
}

/**
 * A data set from arrays: `dataset({ image: { data, shape: [28, 28] }, label })`.
 * @throws ShapeError if the fields have different numbers of samples; DataError if there is none
 */
export function dataset(given: Readonly<Record<string, FieldInput | GivenNumbers>>): Dataset {
  const fields = Object.fromEntries(Object.entries(given).map(([name, field]) => [name, fieldOf(name, field)]));
  const lengths = Object.entries(fields).map(([name, { data, shape }]) => [name, data.length / sizeOf(shape)] as const);
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

/** The samples from `start` up to `end`, without copying. */
export function take({ length, fields }: Dataset, start: number, end = length): Dataset {
  const from = Math.max(0, Math.min(start, length));
  const to = Math.max(from, Math.min(end, length));
  if (from === to)
    throw new DataError(
      `[take] ${start} … ${end} selects none of ${length} samples: give a start below ${length} and an end above it`,
    );
  const cut = ([name, field]: [string, Field]): [string, Field] => {
    const size = sizeOf(field.shape);
    return [name, { ...field, data: field.data.subarray(from * size, to * size) }];
  };
  return { length: to - from, fields: Object.fromEntries(Object.entries(fields).map(cut)) };
}

/** Copies chosen samples of a field one behind the other. */
export function gatherRows({ data, shape }: Field, rows: ArrayLike<number>, into: Numbers): void {
  const size = sizeOf(shape);
  for (let row = 0; row < rows.length; row++) {
    const start = rows[row] * size;
    into.set(data.subarray(start, start + size), row * size);
  }
}

/** Fails at the first number that would spoil every weight. @throws DataError naming field and place */
export function requireFinite(name: string, { data, shape }: Pick<Field, 'data' | 'shape'>): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
  const at = data.findIndex((number) => !Number.isFinite(number));
  if (at < 0) return;
  const size = sizeOf(shape);
  throw new DataError(
    `[data] "${name}" is ${data[at]} at sample ${Math.floor(at / size)}, element ${at % size}: one such number spreads to every weight; clean the data first`,
  );
}
