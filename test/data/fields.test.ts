// The same samples with other fields: pick, map.

import { describe, expect, test } from 'vitest';
import { DataError, ShapeError } from '../../src/core/errors.ts';
import { dataset, map, pick, type Dataset, type MappedField } from '../../src/data/index.ts';

const set = dataset({
  image: { data: Uint8Array.of(200, 9, 9, 9, 1, 2, 3, 4), shape: [2, 2] },
  weight: [0.5, 2],
  label: Uint8Array.of(0, 1),
});

describe('pick', () => {
  test('leaves the fields that were named, in their order, and shares them', () => {
    const { length, fields } = pick(set, ['label', 'image']);
    expect(length).toBe(2);
    expect(Object.keys(fields)).toEqual(['label', 'image']);
    expect(fields['image']).toBe(set.fields['image']);
  });
  test('takes a name alone', () => expect(Object.keys(pick(set, 'label').fields)).toEqual(['label']));
  test.each([
    ['imag', '[pick] there is no field "imag", the nearest is "image": it has image, weight, label'],
    [['label', 'x'], '[pick] there is no field "x", the nearest is '],
    [[], '[pick] the fields is an array of 0 but must be at least one name'],
    [undefined, "[pick] the fields is nothing but must be a field's name, or a list of names"],
    [[3], '[pick] the fields is an array of 1 but'],
  ])('refuses %j', (names, text) => {
    expect(() => pick(set as Dataset, names as string[])).toThrow(DataError);
    expect(() => pick(set as Dataset, names as string[])).toThrow(text);
  });
});

describe('map', () => {
  test('makes a set of what a function makes of each sample', () => {
    const { length, fields } = map(set, ({ weight, label }, index) => ({
      double: [2 * weight[0], index],
      half: weight[0] / 2,
      label,
    }));
    expect(length).toBe(2);
    expect(fields['double']).toMatchObject({ dtype: 'f32', shape: [2], data: Float32Array.of(1, 0, 4, 1) });
    expect(fields['half']).toMatchObject({ dtype: 'f32', shape: [], data: Float32Array.of(0.25, 1) });
    expect(fields['label']).toEqual(set.fields['label']);
  });
  test('keeps shape, dtype and scale where nothing says otherwise', () => {
    const { image } = map(set, ({ image: pixels }) => ({ image: Array.from(pixels, (byte) => byte >> 1) })).fields;
    expect(image).toEqual({ ...set.fields['image'], data: Uint8Array.of(100, 4, 4, 4, 0, 1, 1, 2) });
  });
  test('takes another dtype from a typed array, and another shape from `shape`', () => {
    const { image } = map(set, ({ image: pixels }) => {
      return { image: { data: Float32Array.from(pixels.subarray(0, 2)), shape: [1, 2] } };
    }).fields;
    expect(image).toEqual({ data: Float32Array.of(200, 9, 1, 2), shape: [1, 2], dtype: 'f32', scale: null });
  });
  test('hands out arrays that are not the set’s own', () => {
    map(set, ({ label }) => ({ label: label.fill(7) }));
    expect(set.fields['label'].data).toEqual(Uint8Array.of(0, 1));
  });
  test.each<[string, (sample: object, index: number) => unknown, string]>([
    ['no function', undefined as never, '[map] what is to be done is nothing but must be a function'],
    ['nothing', () => undefined, '[map] sample 0 is nothing but must be an object of numbers by field'],
    ['a number', () => 3, '[map] sample 0 is 3 but'],
    ['a promise', async () => ({ x: 1 }), '[map] sample 0 is a promise, which is to be awaited but'],
    ['a text', () => ({ x: 'a' }), '[map] field "x" holds no plain numbers'],
    ['a fraction for bytes', () => ({ label: 0.5 }), '[map] "label"[0] is 0.5, but u8 holds'],
    ['other sizes', (_, at) => ({ x: at ? [1] : [1, 2] }), '[map] field "x" has 1 numbers in sample 1 but 2'],
    ['other fields', (_, at) => (at ? { y: 1, x: 1 } : { x: 1 }), '"y" has 1 numbers in sample 1 but no in the first'],
    ['fewer fields', (_, at) => (at ? { x: 1 } : { x: 1, y: 1 }), '"y" has no numbers in sample 1 but 1 in the first'],
  ])('refuses a function that gives %s', (_, f, text) => {
    expect(() => map(set, f as () => Record<string, MappedField>)).toThrow(text);
  });
  test('tells a form that varies as a ShapeError', () => {
    expect(() => map(set, (_, at) => ({ x: at ? [1] : [1, 2] }))).toThrow(ShapeError);
  });
});

test.each([
  ['pick', () => pick({ a: [1] } as never, 'a')],
  ['map', () => map(undefined as never, (sample) => sample)],
])('%s takes data sets alone', (name, call) => {
  expect(call).toThrow(new RegExp(`^\\[${name}\\] the set is .* but must be a data set`));
});
