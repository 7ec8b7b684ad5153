import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { encodeTable, prepareTable, readTable, type Table, type TableForm } from '../../src/data/index.ts';

// Whether line 1 names the columns, where its cells are numbers or signs for what is missing.

const random = new Random(21, 'rows below headers');
const whole = (below: number): number => random.word() % below;
const fraction = (): string => random.uniform(0, 9).toFixed(2);

type Cell = string | number;
const lines = (count: number, cells: (at: number) => readonly Cell[]): string[] =>
  Array.from({ length: count }, (_, at) => cells(at).join(','));
const read = (first: string, rows: readonly string[]): Promise<Table> =>
  readTable('f.csv', [first, ...rows].join('\n'));

const classes = ['a', 'b', 'c'];
const counted = (length: number, from = 0): number[] => Array.from({ length }, (_, at) => from + at);

describe('names that are numbers are found:', () => {
  const rows = lines(60, (at) => [at % 7, at % 5, at % 9, classes[at % 3]]);

  test('those of a data frame, whose target is a text', async () => {
    const table = await read('0,1,2,species', rows);
    expect([table.header, table.rows.length]).toEqual([true, 60]);
    expect(prepareTable(table).form.target).toMatchObject({ name: 'species', classes });
    expect(table.notes).toEqual([
      'Took line 1 for the names of the columns, though 0, 1, 2 are numbers: say header no if it is a row.',
    ]);
  });
  test('those of a data frame of numbers, though a row is the same', async () =>
    expect(
      (
        await read(
          '0,1,2,3',
          rows.map((row) => row.replace(/[abc]/, '3')),
        )
      ).rows,
    ).toHaveLength(60));

  const found: [string, string, (at: number) => readonly Cell[]][] = [
    [
      '784 pixels and a label',
      counted(785).join(),
      () => counted(785).map((at) => (at === 784 ? whole(10) : whole(256))),
    ],
    ['an index without a name', ',0,1', (at) => [at, fraction(), whole(2)]],
    ['years behind a text', 'country,2019,2020,2021', (at) => [`land ${at}`, whole(99), whole(99), whole(99)]],
    ['years that fall', 'country,2021,2020,2019', (at) => [`land ${at}`, whole(99), whole(99), whole(99)]],
    ['years with gaps', '1990,2000,2005,2010', () => [whole(99), whole(99), whole(99), whole(99)]],
    ['even wavelengths', '400,402.5,405,407.5,410,412.5', () => counted(6).map(fraction)],
    ['uneven wavelengths', '400.5,402.1,403.8,405.2,407,408.9,411', () => counted(7).map(fraction)],
    ['falling wavenumbers', '4000,3998,3996,3994,3992,3990,3988', () => counted(7).map(fraction)],
    ['numbers beside a text over numbers', 'id,1,2', () => [whole(999), whole(9), whole(9)]],
    ['two numbers and a class that no row has', '0,1,species', () => [whole(9), whole(9), classes[whole(3)]]],
    [
      'any number beside two texts that no row has',
      'town,5,kind',
      () => ['xyz'[whole(3)], whole(9), classes[whole(3)]],
    ],
    ['two years and a class that no row has', '2019,2020,up', () => [whole(9), whole(9), ['yes', 'no'][whole(2)]]],
    ['whole numbers above fractions', '0,1,2', () => counted(3).map(fraction)],
    ['pixels from 1', '1,2,3,4,5,6', () => counted(6).map(() => whole(256))],
    ['one dropped, a class last', '0,1,3,4', (at) => [fraction(), fraction(), fraction(), classes[at % 3]]],
    ['few chosen', '2,4', (at) => [fraction(), classes[at % 3]]],
    ['far apart', '0,2,5,60', (at) => [fraction(), fraction(), fraction(), 'RM'[at % 2]]],
    ['a class first', '4,0,1,2,3', (at) => [classes[at % 3], fraction(), fraction(), fraction(), fraction()]],
    ['one dropped behind an index', ',0,1,3,4', (at) => [at, whole(9), whole(9), whole(9), whole(9)]],
    ['a class number that no row has', '0,1,3,4', (at) => [whole(9), whole(9), whole(9), at % 2]],
    ['that, in another order', '3,2,1,0,4', (at) => [whole(9), whole(9), whole(9), whole(9), at % 2]],
    ['that, first', '4,0,1,2,3', (at) => [at % 2, whole(9), whole(9), whole(9), whole(9)]],
    ['spans of days above 0 and 1', '1,7,30,90', (at) => [whole(50), whole(50), whole(50), at % 2]],
    ['above texts alone', '10,20,5', (at) => ['ab'[at % 2], classes[at % 3], 'kl'[whole(2)]]],
    ['a count whose last was moved to the front', '4,0,1,2,3', () => counted(5).map(() => whole(90) + 3)],
  ];
  test.each(found)('%s', async (_, first, cells) => {
    const table = await read(first, lines(50, cells));
    expect([table.header, table.rows.length]).toEqual([true, 50]);
    expect(table.notes).toEqual([expect.stringContaining('Took line 1 for the names of the columns, though')]);
  });
  test('whole numbers above fractions, in a few rows', async () =>
    expect(
      (
        await read(
          '0,1,2,3',
          lines(4, () => counted(4).map(fraction)),
        )
      ).header,
    ).toBe(true));
  test('what is asked for as a target', async () => {
    const table = await read(
      '7,3,9',
      lines(20, (at) => [whole(9), whole(9), at]),
    );
    expect(table.header).toBe(false);
    expect(prepareTable(table, { target: 9 }).form).toMatchObject({ header: true, target: { name: '9' } });
  });
  test('not what is asked for, if it was said to be a row', async () => {
    const table = await readTable('f.csv', '7,3,9\n1,2,3\n2,3,4\n', { header: false });
    expect(() => prepareTable(table, { target: 9 })).toThrow('f.csv has no column "9"');
  });
});

