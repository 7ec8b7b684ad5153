import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import {
  answersOf,
  encodeTable,
  featureCount,
  outputCount,
  prepareTable,
  readTable,
  readTableForm,
  type EncodedTable,
  type TableForm,
} from '../../src/data/index.ts';

const form: TableForm = {
  header: true,
  columns: ['id', 'x', 'kind', 'colour'],
  features: [
    { kind: 'number', name: 'x', mean: 10, deviation: 2 },
    { kind: 'category', name: 'colour', categories: ['(missing)', 'blue', 'red'] },
  ],
  target: { kind: 'class', name: 'kind', classes: ['a', 'b'] },
};
const regression: TableForm = { ...form, target: { kind: 'number', name: 'kind', mean: 100, deviation: 10 } };

const encode = async (text: string, by = form): Promise<EncodedTable> =>
  encodeTable(by, await readTable('new.csv', text));
const featuresOf = async (text: string, by = form): Promise<number[]> => [
  ...(await encode(text, by)).data.fields['features'].data,
];

test('rows are seen by the form’s means, deviations and categories', async () => {
  const { data, notes } = await encode('id,x,kind,colour\n1,14,b,red\n2,8,a,blue\n');
  expect(data.fields['features']).toMatchObject({ shape: [4], data: Float32Array.of(2, 0, 0, 1, -1, 0, 1, 0) });
  expect(data.fields['label'].data).toEqual(Uint8Array.of(1, 0));
  expect(notes).toEqual([]);
});
test('a numeric target is seen standardised', async () => {
  const { data } = await encode('id,x,kind,colour\n1,14,120,red\n', regression);
  expect(data.fields['target'].data).toEqual(Float32Array.of(2));
});

describe('columns are found', () => {
  const expected = [2, 0, 0, 1, -1, 0, 1, 0];

  test('by name, in any order, among others', async () =>
    expect(await featuresOf('colour,other,x\nred,5,14\nblue,6,8\n')).toEqual(expected));
  test('by place, where the new file has no header', async () =>
    expect(await featuresOf('1,14,b,red\n2,8,a,blue\n')).toEqual(expected));
  test('by place without the target, where the new file has no header', async () =>
    expect(await featuresOf('1,14,red\n2,8,blue\n')).toEqual(expected));
  test('by place, where the form has no header', async () =>
    expect(await featuresOf('p,q,r,s\n1,14,b,red\n2,8,a,blue\n', { ...form, header: false })).toEqual(expected));
});

describe('the field of the target is left out', () => {
  const fieldsOf = async (text: string, by = form): Promise<string[]> =>
    Object.keys((await encode(text, by)).data.fields);

  test('where there is no such column', async () => expect(await fieldsOf('x,colour\n14,red\n')).toEqual(['features']));
  test.each([
    ['c', 'a class that is not known'],
    ['', 'no class'],
  ])('where a cell has %j, %s, and a note says so', async (cell) => {
    const { data, notes } = await encode(`x,colour,kind\n14,red,a\n8,red,${cell}\n`);
    expect(Object.keys(data.fields)).toEqual(['features']);
    expect(notes).toEqual([`1 row without a known "kind", the first "${cell}" on line 3: so no row is judged.`]);
  });
  test('where a number is missing', async () =>
    expect(await fieldsOf('x,colour,kind\n14,red,5\n8,red,\n', regression)).toEqual(['features']));
});

