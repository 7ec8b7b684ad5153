import { FormatError } from '../core/errors.ts';
import type { Bytes } from '../core/globalTypes.ts';
import type { Page } from '../core/parameterLayout.ts';
import type { Shape } from '../core/shape.ts';
import { isOwn } from './checkpoint.ts';
import { readSafetensors, writeSafetensors, type Safetensors } from '../data/safetensors.ts';
import { isInteger, isQuantised } from '../data/tensorTypes.ts';

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

/** What of a file fits the named ones, of whatever model it is. @throws FormatError if the file is broken */
export function fittingIn(ranges: readonly Named[], file: string, bytes: Uint8Array | ArrayBuffer): Fitting {
  const { tensors, converted = {}, unread = {} } = readSafetensors(file, bytes);
  const whyNot = ({ name, shape }: Named): string | undefined => {
    if (Object.hasOwn(unread, name)) return unread[name].reason;
    if (isQuantised(converted[name] ?? 'F32')) return `is ${converted[name]}, which is no weight without its scale`;
    const { shape: other, data } = tensors[name];
    if (other.join() !== shape.join()) return `is f32[${other.join(', ')}], but f32[${shape.join(', ')}] here`;
    const wrong = data.find((number) => !Number.isFinite(number));
    return wrong === undefined ? undefined : `holds ${wrong}`;
  };
  const has = (name: string): boolean => Object.hasOwn(tensors, name) || Object.hasOwn(unread, name);
  const there = ranges.filter(({ name }) => has(name)).map((range) => ({ name: range.name, why: whyNot(range) }));
  const names = new Set(ranges.map(({ name }) => name));
  return {
    tensors: Object.fromEntries(there.flatMap(({ name, why }) => (why ? [] : [[name, tensors[name].data]]))),
    missing: [...names].filter((name) => !has(name)),
    leftOver: [...Object.keys(tensors), ...Object.keys(unread)].filter((name) => !names.has(name) && !isOwn(name)),
    unfit: Object.fromEntries(there.flatMap(({ name, why }) => (why ? [[name, why]] : []))),
  };
}

/**
 * The tensors in a file, which must be the named ones. Integers that the model lacks are passed over: they are no
 * weights, but what others keep beside them, as PyTorch's `num_batches_tracked`.
 * @throws FormatError for one that is missing, other or too many
 */
export function weightsIn(
  ranges: readonly Named[],
  file: string,
  bytes: Uint8Array | ArrayBuffer,
): Readonly<Record<string, Float32Array>> {
  const { tensors, converted = {}, unread = {} } = readSafetensors(file, bytes);
  for (const { name, shape } of ranges) {
    const here = `[weights] "${name}" is f32[${shape.join(', ')}] here but`;
    if (Object.hasOwn(unread, name)) {
      throw new FormatError(`${here} in ${file} it ${unread[name].reason}: convert it to F32`);
    }
    if (isQuantised(converted[name] ?? 'F32')) {
      throw new FormatError(
        `${here} in ${file} it is ${converted[name]}, which is no weight without its scale: convert it to F32`,
      );
    }
    if (!Object.hasOwn(tensors, name)) {
      throw new FormatError(
        `${here} not in ${file}, which holds ${Object.keys(tensors).join(', ') || 'nothing'}: the model must be the one that was saved`,
      );
    }
    const other = tensors[name].shape;
    const wrong = tensors[name].data.find((number) => !Number.isFinite(number));
    if (wrong !== undefined) {
      throw new FormatError(`[weights] "${name}" holds ${wrong} in ${file}: its training had diverged; train again`);
    }
    if (other.join() === shape.join()) continue;
    throw new FormatError(`${here} f32[${other.join(', ')}] in ${file}: the model must be the one that was saved`);
  }
  const names = new Set(ranges.map(({ name }) => name));
  // What a checkpoint has beside its weights is passed over, too.
  const isMore = (name: string): boolean =>
    !names.has(name) && !isOwn(name) && !isInteger(converted[name] ?? unread[name]?.dtype ?? 'F32');
  const more = [...Object.keys(tensors), ...Object.keys(unread)].find(isMore);
  if (more !== undefined) {
    throw new FormatError(
      `[weights] ${file} holds "${more}", which the model lacks: the model must be the one that was saved`,
    );
  }
  return Object.fromEntries(ranges.map(({ name }) => [name, tensors[name].data]));
}
