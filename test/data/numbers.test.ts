// What a user's arrays become: nothing of them is lost, or the first number that would be is named.

import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { copyOf, numbersIn } from '../../src/data/numbers.ts';
import { dataset } from '../../src/index.ts';

const kept = (given: unknown): readonly [string, readonly number[]] => {
  const { dtype, data } = dataset({ x: given as Float32Array }).fields['x'];
  return [dtype, [...data]];
};

test.each<readonly [string, unknown, string, readonly number[]]>([
  ['BigInt64Array', BigInt64Array.of(-1n, 7n), 'i32', [-1, 7]],
  ['BigUint64Array', BigUint64Array.of(0n, 9n), 'i32', [0, 9]],
  ['big integers that only u32 holds', [0n, 4_000_000_000n], 'u32', [0, 4_000_000_000]],
  ['truth values', [true, false], 'u8', [1, 0]],
  ['an array of another frame', runInNewContext('Float32Array.of(1.5, 2)'), 'f32', [1.5, 2]],
  ['a Buffer', Buffer.from([3, 250]), 'u8', [3, 250]],
])('%s is kept: %o as %s', (_, given, dtype, numbers) => {
  expect(kept(given)).toEqual([dtype, numbers]);
});

test('halves become f32 where the engine has them', ({ skip }) => {
  const Half = (globalThis as unknown as Record<string, { of(...numbers: number[]): unknown } | undefined>)[
    'Float16Array'
  ];
  if (!Half) return skip('this engine has no Float16Array');
  expect(kept(Half.of(0.5, -2))).toEqual(['f32', [0.5, -2]]);
});

describe('dataset refuses, and names,', () => {
  test.each<readonly [string, unknown, string]>([
    ['a number beyond f32', [1, 1e300], '[dataset] "x"[1] is 1e+300, but f32 holds'],
    ['a big integer beyond 32 bits', [0n, 2n ** 40n], '[dataset] "x"[1] is 1099511627776, but u32 holds'],
    ['one beyond what a number is exact to', BigInt64Array.of(2n ** 60n + 1n), '"x"[0] is 1152921504606846977, but'],
    ['a text among numbers', [1, '2'], '[dataset] "x"[1] is a string, but what is before it is a number'],
    ['a hole', Array.from({ length: 2 }).fill(1, 0, 1), '[dataset] "x"[1] is a undefined, but'],
    // oxlint-disable-next-line no-sparse-arrays -- as an assignment beyond the end leaves it
    ['a place never filled', [1, , 3], '[dataset] "x"[1] is a undefined, but'],
    ['numbers beside truth values', [1, true], '[dataset] "x"[1] is a boolean, but'],
    ['a DataView', new DataView(new ArrayBuffer(8)), '[dataset] field "x" holds no plain numbers: give'],
    ['a buffer without a type', new ArrayBuffer(8), '[dataset] field "x" holds no plain numbers: give'],
    ['a text', 'abc', '[dataset] field "x" holds no plain numbers: give'],
    ['nothing', null, '[dataset] field "x" holds no plain numbers: give'],
  ])('%s', (_, given, message) => {
    expect(() => dataset({ x: given as Float32Array })).toThrow(DataError);
    expect(() => dataset({ x: given as Float32Array })).toThrow(message);
  });
});

describe('put into a dtype', () => {
  test.each<readonly [string, unknown, 'u8' | 'i32' | 'u32' | 'f32', readonly number[]]>([
    ['floats that are bytes', Float32Array.of(0, 255, -0), 'u8', [0, 255, 0]],
    ['fractions of f64, rounded', Float64Array.of(0.1), 'f32', [Math.fround(0.1)]],
    ['a big integer', [255n], 'u8', [255]],
    ['what is infinite, for others to find', Float64Array.of(Infinity), 'f32', [Infinity]],
    ['integers that f32 is exact to', Int32Array.of(2 ** 24, -(2 ** 30)), 'f32', [2 ** 24, -(2 ** 30)]],
  ])('stay what they are: %s', (_, given, dtype, numbers) => {
    expect([...numbersIn('step', 'x', given, dtype)]).toEqual(numbers.map((number) => number + 0));
  });

  test.each<readonly [string, unknown, 'u8' | 'i32' | 'u32' | 'f32', string]>([
    ['a fraction as u8', [3, 0.145], 'u8', '"x"[1] is 0.145, but u8'],
    ['256 as u8', Int32Array.of(256), 'u8', '"x"[0] is 256, but u8'],
    ['a negative label as u8', Int8Array.of(0, -1), 'u8', '"x"[1] is -1, but u8'],
    ['a label of 1.5 as i32', [1.5], 'i32', '"x"[0] is 1.5, but i32'],
    ['2³¹ as i32', Uint32Array.of(2 ** 31), 'i32', '"x"[0] is 2147483648, but i32'],
    ['−1 as u32', Int32Array.of(-1), 'u32', '"x"[0] is -1, but u32'],
    ['NaN as i32', Float32Array.of(NaN), 'i32', '"x"[0] is NaN, but i32'],
    ['infinity as u8', Float32Array.of(-Infinity), 'u8', '"x"[0] is -Infinity, but u8'],
    ['an integer between those of f32', Int32Array.of(2 ** 24 + 1), 'f32', '"x"[0] is 16777217, but f32'],
    ['f64 beyond f32', Float64Array.of(-4e38), 'f32', '"x"[0] is -4e+38, but f32'],
  ])('are refused: %s', (_, given, dtype, message) => {
    expect(() => numbersIn('step', 'x', given, dtype)).toThrow(`[step] ${message}`);
  });
});

test.each([Float32Array.of(1, 2), Buffer.from([1, 2]), [1, 2]])('a copy has memory of its own: %o', (given) => {
  const copy = copyOf(given);
  given[0] = 9;
  expect([...copy]).toEqual([1, 2]);
});