describe('cells that the form does not expect:', () => {
  test('a missing number becomes the mean, and a note says so', async () => {
    const { data, notes } = await encode('x,colour\n?,red\n8,blue\n');
    expect(data.fields['features'].data[0]).toBe(0);
    expect(notes).toEqual(['Filled 1 missing cell of "x" with the training mean, 10.']);
  });
  test('a missing text is its own category', async () =>
    expect(await featuresOf('x,colour\n10,\n10,red\n')).toEqual([0, 1, 0, 0, 0, 0, 0, 1]));
  test('a missing text counts as none where training had no such category', async () => {
    const by: TableForm = { ...form, features: [{ kind: 'category', name: 'colour', categories: ['blue', 'red'] }] };
    expect(await featuresOf('x,colour\n10,\n10,red\n', by)).toEqual([0, 0, 0, 1]);
  });
  test('an unknown category counts as none, and a note says so', async () => {
    const { data, notes } = await encode('x,colour\n10,black\n10,white\n');
    expect([...data.fields['features'].data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(notes).toEqual([
      '2 cells of "colour" in no category of the training rows, the first "black" on line 2: they count as none.',
    ]);
  });
});

describe('encodeTable refuses', () => {
  test.each([
    [
      'a table without some columns',
      'id,colours\n1,red\n',
      'has no column "x", "colour": it needs "x", "colour", but has "id", "colours"',
    ],
    ['a text among numbers', 'x,colour\n1,red\nmany,red\n', 'line 3 has "many" in column "x", which holds numbers'],
    [
      'another number of columns',
      '1,2\n',
      'has 2 columns, but the model was trained on 4, of which "kind" may be left out',
    ],
  ])('%s', async (_, text, message) => {
    await expect(encode(text)).rejects.toThrow(`[table] new.csv`);
    await expect(encode(text)).rejects.toThrow(message);
    await expect(encode(text)).rejects.toBeInstanceOf(FormatError);
  });
});

describe('a form', () => {
  test('tells how many numbers go into a model and come out', () => {
    expect([form, regression].map((by) => [featureCount(by), outputCount(by)])).toEqual([
      [4, 2],
      [4, 1],
    ]);
  });
  test('turns logits into the likeliest class', () => {
    expect(answersOf(form, Float32Array.of(1, 2, 5, -1, 0, 0))).toEqual(['b', 'a', 'a']);
  });
  test('turns numbers into the target’s own unit', () => {
    expect(answersOf(regression, Float32Array.of(0, -1.5))).toEqual([100, 85]);
  });
  test.each([form, regression])('comes back from JSON as it went', (by) => {
    expect(readTableForm(JSON.parse(JSON.stringify(by)))).toEqual(by);
  });
  test('that came from JSON sees rows as prepareTable saw them', async () => {
    const text = Array.from({ length: 40 }, (_, row) => `${row * row},${['red', 'blue'][row % 2]},${row % 3}`).join(
      '\n',
    );
    const table = await readTable('old.csv', text);
    const prepared = prepareTable(table);
    const { data } = encodeTable(readTableForm(JSON.parse(JSON.stringify(prepared.form))), table);
    const { features, label } = data.fields;
    prepared.lines.test.forEach((line, row) => {
      const cut = (part: ArrayLike<number>, at: number): number[] => Array.from(part).slice(3 * at, 3 * at + 3);
      expect(cut(prepared.test.fields['features'].data, row)).toEqual(cut(features.data, line - 1));
      expect(prepared.test.fields['label'].data[row]).toBe(label.data[line - 1]);
    });
  });
  test.each([
    ['nothing', null, 'a form with names and values'],
    ['no header', { ...form, header: 1 }, 'header, true or false'],
    ['no columns', { ...form, columns: 'x' }, 'columns, a list of names'],
    ['no features', { ...form, features: [] }, 'features, a list of columns'],
    ['a feature without a kind', { ...form, features: [{ name: 'x' }] }, 'the kind of "x", number or category'],
    [
      'a mean that JSON made null',
      { ...form, features: [{ ...form.features[0], mean: null }] },
      'mean and deviation of "x"',
    ],
    ['a deviation of 0', { ...form, features: [{ ...form.features[0], deviation: 0 }] }, 'mean and deviation of "x"'],
    [
      'categories that are no texts',
      { ...form, features: [{ ...form.features[1], categories: [1] }] },
      'the categories of "colour"',
    ],
    ['no target', { ...form, target: undefined }, 'a column with names and values'],
    ['no classes', { ...form, target: { kind: 'class', name: 'kind' } }, 'the classes of "kind"'],
    ['a target of another kind', { ...form, target: { ...form.features[1] } }, 'the kind of "colour", number or class'],
    ['a column that the table lacks', { ...form, columns: ['x', 'kind'] }, '"colour" among its columns'],
  ])('with %s is refused', (_, given, message) => {
    expect(() => readTableForm(given)).toThrow(
      new FormatError(`[table] the description of a table lacks ${message}: prepare the table and train again`),
    );
  });
});
