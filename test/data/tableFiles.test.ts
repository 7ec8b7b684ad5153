import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeTable, prepareTable, readTable, type PrepareOptions, type Table } from '../../src/data/index.ts';

const root = process.env['MILLRACE_DATA'];

const open = async (file: string): Promise<Table> => readTable(file, await readFile(join(root!, 'tiny', file)));

const species = ['Adelie', 'Chinstrap', 'Gentoo'];
const irises = ['Iris-setosa', 'Iris-versicolor', 'Iris-virginica'];
const shores = ['<1H OCEAN', 'INLAND', 'ISLAND', 'NEAR BAY', 'NEAR OCEAN'];

interface Expected {
  readonly rows: number;
  /** Columns of numbers. */
  readonly numbers: number;
  readonly categories?: readonly (readonly string[])[];
  readonly target: readonly string[] | 'number';
  readonly notes?: readonly unknown[];
}

const tables: [string, PrepareOptions, Expected][] = [
  ['iris.csv', {}, { rows: 150, numbers: 4, target: irises }],
  ['wine.csv', {}, { rows: 178, numbers: 13, target: ['1', '2', '3'] }],
  ['boston-housing.csv', {}, { rows: 506, numbers: 13, target: 'number' }],
  ['winequality-red.csv', {}, { rows: 1599, numbers: 11, target: 'number' }],
  [
    'winequality-red.csv',
    { task: 'classification' },
    { rows: 1599, numbers: 11, target: ['3', '4', '5', '6', '7', '8'] },
  ],
  ['sonar.csv', {}, { rows: 208, numbers: 60, target: ['M', 'R'] }],
  ['wheat-seeds.csv', {}, { rows: 210, numbers: 7, target: ['1', '2', '3'] }],
  ['banknote_authentication.csv', {}, { rows: 1372, numbers: 4, target: ['0', '1'] }],
  ['pima-indians-diabetes.csv', {}, { rows: 768, numbers: 8, target: ['0', '1'] }],
  ['abalone.csv', {}, { rows: 4177, numbers: 7, categories: [['F', 'I', 'M']], target: 'number' }],
  ['abalone.csv', { target: 1 }, { rows: 4177, numbers: 8, target: ['F', 'I', 'M'] }],
  [
    'california-housing.csv.gz',
    { target: 'median_house_value' },
    {
      rows: 20_640,
      numbers: 8,
      categories: [shores],
      target: 'number',
      notes: [expect.stringMatching(/^Filled 207 missing cells of "total_bedrooms" with the training mean, 5\d\d/)],
    },
  ],
  [
    'california-housing.csv.gz',
    {},
    { rows: 20_640, numbers: 9, target: shores, notes: [expect.stringContaining('Filled 207 missing cells')] },
  ],
  [
    'penguins.csv',
    { target: 'species' },
    {
      rows: 344,
      numbers: 4,
      categories: [
        ['Biscoe', 'Dream', 'Torgersen'],
        ['(missing)', 'FEMALE', 'MALE'],
      ],
      target: species,
      notes: [
        ...['bill_length_mm', 'bill_depth_mm', 'flipper_length_mm', 'body_mass_g'].map((name) =>
          expect.stringContaining(`Filled 2 missing cells of "${name}" with the training mean`),
        ),
        'Kept 11 missing cells of "sex" as a category of their own.',
      ],
    },
  ],
  [
    'penguins.csv',
    {},
    {
      rows: 333,
      numbers: 4,
      categories: [species, ['Biscoe', 'Dream', 'Torgersen']],
      target: ['FEMALE', 'MALE'],
      notes: ['Left out 11 rows without the target "sex", the first on line 5.'],
    },
  ],
];

describe.runIf(root).each(tables)(
  '%s with %j',
  (file, options, { rows, numbers, categories = [], target, notes = [] }) => {
    test('has the columns, classes, rows and notes that are known of it', async () => {
      const { form, train, test: held, notes: said } = prepareTable(await open(file), { ...options, seed: 1 });
      expect(form.features.filter(({ kind }) => kind === 'number')).toHaveLength(numbers);
      expect(form.features.flatMap((column) => (column.kind === 'category' ? [column.categories] : []))).toEqual(
        categories,
      );
      expect(form.target.kind === 'class' ? form.target.classes : form.target.kind).toEqual(target);
      expect(train.length + held.length).toBe(rows);
      expect(held.length).toBe(Math.round(rows / 5));
      expect(said).toEqual(notes);
    });
    test('is seen alike as training data and as further rows', async () => {
      const table = await open(file);
      const { form, test: held, lines } = prepareTable(table, { ...options, seed: 1 });
      const chosen = new Set(lines.test);
      const { data } = encodeTable(form, { ...table, rows: table.rows.filter(({ line }) => chosen.has(line)) });
      expect(data).toEqual(held);
    });
  },
);

describe.runIf(root)('the airline passengers', () => {
  test('are a table of 144 months', async () => {
    const { columns, rows } = await open('monthly-airline-passengers.csv');
    expect([columns, rows.length, rows[143].cells]).toEqual([['Month', 'Passengers'], 144, ['1960-12', '432']]);
  });
  test('cannot be told by months that are texts, each another', async () => {
    const table = await open('monthly-airline-passengers.csv');
    expect(() => prepareTable(table)).toThrow(
      'no column is left from which "Passengers" could be told (Dropped "Month": all its 144 texts differ, as "1949-01"',
    );
  });
});

test.runIf(root)('every row of iris is found on the line that is kept for it', async () => {
  const table = await open('iris.csv');
  const { lines, test: held, form } = prepareTable(table);
  const classes = form.target.kind === 'class' ? form.target.classes : [];
  const text = (await readFile(join(root!, 'tiny', 'iris.csv'), 'utf8')).split(/\r?\n/);
  lines.test.forEach((line, row) => {
    expect(text[line - 1].split(',')[4]).toBe(classes[held.fields['label'].data[row]]);
  });
});
