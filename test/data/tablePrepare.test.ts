import { describe, expect, test } from 'vitest';
import { DataError, FormatError } from '../../src/core/errors.ts';
import {
  prepareTable,
  readTable,
  type Dataset,
  type PreparedTable,
  type PrepareOptions,
  type Table,
} from '../../src/data/index.ts';

/** A table of so many rows, each cell by its row. */
function textOf(rows: number, columns: Readonly<Record<string, (row: number) => string | number>>): string {
  const cells = Array.from({ length: rows }, (_, row) => Object.values(columns).map((cell) => cell(row)));
  return [Object.keys(columns), ...cells].map((line) => line.join(',')).join('\n');
}

const tableOf = (rows: number, columns: Parameters<typeof textOf>[1]): Promise<Table> =>
  readTable('some.csv', textOf(rows, columns));

const prepared = async (
  rows: number,
  columns: Parameters<typeof textOf>[1],
  options?: PrepareOptions,
): Promise<PreparedTable> => prepareTable(await tableOf(rows, columns), options);

const x = (row: number): number => row * row - 7 * row;
const y = (row: number): number => 3.5 * row;
const yesNo = (row: number): string => (row % 3 === 0 ? 'yes' : 'no');

/** Row r of a field, as plain numbers. */
const rowOf = ({ fields }: Dataset, name: string, row: number): number[] => {
  const { data, shape } = fields[name];
  const size = shape[0] ?? 1;
  return [...data.subarray(row * size, (row + 1) * size)];
};

/** Rounding of an f32 in 0 … 10. */
const F32 = 1e-6;

function momentsOf(numbers: readonly number[]): { mean: number; deviation: number } {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return {
    mean,
    deviation: Math.sqrt(numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length),
  };
}

describe('a column', () => {
  test('of numbers is seen with mean 0 and deviation 1 over the training part', async () => {
    const { train } = await prepared(50, { x, y });
    const { mean, deviation } = momentsOf([...train.fields['features'].data]);
    expect(Math.abs(mean)).toBeLessThan(F32);
    expect(Math.abs(deviation - 1)).toBeLessThan(F32);
  });
  test('of numbers is seen by the training part’s mean and deviation in the other part', async () => {
    const { test: held, lines, form } = await prepared(50, { x, y });
    const { mean, deviation } = momentsOf(lines.train.map((line) => x(line - 2)));
    expect(form.features).toEqual([{ kind: 'number', name: 'x', mean, deviation }]);
    lines.test.forEach((line, row) => {
      expect(rowOf(held, 'features', row)[0]).toBeCloseTo((x(line - 2) - mean) / deviation, 5);
    });
  });
  test('of texts is seen as a 1 among zeros', async () => {
    const { train, lines, form } = await prepared(30, { colour: (row) => ['red', 'blue', 'green'][row % 3], y });
    expect(form.features).toEqual([{ kind: 'category', name: 'colour', categories: ['blue', 'green', 'red'] }]);
    const seen = { red: [0, 0, 1], blue: [1, 0, 0], green: [0, 1, 0] };
    lines.train.forEach((line, row) =>
      expect(rowOf(train, 'features', row)).toEqual(Object.values(seen)[(line - 2) % 3]),
    );
  });
  test('of numbers without some is filled with the training mean, and a note says so', async () => {
    const { train, lines, notes } = await prepared(50, { x: (row) => (row % 7 === 0 ? 'NA' : x(row)), y });
    lines.train.forEach((line, row) => {
      if ((line - 2) % 7 === 0) expect(rowOf(train, 'features', row)).toEqual([0]);
    });
    expect(notes).toEqual([expect.stringMatching(/^Filled 8 missing cells of "x" with the training mean, [\d.]+\.$/)]);
  });
  test.each(['', '?', 'NA', 'NaN', 'nan', 'null', 'N/A', '-', 'None'])(
    'of numbers takes %j as missing',
    async (mark) => {
      const { form } = await prepared(50, { x: (row) => (row === 9 ? mark : x(row)), y });
      expect(form.features[0].kind).toBe('number');
    },
  );
  test('of texts without some has a category for them, and a note says so', async () => {
    const { form, notes } = await prepared(50, { sure: (row) => (row % 5 === 0 ? '?' : yesNo(row)), y });
    expect(form.features).toEqual([{ kind: 'category', name: 'sure', categories: ['(missing)', 'no', 'yes'] }]);
    expect(notes).toEqual(['Kept 10 missing cells of "sure" as a category of their own.']);
  });
  test('of numbers but for one text is refused, with line, column and cell', async () => {
    const table = await tableOf(50, { x: (row) => (row === 9 ? 'ten' : x(row)), y });
    expect(() => prepareTable(table)).toThrow(
      new FormatError(
        '[table] some.csv: line 11 has "ten" in column "x", which holds numbers: mend the cell, empty it, or drop the column',
      ),
    );
  });
  test('of numbers below a header that was taken for a row is refused, and the header is thought of', async () => {
    const table = await readTable('some.csv', textOf(50, { x, '1990.0': y }));
    expect(() => prepareTable(table)).toThrow(
      'line 1 has "x" in column "column 1", which holds numbers: mend the cell, empty it, say that this line is a header, or',
    );
  });
  test('with a number beyond f32 is refused', async () => {
    const table = await tableOf(50, { x: (row) => (row === 9 ? '1e39' : x(row)), y });
    expect(() => prepareTable(table)).toThrow('line 11 has "1e39"');
  });
  test('of numbers and texts by turns holds texts', async () => {
    const { form } = await prepared(50, { x: (row) => ['1', '2', 'many'][row % 3], y });
    expect(form.features).toEqual([{ kind: 'category', name: 'x', categories: ['1', '2', 'many'] }]);
  });
});

