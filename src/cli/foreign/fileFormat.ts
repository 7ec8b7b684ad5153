import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FormatError } from '../../index.ts';
import { reasonOf } from '../outputPaths.ts';

/** What a file may be of, by what it holds. */
export type FileFormat = 'safetensors' | 'onnx' | 'keras' | 'tensorflow.js' | 'npy' | 'npz' | 'hdf5' | 'pytorch';

/** A file that was opened. */
export interface OpenFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly format: FileFormat;
  /** The bytes of a file beside it, by its name; what is not there is told by whoever needs it. */
  beside(name: string): Promise<Uint8Array | undefined>;
}

/** Where a model of TensorFlow.js begins, in a folder. */
const MODEL_JSON = 'model.json';

/** @throws FormatError if there is no such file */
export async function openFile(path: string): Promise<OpenFile> {
  const file = (await isFolder(path)) ? join(path, MODEL_JSON) : path;
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[model] ${file} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  const folder = dirname(file);
  return {
    path: file,
    bytes,
    format: formatOf(bytes),
    async beside(name) {
      // A name is one of that folder, whatever a file says.
      const names: string[] = await readdir(folder).catch(() => []);
      return names.includes(basename(name)) ? readFile(join(folder, basename(name))).catch(() => undefined) : undefined;
    },
  };
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, text.length)).toString('latin1') === text;

/** The members of a zip archive that tell what it is. */
const members: readonly (readonly [string, FileFormat])[] = [
  ['config.json', 'keras'],
  ['data.pkl', 'pytorch'],
  ['.npy', 'npz'],
];

/** By how a file begins, and, of a zip archive, by the names in its directory. */
function formatOf(bytes: Uint8Array): FileFormat {
  if (startsWith(bytes, '\u0093NUMPY')) return 'npy';
  if (startsWith(bytes, '\u0089HDF\r\n')) return 'hdf5';
  if (startsWith(bytes, 'PK')) {
    const directory = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    return members.find(([name]) => directory.includes(name))?.[1] ?? 'npz';
  }
  // Eight bytes of a length, then JSON.
  if (startsWith(bytes.subarray(8), '{')) return 'safetensors';
  if (startsWith(bytes, '{')) return 'tensorflow.js';
  return startsWith(bytes, '\u0080') ? 'pytorch' : 'onnx';
}
