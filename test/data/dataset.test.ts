import { describe, expect, test } from 'vitest';
import { DataError, ShapeError } from '../../src/core/errors.ts';
import { requireFinite } from '../../src/data/dataset.ts';
import { dataset } from '../../src/data/index.ts';

describe('dataset', () => {
  test('counts the samples', () => {
    expect(dataset({ x: { data: new Float32Array(12), shape: [2, 3] } }).length).toBe(2);
  });
  test('takes a bare array as one number a sample', () => {
    const { length, fields } = dataset({ label: Uint8Array.of(3, 1, 2) });
    expect([length, fields['label'].shape]).toEqual([3, []]);
  });
  test.each([
    ['f32', new Float32Array(2)],
    ['i32', new Int32Array(2)],
    ['u32', new Uint32Array(2)],
    ['u8', new Uint8Array(2)],
  ])('keeps %s as it is', (dtype, data) => {
    const { x } = dataset({ x: data }).fields;
    expect([x.dtype, x.data]).toEqual([dtype, data]);
  });
  test('does not copy typed arrays', () => {
    const data = new Float32Array(2);
    expect(dataset({ x: data }).fields['x'].data).toBe(data);
  });
  test.each([
    ['plain numbers', [1, 2.5]],
    ['f64', Float64Array.of(1, 2.5)],
  ])('keeps %s as f32', (_, data) => {
    const { x } = dataset({ x: data }).fields;
    expect([x.dtype, x.data]).toEqual(['f32', Float32Array.of(1, 2.5)]);
  });
});

describe('the model sees', () => {
  const scaleOf = (data: Uint8Array | Float32Array, options: object): unknown =>
    dataset({ x: { data, ...options } }).fields['x'].scale;

  test('images of bytes as 0 … 1', () =>
    expect(scaleOf(new Uint8Array(4), { shape: [2, 2] })).toEqual({ scale: 1 / 255, offset: 0 }));
  test('single bytes, and rows of them, as the integers that they are', () => {
    expect(scaleOf(new Uint8Array(4), {})).toBeNull();
    expect(scaleOf(new Uint8Array(4), { shape: [2] })).toBeNull();
  });
  test('floats as they are', () => expect(scaleOf(new Float32Array(4), { shape: [2] })).toBeNull());
  test('bytes of a shape by the scale and offset given', () =>
    expect(scaleOf(new Uint8Array(4), { shape: [2], scale: 2, offset: -1 })).toEqual({ scale: 2, offset: -1 }));
  test('images of bytes as 0 … 1 from the offset given', () =>
    expect(scaleOf(new Uint8Array(4), { shape: [2, 2], offset: -0.5 })).toEqual({ scale: 1 / 255, offset: -0.5 }));
  test('single bytes by the offset given', () =>
    expect(scaleOf(new Uint8Array(4), { offset: 3 })).toEqual({ scale: 1, offset: 3 }));
});

describe('dataset refuses, and names the field:', () => {
  test('samples that do not divide the numbers', () => {
    expect(() => dataset({ image: { data: new Float32Array(10), shape: [2, 2] } })).toThrow(
      '[dataset] field "image" has 10 numbers, which samples of [2, 2] (4 numbers) do not divide',
    );
  });
  test('samples without numbers', () => {
    expect(() => dataset({ image: { data: new Float32Array(0), shape: [0] } })).toThrow('field "image"');
  });
  test('fields of different lengths', () => {
    const image = { data: new Uint8Array(12), shape: [2, 2] };
    expect(() => dataset({ image, label: new Uint8Array(4) })).toThrow(
      new ShapeError('[dataset] field "image" has 3 samples but "label" has 4: every sample needs all fields'),
    );
  });
  test('a field that is empty', () => {
    expect(() => dataset({ label: new Uint8Array(0) })).toThrow(
      new DataError('[dataset] field "label" is empty: there must be at least one sample'),
    );
  });
  test.each([
    ['a text', 'abc'],
    ['nested arrays', [[1, 2], [3]]],
    ['texts', ['1', '2']],
  ])('a field that holds %s', (_, data) => {
    expect(() => dataset({ label: { data } as unknown as Float32Array })).toThrow(
      '[dataset] field "label" holds no plain numbers',
    );
  });
  test('a set without fields', () => {
    expect(() => dataset({})).toThrow(new DataError('[dataset] there are no fields: name at least one'));
  });
});

describe('numbers that would spoil training', () => {
  test.each([NaN, Infinity, -Infinity])('are found by field, sample and element: %d', (number) => {
    const data = Float32Array.of(0, 1, 2, 3, number, 5);
    expect(() => requireFinite('x', { data, shape: [3] })).toThrow(
      new RegExp(`^\\[data\\] "x" is ${number} at sample 1, element 1`),
    );
  });
  test('are a DataError', () => {
    expect(() => requireFinite('x', { data: Float32Array.of(NaN), shape: [] })).toThrow(DataError);
  });
  test('are not the largest and smallest of f32', () => {
    const data = Float32Array.of(3.4e38, -3.4e38, 1e-45, -0);
    expect(() => requireFinite('x', { data, shape: [] })).not.toThrow();
  });
});

test.each([
  [Uint8ClampedArray.of(3, 255), 'u8', [3, 255]],
  [Int16Array.of(-7, 300), 'i32', [-7, 300]],
  [Uint16Array.of(7, 60_000), 'i32', [7, 60_000]],
  [Float64Array.of(0.5, -2), 'f32', [0.5, -2]],
])('other typed arrays are kept by the nearest dtype: %o as %s', (data, dtype, numbers) => {
  const { x } = dataset({ x: data }).fields;
  expect(x.dtype).toBe(dtype);
  expect([...x.data]).toEqual(numbers);
});
