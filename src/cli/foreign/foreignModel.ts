import type { Dtype, Layer, Values } from '../../index.ts';
import { fromKeras, fromLayersModel, fromOnnx, type KerasModel } from '../../interop/index.ts';
import { filesBeside } from './externalFiles.ts';
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
  /** Which of the weights are kept, not learned. */
  readonly kept: readonly string[];
  /** In their order, where the file has layers. */
  readonly layers: readonly { readonly name: string; readonly kind: string }[];
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
  return { model, weights, inputs: taken, kept: [], layers: [], notes: [] };
}

/** A sample's extents, behind the first axis; channels behind those of places, if they are taken so. */
function samplesOf(shape: readonly (number | null)[], channelsLast: boolean): readonly (number | null)[] {
  const [, first, ...others] = shape;
  if (shape.length < 2) return [];
  return channelsLast && shape.length > 3 ? [...others, first] : [first, ...others];
}

const ofKeras = ({ model, weights, inputs, kept, layers, notes }: KerasModel): ForeignModel => ({
  model,
  weights,
  kept,
  inputs: inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape: shape && shape.slice(1) })),
  layers: layers.map(({ name, className }) => ({ name, kind: className })),
  notes,
});

/** The model, and the files of weights that it names, which lie beside it. */
async function layersModel(file: OpenFile): Promise<ForeignModel> {
  const files: Record<string, Uint8Array> = { 'model.json': file.bytes };
  for (const path of shardsOf(file)) {
    const bytes = await file.beside(path);
    if (bytes) files[path] = bytes;
  }
  return ofKeras(await fromLayersModel(files));
}

/** As far as the file says them soundly; what is wrong with it is told by who reads it. */
function shardsOf({ bytes }: OpenFile): readonly string[] {
  try {
    const { weightsManifest } = JSON.parse(new TextDecoder().decode(bytes)) as {
      weightsManifest: { paths: string[] }[];
    };
    return weightsManifest.flatMap(({ paths }) => paths).filter((path) => typeof path === 'string');
  } catch {
    return [];
  }
}

type Reader = (file: OpenFile, channelsLast: boolean) => Promise<ForeignModel>;

const readers: Partial<Readonly<Record<FileFormat, Reader>>> = {
  onnx,
  keras: async ({ bytes }) => ofKeras(await fromKeras(bytes)),
  'tensorflow.js': layersModel,
};

/** Whether a file may hold a model of another framework's, and not only numbers. */
export const isForeign = ({ format }: OpenFile): boolean => Object.hasOwn(readers, format);

/**
 * A model of another framework's, of a file that is one.
 * @param channelsLast takes images as they lie here, whatever the file says   @throws FormatError for what is not read of it
 */
export const foreignModel = (file: OpenFile, channelsLast: boolean): Promise<ForeignModel> =>
  readers[file.format]!(file, channelsLast);
