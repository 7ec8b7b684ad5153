// Other samples with the same fields: take, rows, concat.

import { describe, expect, test } from 'vitest';
import { DataError, ShapeError } from '../../src/core/errors.ts';
import { concat, dataset, rows, take, type Dataset } from '../../src/data/index.ts';

const set = dataset({
  x: { data: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), shape: [2] },
  label: Uint8Array.of(0, 1, 2, 3),
});
const shape = [2, 2];
/** Two pictures, the second of which is as dark as a board. */
const pictures = dataset({ image: { data: Uint8Array.of(200, 9, 9, 9, 1, 2, 3, 4), shape } });

describe('take', () => {
  test('cuts every field alike', () => {
    const { x, label } = take(set, 1, 3).fields;
    expect([x.data, label.data]).toEqual([Float32Array.of(2, 3, 4, 5), Uint8Array.of(1, 2)]);
  });
  test('has the length of what it cut', () => expect(take(set, 1, 3).length).toBe(2));
  test('goes to the end where no end is given', () =>
    expect(take(set, 3).fields['label'].data).toEqual(Uint8Array.of(3)));
  test('stops at the end of the set', () => expect(take(set, 2, 100).length).toBe(2));
  test('shares the memory of the set', () =>
    expect(take(set, 1).fields['x'].data.buffer).toBe(set.fields['x'].data.buffer));
  test('refuses to select nothing', () => {
    expect(() => take(set, 4)).toThrow(
      new DataError('[take] 4 … 4 selects none of 4 samples: give a start below 4 and an end above it'),
    );
  });
  test.each([
    [-3, 4, '[take] start is -3 but must be a whole number from 0 on'],
    [0.5, 4, '[take] start is 0.5 but'],
    [NaN, 4, '[take] start is NaN but'],
    ['1', 4, '[take] start is the text "1" but'],
    [0, null, '[take] end is null but must be a whole number'],
    [0, 1.5, '[take] end is 1.5 but'],
  ])('refuses %s … %s', (start, end, text) => {
    expect(() => take(set, start as number, end as number)).toThrow(text);
  });
});

describe('rows', () => {
  test('are the samples that were named, in that order, as often as they were', () => {
    const { length, fields } = rows(set, [2, 0, 2]);
    expect(length).toBe(3);
    expect(fields['x'].data).toEqual(Float32Array.of(4, 5, 0, 1, 4, 5));
    expect(fields['label'].data).toEqual(Uint8Array.of(2, 0, 2));
  });
  test('are copies', () => expect(rows(set, [0]).fields['x'].data.buffer).not.toBe(set.fields['x'].data.buffer));
  test('may be named by a typed array', () => expect(rows(set, Uint32Array.of(3)).length).toBe(1));
  test.each([
    [[0, 4], '[rows] indices[1] is 4 but must be a whole number from 0 to 3'],
    [[-1], '[rows] indices[0] is -1 but'],
    [[0.5], '[rows] indices[0] is 0.5 but'],
    [['1'], '[rows] indices[0] is the text "1" but'],
    [[], '[rows] the list is an array of 0 but must be an array of at least one sample number'],
    [3, '[rows] the list is 3 but'],
    [null, '[rows] the list is null but'],
    [undefined, '[rows] the list is nothing but'],
  ])('%j are refused', (indices, text) => {
    expect(() => rows(set, indices as number[])).toThrow(text);
  });
});

describe('concat', () => {
  test('puts samples one behind the other', () => {
    const { length, fields } = concat(take(set, 2), set, take(set, 0, 1));
    expect(length).toBe(7);
    expect(fields['label'].data).toEqual(Uint8Array.of(2, 3, 0, 1, 2, 3, 0));
    expect(fields['x'].data.subarray(0, 6)).toEqual(Float32Array.of(4, 5, 6, 7, 0, 1));
  });
  test('of the parts of a set is the set', () => {
    expect(concat(take(pictures, 0, 1), take(pictures, 1))).toEqual(pictures);
  });
  test('sees bytes of which nobody said how as one set of all samples would', () => {
    const of = (...data: number[]): Dataset => dataset({ image: { data: Uint8Array.from(data), shape } });
    for (const [a, b] of [
      [
        [1, 2, 3, 4],
        [200, 0, 0, 0],
      ],
      [
        [0, 0, 0, 0],
        [1, 2, 3, 4],
      ],
      [
        [0, 0, 0, 0],
        [200, 0, 0, 0],
      ],
    ]) {
      expect(concat(of(...a), of(...b)).fields['image']).toEqual(of(...a, ...b).fields['image']);
    }
  });
  test('sees bytes as somebody said, where others left it open', () => {
    const asked = dataset({ image: { data: new Uint8Array(4), shape, scale: 0.5 } });
    for (const both of [concat(asked, pictures), concat(pictures, asked)]) {
      expect(both.fields['image']).toMatchObject({ scale: { scale: 0.5, offset: 0 } });
      expect(both.fields['image'].byDefault).toBeUndefined();
    }
  });
  const label = Uint8Array.of(1);
  test.each([
    [{ label: [1] }, '[concat] field "label" is u8[] in the first set but f32[] in set 2'],
    [{ label: { data: Uint8Array.of(1, 2), shape: [2] } }, 'is u8[] in the first set but u8[2] in set 2'],
    [{ label: { data: label, scale: 2 } }, 'is u8[] in the first set but u8[], scaled by 2 + 0 in set 2'],
    [{ target: label }, 'field "label" is u8[] in the first set but missing in set 2'],
    [{ label, weight: label }, 'field "weight" is missing in the first set but u8[] in set 2'],
  ])('refuses beside a label %o', (other, text) => {
    expect(() => concat<'label'>(dataset({ label }), dataset(other) as Dataset)).toThrow(ShapeError);
    expect(() => concat<'label'>(dataset({ label }), dataset(other) as Dataset)).toThrow(text);
  });
});

test.each([
  ['take', () => take(null as never, 0)],
  ['rows', () => rows([1, 2] as never, [0])],
  ['concat', () => (concat as () => unknown)()],
  ['concat', () => concat([set, set] as never)],
])('%s takes data sets alone', (name, call) => {
  expect(call).toThrow(DataError);
  expect(call).toThrow(new RegExp(`^\\[${name}\\] the set is .* but must be a data set`));
});

test('a dark part is seen as the whole is', () => {
  const { scale } = pictures.fields['image'];
  const dark = take(pictures, 1);
  for (const part of [dark, rows(pictures, [1, 1]), concat(dark, dark)]) {
    expect(part.fields['image']).toMatchObject({ scale, byDefault: true });
  }
});