describe('a column is dropped, and a note says why:', () => {
  test.each([
    ['one that is empty', () => '', 'every cell is missing'],
    ['one number everywhere', () => 0.1, 'it is 0.1 in every training row'],
    ['one text everywhere', () => 'a', 'it is a in every training row'],
    ['names', (row: number) => `name ${row}`, 'all its 100 texts differ, as "name 0", as names and dates do'],
    [
      'too many categories',
      (row: number) => `town ${row % 30}`,
      '30 different texts in 100 rows, as "town 0", are too many for categories',
    ],
  ])('%s', async (_, column, why) => {
    const { form, notes } = await prepared(100, { column, x, y });
    expect(form.features.map(({ name }) => name)).toEqual(['x']);
    expect(notes).toEqual([`Dropped "column": ${why}.`]);
  });
  test('a running number', async () => {
    const { form, notes } = await prepared(50, { PassengerId: (row) => row + 1, x, y });
    expect(form.features.map(({ name }) => name)).toEqual(['x']);
    expect(notes).toEqual(['Dropped "PassengerId": it only counts the rows.']);
  });
  test('but not a running number that is named a quantity', async () => {
    const { form } = await prepared(50, { day: (row) => row + 1, x, y });
    expect(form.features.map(({ name }) => name)).toEqual(['day', 'x']);
  });
  test('but not a running number from which alone the target can be told', async () => {
    expect((await prepared(50, { id: (row) => row + 1, y })).notes).toEqual([]);
  });
  test('and many categories are not too many where each has rows enough', async () => {
    const { form } = await prepared(600, { town: (row) => `town ${row % 30}`, y });
    expect(form.features[0]).toMatchObject({ kind: 'category', categories: { length: 30 } });
  });
  test('one that is named, without a note', async () => {
    const { form, notes } = await prepared(50, { x, z: (row) => row % 7, y }, { drop: ['z'] });
    expect([form.features.map(({ name }) => name), notes]).toEqual([['x'], []]);
  });
});

