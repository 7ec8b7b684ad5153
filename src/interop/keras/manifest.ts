import { joinedBytes } from '../../data/bytes.ts';
import { fromHalves } from '../../core/halves.ts';
import { sizeOf } from '../../core/shape.ts';
import { isCounts, isRecord } from '../../data/safetensorsHeader.ts';
import type { ImportedTensor } from '../importedModel.ts';
import { refuse } from './refusal.ts';

/* TensorFlow.js' weights: groups of files that are one row of bytes, in which weights lie one behind the other. */

/** How numbers lie in the files. */
const widths: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 };

interface Quantized {
  readonly dtype: string;
  readonly scale: number;
  readonly min: number;
}

function quantizationOf(name: string, given: unknown): Quantized | undefined {
  if (given === undefined) return undefined;
  if (isRecord(given)) {
    const { dtype, scale = 1, min = 0 } = given;
    const isKnown = dtype === 'uint8' || dtype === 'uint16' || dtype === 'float16';
    if (isKnown && Number.isFinite(scale) && Number.isFinite(min)) return { dtype, scale, min } as Quantized;
  }
  refuse(
    'model.json',
    `has the weight ${name} with a quantization that is not uint8, uint16 or float16, with scale and min`,
    'convert it again',
  );
}

/** Names within the folder of model.json. @throws FormatError for one that leads out of it */
function fileOf(given: unknown, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  if (typeof given !== 'string') refuse('model.json', 'names a file of weights that is no text', 'it was damaged');
  const isOutside = /^[/\\]|^[a-z][a-z0-9+.-]*:/i.test(given) || given.split(/[/\\]/).includes('..');
  if (isOutside)
    refuse(
      'model.json',
      `names the file "${given}", which leads out of its folder`,
      'put the file beside it, and its name in',
    );
  const found = files.get(given) ?? files.get(given.replace(/^\.\//, ''));
  if (found) return found;
  refuse('model.json', `names the file "${given}", which is not among those given`, [...files.keys()].join(', '));
}

function tensorOf(
  shape: readonly number[],
  dtype: string,
  quantized: Quantized | undefined,
  bytes: Uint8Array,
): ImportedTensor {
  const own = bytes.slice().buffer;
  const stored = quantized?.dtype ?? dtype;
  const data =
    stored === 'float32'
      ? new Float32Array(own)
      : stored === 'float16'
        ? fromHalves(new Uint16Array(own))
        : Float32Array.from(
            stored === 'int32' ? new Int32Array(own) : stored === 'uint16' ? new Uint16Array(own) : new Uint8Array(own),
          );
  if (!quantized || quantized.dtype === 'float16') return { shape, data };
  return { shape, data: data.map((number) => number * quantized.scale + quantized.min) };
}

/** All weights by the names that they have there. @throws FormatError for what is damaged, missing or too short */
export function manifestWeights(
  given: unknown,
  files: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, ImportedTensor> {
  if (!Array.isArray(given)) refuse('model.json', 'has no weightsManifest', 'save the model with its weights');
  const found = new Map<string, ImportedTensor>();
  for (const group of given as unknown[]) {
    const { paths, weights } = Object(group) as { paths?: unknown; weights?: unknown };
    if (!Array.isArray(paths) || !Array.isArray(weights))
      refuse('model.json', 'has a group of weights without paths or weights', 'it was damaged');
    const shards = [...new Set<unknown>(paths)].map((path) => fileOf(path, files));
    if (shards.length < paths.length) refuse('model.json', 'names a file of weights twice', 'it was damaged');
    const bytes = shards.length === 1 ? shards[0] : joinedBytes(shards);
    let at = 0;
    for (const weight of weights as unknown[]) {
      const { name, shape, dtype, quantization } = Object(weight) as Record<string, unknown>;
      if (typeof name !== 'string' || !isCounts(shape) || typeof dtype !== 'string') {
        refuse('model.json', 'has a weight without name, shape or dtype', 'it was damaged');
      }
      if (found.has(name)) refuse('model.json', `has the weight ${name} twice`, 'it was damaged');
      const quantized = quantizationOf(name, quantization);
      const width = widths[quantized?.dtype ?? dtype];
      if (!Object.hasOwn(widths, dtype) || width === undefined) {
        refuse('model.json', `has the weight ${name} in ${dtype}`, `${Object.keys(widths).join(', ')} are read`);
      }
      const length = sizeOf(shape) * width;
      if (!(at + length <= bytes.length)) {
        refuse(
          'model.json',
          `has ${name} end at byte ${at + length} of ${paths.join(', ')}, which ${shards.length === 1 ? 'has' : 'have'} ${bytes.length}`,
          'a file was cut short',
        );
      }
      found.set(name, tensorOf(shape, dtype, quantized, bytes.subarray(at, at + length)));
      at += length;
    }
    if (at !== bytes.length)
      refuse(
        'model.json',
        `has ${bytes.length} bytes in ${paths.join(', ')}, but its weights end at ${at}`,
        'they are of different models',
      );
  }
  return found;
}
