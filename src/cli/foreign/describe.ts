import { sizeOf, type Shape } from '../../core/shape.ts';
import { tableOf, thousands } from '../../core/textFormat.ts';
import { FormatError } from '../../index.ts';
import { readSafetensors } from '../../data/index.ts';
import { inspectOnnx, readNpy, readNpz, type OnnxPort } from '../../interop/index.ts';
import { filesBeside } from './externalFiles.ts';
import type { FileFormat, OpenFile } from './fileFormat.ts';
import { foreignModel, type ForeignInput } from './foreignModel.ts';

/* What `inspect` says of a file. */

/** What a file holds, as data for a report and as lines. */
export interface Description {
  readonly format: FileFormat;
  /** In a sentence. */
  readonly about: string;
  readonly layers: readonly { readonly name: string; readonly kind: string; readonly isRead: boolean }[];
  readonly tensors: readonly { readonly name: string; readonly shape: Shape; readonly role: string }[];
  /** Layers that are not read, and what would become of the file for it. */
  readonly unread: readonly string[];
}

type Describer = (file: OpenFile) => Promise<Description>;

const shapeText = (shape: readonly (number | null)[] | null): string =>
  shape ? `[${shape.map((extent) => extent ?? 'any').join(', ')}]` : 'of any shape';

const portText = ({ name, type, shape }: OnnxPort): string => `${name} ${type.toLowerCase()}${shapeText(shape)}`;

async function onnx(file: OpenFile): Promise<Description> {
  const { producer, opset, inputs, outputs, nodes, tensors } = inspectOnnx(file.bytes, {
    files: await filesBeside(file),
  });
  const from = producer ? ` by ${producer}` : '';
  return {
    format: 'onnx',
    about: `An ONNX model of opset ${opset}${from}: ${inputs.map(portText).join(', ') || 'nothing'} to ${outputs.join(', ')}.`,
    layers: nodes.map(({ name, operator, isRead }) => ({ name, kind: operator, isRead })),
    tensors,
    unread: nodes.flatMap(({ name, operator, isRead }) => (isRead ? [] : `${operator} "${name}"`)),
  };
}

async function safetensors({ path, bytes }: OpenFile): Promise<Description> {
  const { tensors, metadata, converted = {}, unread = {} } = readSafetensors(path, bytes);
  const kind = metadata['millrace'] === undefined ? 'Tensors by name' : 'A model that train --save wrote';
  return {
    format: 'safetensors',
    about: `${kind}, in a safetensors file.`,
    layers: [],
    tensors: Object.entries(tensors).map(([name, { shape }]) => ({ name, shape, role: converted[name] ?? 'F32' })),
    unread: Object.entries(unread).map(([name, { reason }]) => `"${name}" ${reason}`),
  };
}

const inputText = ({ name, dtype, shape }: ForeignInput): string =>
  `${name} ${dtype}${shapeText(shape && [null, ...shape])}`;

/** A model of Keras' layers; of one of which something is not read, what that is. */
async function layered(file: OpenFile): Promise<Description> {
  const { format, path } = file;
  const whose = format === 'keras' ? 'A model of Keras' : 'A LayersModel of TensorFlow.js';
  try {
    const { inputs, layers, kept, weights, notes } = await foreignModel(file, false);
    const { tensors } = readSafetensors(path, weights);
    return {
      format,
      about: [`${whose}, of ${inputs.map(inputText).join(', ')}.`, ...notes].join('\n'),
      layers: layers.map((layer) => ({ ...layer, isRead: true })),
      tensors: Object.entries(tensors).map(([name, { shape }]) => ({
        name,
        shape,
        role: kept.includes(name) ? 'kept' : 'parameter',
      })),
      unread: [],
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { format, about: `${whose}.`, layers: [], tensors: [], unread: [error.message] };
  }
}

const arrays = (
  format: FileFormat,
  about: string,
  named: Readonly<Record<string, { readonly shape: Shape }>>,
): Description => ({
  format,
  about,
  layers: [],
  tensors: Object.entries(named).map(([name, { shape }]) => ({ name, shape, role: 'array' })),
  unread: [],
});

const describers: Partial<Readonly<Record<FileFormat, Describer>>> = {
  keras: layered,
  onnx,
  safetensors,
  // Whose reader says what to do instead.
  pytorch: safetensors,
  'tensorflow.js': layered,
  npy: async ({ path, bytes }) => arrays('npy', 'An array of NumPy.', { array: readNpy(path, bytes) }),
  npz: async ({ path, bytes }) => arrays('npz', 'Arrays of NumPy by name.', readNpz(path, bytes)),
};

/** @throws FormatError for a file that is broken, or of a format that is not read */
export async function describe(file: OpenFile): Promise<Description> {
  const describer = describers[file.format];
  if (describer) return describer(file);
  throw new FormatError(
    `[inspect] ${file.path} is of ${file.format}, of which nothing is told: give an ONNX, Keras, TensorFlow.js, safetensors, .npy or .npz file`,
  );
}

/** Rows of a table in which neighbours of one kind are counted. */
function layerRows(layers: Description['layers']): string[][] {
  return layers.map(({ name, kind, isRead }) => [name, kind, isRead ? '' : 'not read']);
}

/** The lines that `inspect` prints. */
export function linesOf({ about, layers, tensors, unread }: Description, bytes: number): string[] {
  const numbers = tensors.reduce((total, { shape }) => total + sizeOf(shape), 0);
  const parameters = tensors.filter(({ role }) => role === 'parameter');
  const learned = parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
  const rows = tensors.map(({ name, shape, role }) => [name, role, `[${shape.join(', ')}]`, thousands(sizeOf(shape))]);
  return [
    about,
    ...(layers.length > 0 ? ['', tableOf(['layer', 'kind', ''], layerRows(layers), new Set())] : []),
    ...(rows.length > 0 ? ['', tableOf(['tensor', 'is', 'shape', 'numbers'], rows, new Set([3]))] : []),
    '',
    `${thousands(bytes)} bytes; ${thousands(numbers)} numbers${parameters.length > 0 ? `, ${thousands(learned)} of them learned` : ''}.`,
    unread.length > 0 ? `Not read: ${unread.join(', ')}.` : 'All of it is read.',
  ];
}
