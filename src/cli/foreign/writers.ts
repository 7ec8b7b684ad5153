import { dirname, join } from 'node:path';
import type { Predictor, Trainer } from '../../index.ts';
import { toKeras, toLayersModel, toOnnx } from '../../interop/index.ts';
import { UsageError } from '../command/usageError.ts';
import { makeFolder, write, type Writing } from '../outputPaths.ts';

/* Models as files of other frameworks, by the file's ending. */

/** Files by name, beside the one that was asked for. */
type Files = Readonly<Record<string, Uint8Array>>;

interface Writer {
  /** What it writes, in words. */
  readonly what: string;
  write(trainer: Trainer | Predictor, path: string, opset: number | undefined): Promise<Files>;
}

const writers: Readonly<Record<string, Writer>> = {
  '.onnx': {
    what: 'an ONNX model',
    write: async (trainer, path, opset) => ({ [path]: await toOnnx(trainer, opset === undefined ? {} : { opset }) }),
  },
  '.keras': { what: 'a Keras model', write: async (trainer, path) => ({ [path]: await toKeras(trainer) }) },
  // Its shards are named in it, and lie beside it.
  'model.json': {
    what: 'a LayersModel of TensorFlow.js',
    write: async (trainer, path) => {
      const { 'model.json': model, ...shards } = await toLayersModel(trainer);
      return { [path]: model, ...shards };
    },
  },
};

const endings = Object.keys(writers);

/** The writer for a path; undefined where its ending is of none. */
export const writerFor = (path: string): Writer | undefined =>
  Object.entries(writers).find(([ending]) => path.endsWith(ending))?.[1];

/** @throws UsageError for a path of another ending */
export function requireWriter(path: string): Writer {
  const writer = writerFor(path);
  if (writer) return writer;
  throw new UsageError(`${path} ends in nothing that a model is written as: name it ${endings.join(', ')}`);
}

/** Writes what a model computes, and its weights. */
export async function writeForeign(
  by: Writing,
  trainer: Trainer | Predictor,
  path: string,
  opset: number | undefined,
): Promise<readonly string[]> {
  const files = await requireWriter(path).write(trainer, path, opset);
  for (const [name, bytes] of Object.entries(files)) {
    const file = name === path ? path : join(dirname(path), name);
    await makeFolder(by, dirname(file));
    await write(by, file, bytes);
  }
  return Object.keys(files);
}