describe('what is asked for by a number', () => {
  const selected = '3,17,42,60';
  const rows = lines(40, () => counted(4).map(() => whole(99)));

  test('is the column of that name, if the file has names, and a note says so', async () => {
    const table = await readTable('f.csv', [selected, ...rows].join('\n'), { header: true });
    const { form, notes } = prepareTable(table, { target: 3, task: 'regression' });
    expect(form.target.name).toBe('3');
    expect(notes).toEqual(['Took "3" for the name of column 1, not for the number of "42".']);
    expect(prepareTable(table, { target: 60, drop: ['3'] }).form.features.map(({ name }) => name)).toEqual([
      '17',
      '42',
    ]);
  });
  test.each([{ target: 3 }, { target: '3' }, { target: 4, drop: [3] }])(
    'is asked about, if line 1 has it in another column and may name them: %j',
    async (options) => {
      const table = await read(selected, rows);
      expect(table.header).toBe(false);
      expect(() => prepareTable(table, options)).toThrow(
        new DataError(
          '[table] f.csv: "3" is the number of a column, but also stands in another column on line 1: say header (--header) yes if that line names the columns, no if it is a row',
        ),
      );
    },
  );
  test('is that column’s name, if another name is asked for that is no number of a column', async () => {
    const { form } = prepareTable(await read(selected, rows), { target: 3, drop: [17], task: 'regression' });
    expect([form.header, form.target.name]).toEqual([true, '3']);
  });
  test.each([
    ['is its place where it was said that line 1 is a row', selected, { header: false }],
    ['is its place where line 1 names nothing', '3.5,17,3,60', {}],
    ['is its place where line 1 has a number twice', '17,3,17,60', {}],
    ['is its place where line 1 has it there', '17,60,3,42', {}],
  ])('%s', async (_, first, said) => {
    const table = await readTable('f.csv', [first, ...rows].join('\n'), said);
    const { form, notes } = prepareTable(table, { target: 3, task: 'regression' });
    expect([form.target.name, form.header]).toEqual(['column 3', false]);
    expect(notes.join()).not.toContain('Took "3"');
  });
});

describe('a name that reads as missing denies no header:', () => {
  test.each(['NA', '-', '.', '?', 'null', 'n/a'])('%s', async (name) => {
    const table = await read(
      `age,${name},income`,
      lines(20, () => [whole(99), whole(99), whole(99)]),
    );
    expect(table.columns).toEqual(['age', name, 'income']);
  });
  test('nor where all others are texts', async () => {
    const table = await read(
      'sex,NA,kind',
      lines(30, (at) => ['fm'[at % 2], 'xy'[whole(2)], classes[at % 3]]),
    );
    expect([table.header, table.rows.length]).toEqual([true, 30]);
  });
  test('but a first row in which something is missing is one', async () => {
    const table = await read(
      'm,?,a',
      lines(30, (at) => ['fm'[at % 2], whole(9), classes[at % 3]]),
    );
    expect([table.header, table.rows.length]).toEqual([false, 31]);
  });
});

