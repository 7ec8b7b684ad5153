import type { Dtype, Layer, Values } from '../../index.ts';
import { fromOnnx } from '../../interop/index.ts';
import { filesBeside } from './describe.ts';
import type { FileFormat, OpenFile } from './fileFormat.ts';

/* Models in files of other frameworks. */

/** What a model takes. */
export interface ForeignInput {
  readonly name: string;
  readonly dtype: Dtype;
  /** Of a sample; null where the file leaves an extent open, or all of them. */
  readonly shape: readonly (number | null)[] | null;
}

/** A model of another framework's. */
export interface ForeignModel {
  readonly model: Layer<Values, Values>;
  readonly weights: Uint8Array;
  readonly inputs: readonly ForeignInput[];
  /** What a user would not expect of it. */
  readonly notes: readonly string[];
}

/** How the types of a file's inputs come here. */
const dtypes: Readonly<Record<string, Dtype>> = { UINT8: 'u8', UINT32: 'u32', BOOL: 'u32' };

async function onnx(file: OpenFile, channelsLast: boolean): Promise<ForeignModel> {
  const files = await filesBeside(file);
  const { model, weights, inputs } = await fromOnnx<Values>(file.bytes, { files, channelsLast });
  const taken = inputs.map(({ name, type, shape }) => ({
    name,
    dtype: /FLOAT|DOUBLE/.test(type) ? ('f32' as const) : (dtypes[type] ?? 'i32'),
    shape: shape && samplesOf(shape, channelsLast),
  }));
  return { model, weights, inputs: taken, notes: [] };
}

/** A sample's extents, behind the first axis; channels behind those of places, if they are taken so. */
function samplesOf(shape: readonly (number | null)[], channelsLast: boolean): readonly (number | null)[] {
  const [, first, ...others] = shape;
  if (shape.length < 2) return [];
  return channelsLast && others.length > 0 ? [...others, first] : [first, ...others];
}

type Reader = (file: OpenFile, channelsLast: boolean) => Promise<ForeignModel>;

const readers: Partial<Readonly<Record<FileFormat, Reader>>> = { onnx };

/** Whether a file may hold a model of another framework's, and not only numbers. */
export const isForeign = ({ format }: OpenFile): boolean => Object.hasOwn(readers, format);

/**
 * A model of another framework's, of a file that is one.
 * @param channelsLast takes images as they lie here, whatever the file says   @throws FormatError for what is not read of it
 */
export const foreignModel = (file: OpenFile, channelsLast: boolean): Promise<ForeignModel> =>
  readers[file.format]!(file, channelsLast);