describe('the target is', () => {
  const targetName = async (options: PrepareOptions): Promise<string> =>
    (await prepared(50, { a: x, b: (row) => row % 7, c: y }, options)).form.target.name;

  test('the last column', async () => expect(await targetName({})).toBe('c'));
  test('the column that is named', async () => expect(await targetName({ target: 'b' })).toBe('b'));
  test.each([
    [1, 'a'],
    [-2, 'b'],
    ['3', 'c'],
  ])('the column of the number %j', async (target, name) => expect(await targetName({ target })).toBe(name));
  test('the last column that is not empty', async () =>
    expect((await prepared(50, { x, y, '': () => '' })).form.target.name).toBe('y'));
  test.each(['d', 0, 4, -4, 1.5])('not a column %j that the table does not have', async (target) => {
    await expect(targetName({ target })).rejects.toThrow(
      new DataError(`[table] some.csv has no column "${target}": name one of "a", "b", "c", or give its number, 1 … 3`),
    );
  });
});

describe('a target holds classes', () => {
  const classesOf = async (target: (row: number) => string | number, rows = 100): Promise<unknown> => {
    const { form } = await prepared(rows, { x, target });
    return form.target.kind === 'class' ? form.target.classes : form.target.kind;
  };
  test.each([
    ['of texts', yesNo, ['no', 'yes']],
    ['from 0', (row: number) => row % 10, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']],
    ['from 1, with a gap', (row: number) => [1, 2, 4][row % 3], ['1', '2', '4']],
    ['of two values', (row: number) => (row % 2 === 0 ? 1 : -1), ['-1', '1']],
    ['of one number written in two ways', (row: number) => ['1', '1.0', '2'][row % 3], ['1', '2']],
    ['of numbers and texts', (row: number) => ['10', '9', 'b', 'a'][row % 4], ['9', '10', 'a', 'b']],
  ])('%s, sorted by name or number', async (_, target, classes) => expect(await classesOf(target)).toEqual(classes));
  test.each([
    ['from 3', (row: number) => 3 + (row % 5)],
    ['below 0', (row: number) => (row % 3) - 1],
    ['of eleven values', (row: number) => row % 11],
    ['with halves', (row: number) => (row % 3) / 2],
    ['with fewer than five rows each', (row: number) => row % 10, 49],
  ])('unless it is numbers %s', async (_, target, rows = 100) => expect(await classesOf(target, rows)).toBe('number'));
  test('if the task is classification', async () => {
    const { form } = await prepared(50, { x, target: (row) => 3 + (row % 5) }, { task: 'classification' });
    expect(form.target).toEqual({ kind: 'class', name: 'target', classes: ['3', '4', '5', '6', '7'] });
  });
  test('unless the task is regression', async () => {
    const { form } = await prepared(50, { x, target: (row) => row % 3 }, { task: 'regression' });
    expect(form.target.kind).toBe('number');
  });
  test('and labels are their places among them', async () => {
    const { train, lines } = await prepared(50, { x, target: yesNo });
    expect(train.fields['label'].dtype).toBe('u8');
    expect([...train.fields['label'].data]).toEqual(lines.train.map((line) => (yesNo(line - 2) === 'yes' ? 1 : 0)));
  });
  test('and labels are i32 beyond 256 of them', async () => {
    const { train } = await prepared(1000, { x, target: (row) => `class ${row % 300}` });
    expect(train.fields['label'].dtype).toBe('i32');
  });
});

test('a numeric target is seen standardised, by the training part', async () => {
  const { train, test: held, lines, form } = await prepared(50, { x, y });
  const { mean, deviation } = momentsOf(lines.train.map((line) => y(line - 2)));
  expect(form.target).toEqual({ kind: 'number', name: 'y', mean, deviation });
  for (const [part, of] of [
    [train, lines.train],
    [held, lines.test],
  ] as const) {
    of.forEach((line, row) => {
      expect(rowOf(part, 'target', row)[0] * deviation + mean).toBeCloseTo(y(line - 2), 4);
    });
  }
});

describe('rows without a target', () => {
  const columns = { x, target: (row: number) => (row % 10 === 4 ? 'n/a' : yesNo(row)) };

  test('are left out', async () => {
    const { lines, train, test: held } = await prepared(50, columns);
    expect([...lines.train, ...lines.test].filter((line) => (line - 2) % 10 === 4)).toEqual([]);
    expect(train.length + held.length).toBe(45);
  });
  test('are counted in a note', async () => {
    expect((await prepared(50, columns)).notes).toEqual([
      'Left out 5 rows without the target "target", the first on line 6.',
    ]);
  });
});

describe('the held-out part', () => {
  test('is a fifth of the rows, of every class', async () => {
    const { train, test: held } = await prepared(150, { x, target: (row) => (row < 30 ? 'rare' : 'common') });
    const counts = (part: Dataset): number[] =>
      [0, 1].map((label) => part.fields['label'].data.filter((other) => other === label).length);
    expect([counts(train), counts(held)]).toEqual([
      [96, 24],
      [24, 6],
    ]);
  });
  test('is the share that is asked for', async () => {
    expect((await prepared(100, { x, y }, { heldOut: 0.5 })).test.length).toBe(50);
  });
  test('is other rows under another seed, and the same under the same', async () => {
    const held = async (seed: number): Promise<readonly number[]> =>
      (await prepared(50, { x, y }, { seed })).lines.test;
    expect(await held(1)).toEqual(await held(1));
    expect(await held(1)).not.toEqual(await held(2));
  });
  test.each([0, 1, -0.2, NaN])('is not a share of %d', async (heldOut) => {
    await expect(prepared(50, { x, y }, { heldOut })).rejects.toThrow(
      `[table] the share of rows to hold out is ${heldOut} but must lie between 0 and 1`,
    );
  });
  test('changes nothing of how the training part is seen, whatever it holds', async () => {
    const columns = { x, colour: (row: number) => ['red', 'blue'][row % 2], y };
    const clean = await prepared(50, columns);
    const poisoned =
      (cell: (row: number) => string | number, poison: string | number) =>
      (row: number): string | number =>
        clean.lines.test.includes(row + 2) ? poison : cell(row);
    const other = await prepared(50, {
      x: poisoned(x, 1e30),
      colour: poisoned(columns.colour, 'black'),
      y: poisoned(y, -1e30),
    });
    expect(other.lines).toEqual(clean.lines);
    expect(other.form).toEqual(clean.form);
    expect(other.train).toEqual(clean.train);
  });
  test('has its unknown categories noted, and seen as none', async () => {
    const clean = await prepared(50, { colour: (row) => ['red', 'blue'][row % 2], y });
    const [line] = clean.lines.test;
    const other = await prepared(50, { colour: (row) => (row + 2 === line ? 'black' : ['red', 'blue'][row % 2]), y });
    expect(rowOf(other.test, 'features', 0)).toEqual([0, 0]);
    expect(other.notes).toEqual([
      `1 cell of "colour" in no category of the training rows, the first "black" on line ${line}: they count as none.`,
    ]);
  });
});

describe('prepareTable refuses', () => {
  test.each([
    ['a table of one column', { y }, {}, 'some.csv has one column only, "y": it needs one to learn from'],
    ['a target that is always the same', { x, y: () => 3 }, {}, 'the target "y" is 3 in every row'],
    ['a target that is empty', { x: () => '', y }, { target: 'x' }, 'the target "x" is empty'],
    [
      'a target of names',
      { x, y: (row: number) => `name ${row}` },
      {},
      '50 different values in 50 rows, too many to be',
    ],
    ['a regression of texts', { x, y: yesNo }, { task: 'regression' }, 'the target "y" is text, as "yes"'],
    [
      'a table of names alone',
      { name: (row: number) => `name ${row}`, y },
      {},
      'no column is left from which "y" could',
    ],
    ['to drop a column that is not there', { x, y }, { drop: ['z'] }, 'some.csv has no column "z"'],
    ['to drop all columns', { x, y }, { drop: [1] }, 'no column is left from which "y" could be told: name'],
  ] as const)('%s', async (_, columns, options, message) => {
    const promise = prepared(50, columns, options);
    await expect(promise).rejects.toThrow(`[table] some.csv`);
    await expect(promise).rejects.toThrow(message);
    await expect(promise).rejects.toBeInstanceOf(DataError);
  });
});