describe('a first row is a row', () => {
  const kept: [string, string, (at: number) => readonly Cell[]][] = [
    ['that rises evenly, as all do', '0,1,2', (at) => [at + 1, at + 2, at + 3]],
    ['that rises, as sums do', '1,2,3,4,5,6', (at) => counted(6).map((k) => (at + 2) * (k + 1))],
    ['of a ranking', '1,2,3,4,5', () => counted(5, 1).sort(() => random.uniform(-1, 1))],
    ['with which a series begins', '0,1,2', (at) => [at + 1, (at + 1) ** 2 + 1, (at + 1) ** 3 + 2]],
    ['with a class of other rows', '1,2,3,a', () => [whole(9), whole(9), whole(9), classes[whole(3)]]],
    ['with a number twice', '0,0,1,2', () => counted(4).map(() => whole(9))],
    ['of fractions', '5.1,3.5,1.4,0.2,a', () => [...counted(4).map(fraction), classes[whole(3)]]],
    ['with a text where a number is missing', 'unknown,39,5000', () => [whole(99), whole(99), whole(9999)]],
    ['of two numbers', '1,2', () => [whole(9), whole(9)]],
    ['of years among years', '1901,1950,1990', () => [1900 + whole(20), 1930 + whole(30), 1970 + whole(30)]],
    ['of whole numbers among such', '7,3,8', () => counted(3).map(() => whole(12))],
    ['of more than one number, some twice', '2,7,2,9,0', () => counted(5).map(() => whole(12))],
    [
      'with a number that few rows have',
      '3,7,200,4',
      (at) => [whole(9), whole(9), whole(999), at % 40 === 0 ? 5 : at % 2],
    ],
    ['of pixels that are mostly 0', '5,0,0,0,0,12,200', () => counted(7).map(() => whole(256))],
    ['that rises by chance', '1,3,8,9', () => counted(4).map(() => whole(10))],
    ['with a date', '2020-01-05,red', (at) => [`2020-02-${10 + at}`, ['blue', 'green'][at % 2]]],
    ['with a decimal comma', 'b;"1,5"', (at) => [`a;"${at},5"`]],
  ];
  test.each(kept)('%s', async (_, first, cells) => {
    const table = await read(first, lines(50, cells));
    expect([table.header, table.rows.length]).toEqual([false, 51]);
  });
  test('without a note, if half of all rows rise as it does', async () =>
    expect(
      (
        await read(
          '0,1,2',
          lines(50, (at) => [at + 1, at + 2, at + 3]),
        )
      ).notes,
    ).toEqual([]));
  test.each([
    ['0,3', () => counted(2).map(fraction)],
    ['0,3,90', (at) => [`${at}.5`, fraction(), fraction()]],
    ['0,1,3', () => ['abc'[whole(3)], whole(9), whole(9)]],
    ['3,17,42,60', () => counted(4).map(() => whole(99))],
    ['17,3,42,60', () => counted(4).map(() => whole(990) / 10)],
  ] as [string, (at: number) => readonly Cell[]][])('%s, and a note says that it may be none', async (first, cells) => {
    const { header, notes } = await read(first, lines(first === '0,1,3' ? 4 : 50, cells));
    expect(header).toBe(false);
    expect(notes).toEqual([expect.stringContaining('Took line 1 for a row, though it may name the columns')]);
  });
  test('and a note says so where it might be a header', async () => {
    const table = await read(
      '0.1,0.2,0.3,0.4',
      lines(50, () => counted(4).map(fraction)),
    );
    expect([table.header, table.notes]).toEqual([
      false,
      ['Took line 1 for a row, though it may name the columns (0.1, 0.2, 0.3, …): say header yes if it does.'],
    ]);
  });
});

