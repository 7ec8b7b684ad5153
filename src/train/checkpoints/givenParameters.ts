import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import type { Page } from '../../core/parameterLayout.ts';
import type { Numbers } from '../../core/shape.ts';
import { requireFinite } from '../../data/dataset.ts';
import { copyOf, isNumbers, kindOf, numbersIn } from '../../data/numbers.ts';

/* What a caller gives in place of what a model has learned. */

type ByName = Readonly<Record<string, ArrayLike<number>>>;

/** Numbers by name as they are now. */
export function copyOfValues(values: ByName): ByName {
  const where = 'writeParameters';
  const is = kindOf(values) === 'Object' && !('then' in values);
  requireKind(where, 'what was given', values, is, 'numbers by name, as readParameters() gives them');
  const copies = Object.entries(values).map(([name, numbers]) => {
    requireKind(where, name, numbers, 'length' in Object(numbers), 'an array of numbers');
    return [name, isNumbers(numbers) ? copyOf(numbers) : Array.from(numbers)] as const;
  });
  return Object.fromEntries(copies);
}

/** Numbers, and on which page of the parameters they belong, and where. */
interface Placed {
  readonly page: number;
  readonly offset: number;
  readonly numbers: Numbers;
}

/** @throws ShapeError for an unknown name or a wrong size, DataError for what f32 does not hold */
export function placedValues(values: ByName, pages: readonly Page[]): Placed[] {
  const all = pages.flatMap(({ ranges }, page) => ranges.map((range) => ({ ...range, page })));
  return Object.entries(values).map(([name, numbers]) => {
    const range = all.find((other) => other.name === name);
    if (range?.size === numbers.length) {
      const sound = numbersIn('writeParameters', name, numbers, 'f32');
      requireFinite(name, { data: sound, shape: range.shape });
      return { page: range.page, offset: range.offset, numbers: sound };
    }
    throw new ShapeError(
      range
        ? `[writeParameters] "${name}" is f32[${range.shape.join(', ')}], ${range.size} numbers, but ${numbers.length} came: give them all`
        : `[writeParameters] there is no "${name}": the parameters are ${all.map((other) => other.name).join(', ')}`,
    );
  });
}

/** A file's bytes as they are now, whichever frame, or thread, their memory is of. */
export function copyOfBytes(where: string, bytes: Uint8Array | ArrayBufferLike): Uint8Array {
  const kind = kindOf(bytes);
  const is = ['Uint8Array', 'ArrayBuffer', 'SharedArrayBuffer'].includes(kind);
  requireKind(where, 'what was given', bytes, is, "a file's bytes, as await response.arrayBuffer()");
  return new Uint8Array(kind === 'Uint8Array' ? (bytes as Uint8Array) : new Uint8Array(bytes as ArrayBufferLike));
}

/** Fails unless something is texts to keep in a file beside its numbers. */
export function requireTexts(where: string, metadata: unknown): void {
  const are = typeof metadata === 'object' && Object.values(metadata ?? [0]).every((text) => typeof text === 'string');
  requireKind(where, 'metadata', metadata, are, 'texts by name');
}
