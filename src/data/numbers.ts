import { DataError } from '../core/errors.ts';
import { allocate, type Dtype, type Numbers } from '../core/shape.ts';

/**
 * Numbers of a user's own. Plain numbers, Float64Array and, where there is one, Float16Array become f32; small integers
 * become i32, clamped bytes and truth values u8; big integers i32, or u32 where only that holds them all.
 */
export type GivenNumbers =
  | Numbers
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | BigInt64Array
  | BigUint64Array
  | readonly number[]
  | readonly bigint[]
  | readonly boolean[];

/** A typed array of any kind, by its numbers. */
type Typed = Extract<GivenNumbers, ArrayBufferView>;

/** The class by its name: an array of another frame, or a Node Buffer, is not of the class here. */
export const kindOf = (given: unknown): string => Object.prototype.toString.call(given).slice(8, -1);

const isTyped = (given: unknown): given is Typed => ArrayBuffer.isView(given) && 'length' in given;

export const isNumbers = (given: unknown): given is GivenNumbers => Array.isArray(given) || isTyped(given);

/** The same numbers where nobody else changes them; what is no array is left to whoever reads it. */
export function copyOf<T>(given: T): T {
  if (Array.isArray(given)) return given.slice() as T;
  if (!isTyped(given)) return given;
  // Not by its own slice: a Buffer's shares the memory.
  const Kind = (globalThis as unknown as Record<string, new (numbers: Typed) => T>)[kindOf(given)];
  return new Kind(given);
}

/** Numbers in a form in which each is exact, and the dtype that they have by themselves. */
interface Exact {
  readonly numbers: Numbers;
  readonly natural: Dtype;
}

const LARGEST_I32 = 2 ** 31 - 1;

const HOLDS: Readonly<Record<Dtype, string>> = {
  f32: 'numbers up to ±3.4e38, integers up to 2²⁴ exactly',
  i32: 'whole numbers -2147483648 … 2147483647',
  u32: 'whole numbers 0 … 4294967295',
  u8: 'whole numbers 0 … 255, which only the model scales',
};

const noNumbers = (where: string, name: string): DataError =>
  new DataError(`[${where}] field "${name}" holds no plain numbers: give a typed array, or a flat array of numbers`);

function lost(where: string, name: string, at: number, number: number | bigint, dtype: Dtype): DataError {
  return new DataError(
    `[${where}] "${name}"[${at}] is ${number}, but ${dtype} holds ${HOLDS[dtype]}: give such numbers, or take another dtype from the start`,
  );
}

function ofBigInts(where: string, name: string, given: ArrayLike<bigint>): Exact {
  const numbers = new Float64Array(given.length);
  for (let at = 0; at < given.length; at++) {
    numbers[at] = Number(given[at]);
    if (!Number.isSafeInteger(numbers[at])) throw lost(where, name, at, given[at], 'i32');
  }
  const isLarge = numbers.some((number) => number > LARGEST_I32) && numbers.every((number) => number >= 0);
  return { numbers, natural: isLarge ? 'u32' : 'i32' };
}

function ofArray(where: string, name: string, given: readonly unknown[]): Exact {
  const kind = given.length > 0 ? typeof given[0] : 'number';
  if (kind !== 'number' && kind !== 'bigint' && kind !== 'boolean') throw noNumbers(where, name);
  // Not by `every`, which passes over holes.
  const at = given.findIndex((one) => typeof one !== kind);
  if (at >= 0) {
    throw new DataError(
      `[${where}] "${name}"[${at}] is a ${typeof given[at]}, but what is before it is a ${kind}: give numbers of one kind`,
    );
  }
  if (kind === 'bigint') return ofBigInts(where, name, given as readonly bigint[]);
  return { numbers: Float64Array.from(given, Number), natural: kind === 'boolean' ? 'u8' : 'f32' };
}

function exact(where: string, name: string, given: unknown): Exact {
  if (Array.isArray(given)) return ofArray(where, name, given);
  const typed = given as Typed & ArrayLike<never>;
  switch (isTyped(given) ? kindOf(given) : '') {
    case 'Float32Array':
      return { numbers: plain(typed, Float32Array), natural: 'f32' };
    case 'Int32Array':
      return { numbers: plain(typed, Int32Array), natural: 'i32' };
    case 'Uint32Array':
      return { numbers: plain(typed, Uint32Array), natural: 'u32' };
    case 'Uint8Array':
    case 'Uint8ClampedArray':
      return { numbers: plain(typed, Uint8Array), natural: 'u8' };
    case 'Float64Array':
      return { numbers: plain(typed, Float64Array), natural: 'f32' };
    case 'Float16Array':
      return { numbers: Float32Array.from(typed), natural: 'f32' };
    case 'Int8Array':
    case 'Int16Array':
    case 'Uint16Array':
      return { numbers: Int32Array.from(typed), natural: 'i32' };
    case 'BigInt64Array':
    case 'BigUint64Array':
      return ofBigInts(where, name, typed);
  }
  throw noNumbers(where, name);
}

/** The same memory as an array of the class itself. */
function plain<T extends Numbers>(
  typed: Typed,
  Kind: new (buffer: ArrayBufferLike, at: number, length: number) => T,
): T {
  if (typed.constructor === Kind) return typed as unknown as T;
  return new Kind(typed.buffer, typed.byteOffset, typed.length);
}

/**
 * Numbers in a dtype, where nothing of them is lost; fractions are rounded to f32. An array that has the dtype is not
 * copied.
 * @param dtype the one that they have by themselves, if left out
 * @throws DataError naming field, index and value
 */
export function numbersIn(where: string, name: string, given: unknown, dtype?: Dtype): Numbers {
  const { numbers, natural } = exact(where, name, given);
  const wanted = dtype ?? natural;
  const own = allocate({ shape: [0], dtype: wanted });
  if (numbers.constructor === own.constructor) return numbers;
  const result = allocate({ shape: [numbers.length], dtype: wanted });
  // Of floats the nearest one will do, unless it is infinite and they are not.
  const rounds = wanted === 'f32' && natural === 'f32';
  for (let at = 0; at < numbers.length; at++) {
    result[at] = numbers[at];
    const isKept =
      result[at] === numbers[at] || (rounds && (Number.isFinite(result[at]) || !Number.isFinite(numbers[at])));
    if (!isKept) throw lost(where, name, at, numbers[at], wanted);
  }
  return result;
}