describe.runIf(process.env['MILLRACE_DATA'])('of files without a header', () => {
  const open = async (file: string): Promise<string[]> =>
    (await readFile(join(process.env['MILLRACE_DATA']!, 'tiny', file), 'utf8')).trim().split(/\r?\n/);
  const without = ['iris', 'wine', 'sonar', 'wheat-seeds', 'pima-indians-diabetes', 'abalone', 'boston-housing'];

  /** About 60 rows of the whole file, which may be sorted by its classes; not this one. */
  const every = (rows: readonly string[], but = -1): string[] =>
    rows.filter((_, at) => at !== but && at % Math.floor(rows.length / 60) === 0);
  test.each(without)('%s has none, whichever row is the first', async (file) => {
    const rows = await open(`${file}.csv`);
    for (let at = 0; at < 60; at++) {
      const { header, notes } = await read(rows[at], every(rows, at));
      expect([header, notes]).toEqual([false, []]);
    }
  });
  test.each(without)('%s has one, if the names of a data frame stand above it', async (file) => {
    const rows = await open(`${file}.csv`);
    const width = rows[0].split(',').length;
    for (const first of [
      counted(width),
      counted(width, 1),
      [...counted(width - 1), 'target'],
      counted(width, 1990),
      [width - 1, ...counted(width - 1)],
    ]) {
      expect((await read(first.join(), every(rows))).rows).toHaveLength(every(rows).length);
    }
  });
});

test('a header of texts above texts alone is told in a note', async () => {
  const { header, notes } = await read('size,colour', ['s,red', 'l,blue']);
  expect([header, notes]).toEqual([true, ['Took line 1 for the names of the columns: say header no if it is a row.']]);
});

describe('a further file has a header of numbers', () => {
  const frame = async (first: string): Promise<TableForm> =>
    prepareTable(
      await read(
        first,
        lines(60, () => [fraction(), fraction(), classes[whole(3)]]),
      ),
      { seed: 1 },
    ).form;
  const rowsOf = async (form: TableForm, text: string): Promise<number> =>
    encodeTable(form, await readTable('more.csv', text)).data.length;

  test('if it has the names of the form', async () => {
    const form = await frame('0,1,species');
    expect(form.header).toBe(true);
    expect(await rowsOf(form, '0,1\n5,6\n')).toBe(1);
    expect(await rowsOf(form, '0,1,species\n5,6,a\n')).toBe(1);
  });
  test('and none if it has not', async () => {
    const form = await frame('0,1,species');
    expect(await rowsOf(form, '5,6\n1,0\n')).toBe(2);
    expect(await rowsOf(form, '0,2\n0,1\n')).toBe(2);
  });
  test.each(['2,0,1', '1,2,0', '2,1,0,species'])('in another order too, and a note says so: %s', async (first) => {
    const { form } = prepareTable(
      await read(
        '0,1,2,species',
        lines(60, () => [fraction(), fraction(), fraction(), classes[whole(3)]]),
      ),
    );
    const cells = first.split(',').map((name) => (name === 'species' ? 'a' : `${name}.5`));
    const straight = encodeTable(form, await readTable('more.csv', '0,1,2\n0.5,1.5,2.5\n'));
    const { data, notes } = encodeTable(form, await readTable('more.csv', `${first}\n${cells.join()}\n`));
    expect([...data.fields['features'].data]).toEqual([...straight.data.fields['features'].data]);
    expect(notes).toEqual(
      first.includes('species')
        ? []
        : [
            'Took line 1 for the names of the columns, in another order than the model learned from: say header no if it is a row.',
          ],
    );
  });
  test('of two in another order is a row, and a note says so', async () => {
    const form = await frame('0,1,species');
    const { data, notes } = encodeTable(form, await readTable('more.csv', '1,0\n5,6\n'));
    expect([data.length, notes]).toEqual([
      2,
      ['Took line 1 for a row, though all of its cells are names of columns: say header yes if it names them.'],
    ]);
  });
  test('and none if the form has none, whatever it looks like', async () => {
    const { form } = prepareTable(
      await read(
        '5.5,1.5,2.5',
        lines(50, () => counted(3).map(fraction)),
      ),
    );
    expect(form.header).toBe(false);
    expect(await rowsOf(form, ['0,1,2', ...lines(30, () => counted(3).map(fraction))].join('\n'))).toBe(31);
  });
});
