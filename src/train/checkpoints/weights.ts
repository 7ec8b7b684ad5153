import { FormatError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import type { Page } from '../../core/parameterLayout.ts';
import type { Shape } from '../../core/shape.ts';
import { isOwn } from './checkpoint.ts';
import { readSafetensors, writeSafetensors, type Safetensors, type SafetensorsFile } from '../../data/safetensors.ts';
import { isInteger, isQuantised } from '../../data/tensorTypes.ts';

type Tensors = Safetensors['tensors'];

/** Every parameter in the pages of an arena, by name and shape. */
export function tensorsIn(pages: readonly Page[], arena: readonly Float32Array[]): Tensors {
  const tensors = pages.flatMap(({ ranges }, at) =>
    ranges.map(({ name, shape, offset, size }) => {
      return [name, { shape, data: arena[at].subarray(offset, offset + size) }] as const;
    }),
  );
  return Object.fromEntries(tensors);
}

/** A file of what a model has learned. @param metadata texts to keep beside it */
export const weightsFile = (tensors: Tensors, metadata: Readonly<Record<string, string>>): Bytes =>
  writeSafetensors({ tensors, metadata });

/** A parameter, or what a layer keeps. */
interface Named {
  readonly name: string;
  readonly shape: Shape;
}

/** What a file has of a model, by name, and what of it does not fit. */
export interface Fitting {
  readonly tensors: Readonly<Record<string, Float32Array>>;
  /** Of the model, that are not in the file. */
  readonly missing: readonly string[];
  /** Of the file, that the model does not have. */
  readonly leftOver: readonly string[];
  /** That both have, and why they do not fit, as it goes behind the name. */
  readonly unfit: Readonly<Record<string, string>>;
}

/** Why a tensor of a file is not the weight of its name: by its type, by its shape, or for a number in it. */
type Misfit = { readonly reason: string } | { readonly shape: Shape } | { readonly number: number };

/** What a file has of a name: its numbers, if they fit. */
function foundIn(
  { tensors, converted = {}, unread = {} }: SafetensorsFile,
  { name, shape }: Named,
): Misfit | Float32Array | undefined {
  if (Object.hasOwn(unread, name)) return unread[name];
  if (!Object.hasOwn(tensors, name)) return undefined;
  const { shape: other, data } = tensors[name];
  if (isQuantised(converted[name] ?? 'F32')) {
    return { reason: `is ${converted[name]}, which is no weight without its scale` };
  }
  if (other.join() !== shape.join()) return { shape: other };
  const number = data.find((each) => !Number.isFinite(each));
  return number === undefined ? data : { number };
}

/** The names in a file that are none of a model's, with their types there; of a checkpoint, without what is its own. */
function othersIn({ tensors, converted, unread = {} }: SafetensorsFile, named: readonly Named[]): [string, string][] {
  const names = new Set(named.map(({ name }) => name));
  const types = [...Object.keys(tensors), ...Object.keys(unread)].map((name): [string, string] => {
    return [name, converted?.[name] ?? unread[name]?.dtype ?? 'F32'];
  });
  return types.filter(([name]) => !names.has(name) && !isOwn(name));
}

/** What of a file fits the named ones, of whatever model it is. @throws FormatError if the file is broken */
export function fittingIn(named: readonly Named[], file: string, bytes: Uint8Array | ArrayBuffer): Fitting {
  const content = readSafetensors(file, bytes);
  const tensors: Record<string, Float32Array> = {};
  const missing: string[] = [];
  const unfit: Record<string, string> = {};
  for (const one of named) {
    const found = foundIn(content, one);
    if (!found) missing.push(one.name);
    else if (found instanceof Float32Array) tensors[one.name] = found;
    else unfit[one.name] = wordsOf(found, one);
  }
  return { tensors, missing, leftOver: othersIn(content, named).map(([name]) => name), unfit };
}

/** As they go behind the name. */
function wordsOf(misfit: Misfit, { shape }: Named): string {
  if ('reason' in misfit) return misfit.reason;
  if ('number' in misfit) return `holds ${misfit.number}`;
  return `is f32[${misfit.shape.join(', ')}], but f32[${shape.join(', ')}] here`;
}

/**
 * The tensors in a file, which must be the named ones. Integers that the model lacks are passed over: they are no
 * weights, but what others keep beside them, as PyTorch's `num_batches_tracked`.
 * @throws FormatError for one that is missing, other or too many
 */
export function weightsIn(
  named: readonly Named[],
  file: string,
  bytes: Uint8Array | ArrayBuffer,
): Readonly<Record<string, Float32Array>> {
  const content = readSafetensors(file, bytes);
  const weights = named.map((one) => {
    const { name, shape } = one;
    const here = `[weights] "${name}" is f32[${shape.join(', ')}] here but`;
    const found = foundIn(content, one);
    if (!found) {
      throw new FormatError(
        `${here} not in ${file}, which holds ${Object.keys(content.tensors).join(', ') || 'nothing'}: the model must be the one that was saved`,
      );
    }
    if (found instanceof Float32Array) return [name, found] as const;
    if ('reason' in found) throw new FormatError(`${here} in ${file} it ${found.reason}: convert it to F32`);
    if ('number' in found) {
      throw new FormatError(
        `[weights] "${name}" holds ${found.number} in ${file}: its training had diverged; train again`,
      );
    }
    throw new FormatError(
      `${here} f32[${found.shape.join(', ')}] in ${file}: the model must be the one that was saved`,
    );
  });
  const more = othersIn(content, named).find(([, dtype]) => !isInteger(dtype));
  if (more !== undefined) {
    throw new FormatError(
      `[weights] ${file} holds "${more[0]}", which the model lacks: the model must be the one that was saved`,
    );
  }
  return Object.fromEntries(weights);
}
