import { describe, expect, test } from 'vitest';
import { DataError, FormatError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import {
  encodeTable,
  prepareTable,
  readTable,
  readTableForm,
  type PreparedTable,
  type PrepareOptions,
  type Table,
  type TableOptions,
} from '../../src/data/index.ts';

// What cells mean: numbers however they are written, classes as they are written, and what is missing.

const random = new Random(20, 'cells of tables');
const whole = (below: number): number => random.word() % below;

/** Each row by its place, between semicolons, below a header. */
const textOf = (header: string, rows: readonly (readonly (string | number)[])[]): string =>
  [header, ...rows.map((cells) => cells.join(';'))].join('\n');

const columnOf = async (cells: readonly string[], options?: TableOptions): Promise<readonly string[]> => {
  const { rows } = await readTable(
    'some.csv',
    textOf(
      'at;x;y',
      cells.map((cell, at) => [`r${at}`, cell, at % 2]),
    ),
    options,
  );
  return rows.map((row) => row.cells[1]);
};

const prepared = async (text: string, options?: TableOptions, prepare?: PrepareOptions): Promise<PreparedTable> =>
  prepareTable(await readTable('some.csv', text, options), prepare);

describe('thousands and decimals are told by the column:', () => {
  test('incomes with commas between thousands, beside numbers below', async () => {
    const text = textOf(
      'rooms;income',
      [650, 800, 950, 1100, 1250].map((n, at) => [at, n.toLocaleString('en-US')]),
    );
    const table = await readTable('i.csv', text);
    expect(table.rows.map(({ cells }) => cells[1])).toEqual(['650', '800', '950', '1100', '1250']);
    expect(table.notes).toEqual([
      'Read "income" with decimal points: "1,100" as 1100, by the sizes of the numbers: say decimal "," if it is a fraction.',
    ]);
  });
  test.each(['en-US', 'de-DE', 'fr-FR', 'de-CH', 'en-IN', 'pl-PL', 'sv-SE', 'es-ES', 'nb-NO'])(
    'numbers as they are written in %s come back',
    async (locale) => {
      const numbers = Array.from(
        { length: 40 },
        (_, at) => (whole(2_000_000) - 1_000_000) / [1, 10, 100, 1000][at % 4],
      );
      const cells = numbers.map((number) => number.toLocaleString(locale, { maximumFractionDigits: 3 }));
      expect((await columnOf(cells)).map(Number)).toEqual(numbers);
    },
  );
  test.each([
    ['both signs', ['1.234,56', '7'], ['1234.56', '7']],
    ['both signs the other way', ['1,234.5', '1,234'], ['1234.5', '1234']],
    ['several groups', ['1.234.567', '1.234'], ['1234567', '1234']],
    ['a group of one', ['1,234', '0,5'], ['1.234', '0.5']],
    ['a group that begins with 0', ['1,234', '0,125'], ['1.234', '0.125']],
    ['four digits before the sign', ['1234,567', '1,234'], ['1234.567', '1.234']],
    ['a point in another number', ['1.5', '1,234'], ['1.5', '1234']],
    ['apostrophes', ["1'234", '1’234.5'], ['1234', '1234.5']],
    ['blanks that do not break', ['1\u00a0234,5', '1\u202f234'], ['1234.5', '1234']],
    ['exponents', ['1,5e3', '2,25E-2'], ['1.5e3', '2.25E-2']],
    ['a true minus', ['−1,5', '2,5'], ['-1.5', '2.5']],
  ])('%s', async (_, cells, numbers) => expect(await columnOf(cells)).toEqual(numbers));
  test('each column by itself', async () => {
    const { rows } = await readTable('some.csv', 'a;b;c\n1,5;1,100;2.5\n2,5;650;1.125\n3;700;3\n');
    expect(rows.map(({ cells }) => cells)).toEqual([
      ['1.5', '1100', '2.5'],
      ['2.5', '650', '1.125'],
      ['3', '700', '3'],
    ]);
  });
  test('quoted between commas', async () => {
    const { rows } = await readTable('some.csv', 'town,people\na,"1,234,567"\nb,"650"\nc,"12,345"\n');
    expect(rows.map(({ cells }) => cells[1])).toEqual(['1234567', '650', '12345']);
  });
  test('points are decimal where nothing else is said', async () =>
    expect(await columnOf(['1.234', '2.345', '3'])).toEqual(['1.234', '2.345', '3']));
  test('and a note says so where all of them have three digits behind them, as thousands have', async () => {
    const text = (...cells: string[]): string =>
      textOf(
        'x;y',
        cells.map((cell, at) => [cell, at % 2]),
      );
    expect((await readTable('some.csv', text('1.000', '4.571', '104.559'))).notes).toEqual([
      'Read "x" with decimal points: "1.000" as 1, though all have three digits behind them: say decimal "," if it is 1000.',
    ]);
    for (const cells of [
      ['1.000', '4.57'],
      ['1.125', '0.125'],
      ['1.125', '1234.125'],
    ]) {
      expect((await readTable('some.csv', text(...cells))).notes).toEqual([]);
    }
    expect((await readTable('some.csv', text('1.000', '4.571'), { decimal: '.' })).notes).toEqual([]);
    const said = await readTable('some.csv', text('1.000', '4.571'), { decimal: ',' });
    expect(said.rows.map(({ cells }) => cells[0])).toEqual(['1000', '4571']);
  });
  test('texts stay as they are', async () =>
    expect(await columnOf(['1,5 kg', 'a, b', '12,5,1', '1.2.3', '01.02.2020'])).toEqual([
      '1,5 kg',
      'a, b',
      '12,5,1',
      '1.2.3',
      '01.02.2020',
    ]));
});

describe('a column that can be read in two ways is asked for', () => {
  const open: [string, (at: number) => string, string, string, string][] = [
    ['of commas alone', (at) => `1,${100 + at}`, '1,100', '1100', '1.1'],
    ['of commas beside small whole numbers', (at) => (at % 2 ? '2' : `1,${101 + at}`), '1,101', '1101', '1.101'],
    ['of points that look like thousands', (at) => (at % 2 ? '650' : `1.${100 + at}`), '1.100', '1.1', '1100'],
    ['of points, beside both signs', (at) => ['1.5', '1,5', '1.250'][at % 3], '1.250', '1.25', '1250'],
    ['of both signs', (at) => ['1,5', '1.5', '1,234'][at % 3], '1,234', '1234', '1.234'],
  ];
  const text = (cell: (at: number) => string): string =>
    textOf(
      'a;b;y',
      Array.from({ length: 30 }, (_, at) => [whole(9), cell(at), at % 2]),
    );

  test.each(open)('%s', async (_, cell, written, point, comma) => {
    const table = await readTable('some.csv', text(cell));
    expect(table.rows.map(({ cells }) => cells[1])).toEqual(table.rows.map((__, at) => cell(at)));
    const at = table.rows.findIndex((__, row) => cell(row) === written);
    const prepare = (): unknown => prepareTable(table);
    expect(prepare).toThrow(DataError);
    expect(prepare).toThrow(
      `column "b" does not tell whether "${written}" on line ${2 + at} is ${point} or ${comma}: say decimal (--decimal) "." for ${point}, or "," for ${comma}`,
    );
  });
  test.each(open)('%s, and is read as is said', async (_, cell, written, point, comma) => {
    for (const [decimal, number] of [
      ['.', point],
      [',', comma],
    ] as const) {
      const { rows } = await readTable('some.csv', text(cell), { decimal });
      const at = rows.findIndex((__, row) => cell(row) === written);
      expect(Number(rows[at].cells[1])).toBe(Number(number));
    }
  });
  test('of points beside a column of decimal commas', async () => {
    const table = await readTable('some.csv', 'a;b;y\n1,5;1.234;0\n2,5;2.345;1\n3,5;1.456;0\n4,5;1.567;1\n');
    expect(() => prepareTable(table)).toThrow('column "b" does not tell whether "1.234" on line 2 is 1.234 or 1234');
  });
  test('but not if it is dropped, or the target of a classification', async () => {
    const table = await readTable(
      'some.csv',
      text((at) => `1,${100 + (at % 2)}`),
    );
    expect(prepareTable(table, { drop: ['b'] }).form.features.map(({ name }) => name)).toEqual(['a']);
    const { target } = prepareTable(table, { target: 'b', task: 'classification' }).form;
    expect(target).toMatchObject({ classes: ['1,100', '1,101'] });
  });
  test('what is said of the others does not change a column that tells itself', async () => {
    const { rows } = await readTable('some.csv', 'a;b\n1,5;1,234\n2,5;2,345\n', { decimal: '.' });
    expect(rows.map(({ cells }) => cells)).toEqual([
      ['1.5', '1234'],
      ['2.5', '2345'],
    ]);
  });
});

describe('further rows are read as the training rows were:', () => {
  const train = (cell: (at: number) => string, options?: TableOptions): Promise<PreparedTable> =>
    prepared(
      textOf(
        'x;y',
        Array.from({ length: 20 }, (_, at) => [cell(at), at % 2]),
      ),
      options,
    );
  const numberIn = async ({ form }: PreparedTable, text: string, options?: TableOptions): Promise<number> => {
    const { data } = encodeTable(
      readTableForm(JSON.parse(JSON.stringify(form))),
      await readTable('more.csv', text, options),
    );
    const [feature] = form.features;
    if (feature.kind !== 'number') throw new Error('no number');
    return data.fields['features'].data[0] * feature.deviation + feature.mean;
  };

  test.each([
    ['decimal commas', (at: number) => `${at},5`, '1,234', 1.234],
    ['thousands', (at: number) => (600 + 50 * at).toLocaleString('en-US'), '1,234', 1234],
    ['points between thousands', (at: number) => `${at + 1}.234,5`, '1.234', 1234],
    ['plain numbers', (at: number) => `${at}.5`, '1.234', 1.234],
  ])('%s', async (_, cell, written, number) => {
    expect(await numberIn(await train(cell), `x;y\n${written};0\n`)).toBeCloseTo(number, 3);
  });
  test('what was said of them too', async () => {
    const form = await train((at) => `1,${100 + at}`, { decimal: ',' });
    expect(await numberIn(form, 'x;y\n1,234;0\n')).toBeCloseTo(1.234, 3);
  });
  test('but as is said of the further file, if it is', async () => {
    const form = await train((at) => `${at},5`);
    expect(await numberIn(form, 'x;y\n1.234;0\n', { decimal: '.' })).toBeCloseTo(1.234, 3);
  });
  test('and another sign is refused, as 1.234 would be another number', async () => {
    const { form } = await train((at) => `${at},5`);
    const table = await readTable('more.csv', 'x;y\n1.234;0\n1.5;0\n');
    expect(() => encodeTable(form, table)).toThrow(
      new FormatError(
        '[table] more.csv: column "x" has decimal "," in the rows that the model learned from, but line 3 has "1.5": say decimal (--decimal) "." if this file has that',
      ),
    );
  });
  test.each(['1.125', '12.250', '-1.125'])(
    'and %s is asked about, where no training row had thousands',
    async (cell) => {
      const form = await train((at) => `${at},5`);
      const text = `x;y\n${cell};0\n7;1\n`;
      await expect(numberIn(form, text)).rejects.toThrow(
        new DataError(
          `[table] more.csv: column "x" was learned from numbers with decimal "," and no thousands, but line 2 has "${cell}": say decimal (--decimal) "." for ${Number(cell)}, or "," for ${1000 * Number(cell)}`,
        ),
      );
      expect(await numberIn(form, text, { decimal: '.' })).toBeCloseTo(Number(cell), 3);
      expect(await numberIn(form, text, { decimal: ',' })).toBeCloseTo(1000 * Number(cell), 1);
    },
  );
  test('but is thousands where other numbers tell it, and a note says so', async () => {
    const { form } = await train((at) => `${at},5`);
    const { notes } = encodeTable(form, await readTable('more.csv', 'x;y\n1.125;0\n0,25;0\n'));
    expect(notes).toEqual(['Read "1.125" of "x" on line 2 as 1125, though no training row had such thousands.']);
  });
  test('and what no training row showed is asked for', async () => {
    const { form } = await train(String);
    const table = await readTable('more.csv', 'x;y\n1,234;0\n');
    expect(() => encodeTable(form, table)).toThrow('"1,234" on line 2 is 1234 or 1.234');
  });
  test('words that are missing', async () => {
    const form = await train((at) => (at % 4 ? String(at) : '-999'), { missing: ['-999'] });
    const { mean } = form.form.features[0] as { mean: number };
    expect(await numberIn(form, 'x;y\n-999.0;0\n')).toBeCloseTo(mean, 5);
  });
});

describe('classes stay as they are written', () => {
  const text = (...names: string[]): string =>
    `a,b,code\n${Array.from({ length: 60 }, (_, at) => `${at % 7},${at % 5},${names[at % names.length]}`).join('\n')}`;
  const classesOf = async (names: string[], options?: TableOptions): Promise<unknown> => {
    const { target } = (await prepared(text(...names), options)).form;
    return target.kind === 'class' ? target.classes : target.kind;
  };

  test.each([
    [['1E1', '10', '2E1', 'A1']],
    [['007', '7', '08x']],
    [['1', '1.0', 'x']],
    [['+1', '1', 'other']],
    [['+1', '-1']],
    [['1.0', '2.0']],
    [['"1,5"', '"2,5"', 'A']],
    [['01234', '10001', '94110', '02134']],
    [['007', '7', '8']],
    [['0x1F', '31', '1F']],
    [['Infinity', 'inf', '1e400']],
    [['None', 'null and void', 'nano']],
    [['1.1', '1.10', 'beta']],
    [['+', '-']],
  ])('%j', async (names) => {
    const written = names.map((name) => name.replaceAll('"', ''));
    expect([...((await classesOf(names)) as string[])].sort()).toEqual(written.sort());
  });
  test('but numbers that only differ in a fraction’s zeros are one class, and a note says so', async () => {
    const { form, notes } = await prepared(text('1', '1.0', '2'));
    expect(form.target).toMatchObject({ classes: ['1', '2'] });
    expect(notes).toEqual(['Took "1", "1.0" of "code" for one class, "1".']);
  });
  test('and codes that are one number are not, and a note says so', async () => {
    const { notes } = await prepared(text('007', '7', '8'));
    expect(notes).toEqual([
      'Took "code" for classes, as some numbers begin with a 0: say task regression if it is a quantity.',
      'Kept "007", "7" of "code" as classes of their own, though they are one number.',
    ]);
  });
  test('and so are fractions, as 1.1 and 1.10 are two versions', async () => {
    const table = await readTable('some.csv', text('1.1', '1.10', '1.2'));
    expect(prepareTable(table, { task: 'classification' }).form.target).toMatchObject({
      classes: ['1.1', '1.10', '1.2'],
    });
  });
  test('in further rows, whose labels are found by them', async () => {
    const { form } = await prepared(text('1E1', '10', 'A1'));
    const { data } = encodeTable(form, await readTable('more.csv', 'a,b,code\n1,2,A1\n1,2,10\n1,2,1E1\n'));
    expect([...data.fields['label'].data]).toEqual([2, 0, 1]);
    const other = encodeTable(form, await readTable('more.csv', 'a,b,code\n1,2,A1\n1,2,10.0\n'));
    expect(other.notes).toEqual(['1 row without a known "code", the first "10.0" on line 3: so no row is judged.']);
  });
  test('and numbers by their value, where they were numbers', async () => {
    const { form } = await prepared(text('1', '2', '3'));
    const { data } = encodeTable(form, await readTable('more.csv', 'a,b,code\n1,2,3.0\n1,2,1\n'));
    expect([...data.fields['label'].data]).toEqual([2, 0]);
  });
});

test.each([
  ['12345678901234567', '12345678901234568'],
  ['9007199254740992', '9007199254740993'],
  ['123456789012345678901', '123456789012345678902'],
])('the classes %s and %s are two, in further rows too', async (one, two) => {
  const rows = Array.from({ length: 40 }, (_, at) => `${at * at},${at % 2 ? one : two}`);
  const { form } = await prepared(`x,y\n${rows.join('\n')}`);
  expect(form.target).toMatchObject({ classes: [one, two] });
  const { data, notes } = encodeTable(form, await readTable('more.csv', `x,y\n1,${two}\n2,${one}\n`));
  expect([[...data.fields['label'].data], notes]).toEqual([[1, 0], []]);
  const strange = encodeTable(form, await readTable('more.csv', `x,y\n1,${one}.0\n`));
  expect(strange.notes).toEqual([expect.stringContaining('1 row without a known "y"')]);
});

test.each([
  ['5%', (at: number) => `${at % 5}%`, '0%'],
  ['unknown', (at: number) => (at % 4 ? String(at % 5) : 'unknown'), 'unknown'],
])('figures that become categories, as of %j, are told in a note', async (_, cell, first) => {
  const { notes } = await prepared(
    textOf(
      'x;y',
      Array.from({ length: 40 }, (__, at) => [cell(at), at % 2]),
    ),
  );
  expect(notes).toEqual([`Took "x" for categories: "${first}" is no number.`]);
});

describe('a target that', () => {
  const told = (cell: (at: number) => string, task?: 'classification' | 'regression'): Promise<PreparedTable> =>
    prepared(
      textOf(
        'x;y',
        Array.from({ length: 200 }, (_, at) => [at * at, cell(at)]),
      ),
      {},
      { task },
    );

  test.each([
    ['3.25%', (at: number) => `${3 + (at % 5)}.25%`],
    ['>100', (at: number) => (at % 5 ? String(at % 30) : '>100')],
    ['0-9', (at: number) => `${10 * (at % 4)}-${10 * (at % 4) + 9}`],
  ])('holds figures, as %s, is told to hold classes', async (first, cell) => {
    expect((await told(cell)).notes).toEqual([`Took "y" for classes: "${first}" is no number.`]);
    expect((await told(cell, 'classification')).notes).toEqual([]);
  });
  test('holds so many that they are no classes, is said to be no numbers', async () =>
    expect(told((at) => `${at}.5%`)).rejects.toThrow(
      'too many to be classes: mend the cells that are no plain numbers, or name another column as the target',
    ));
  test.each([
    ['some numbers begin with a 0', (at: number) => String(501 + 700 * (at % 90)).padStart(5, '0')],
    ['"3.10" ends in a 0, as versions do', (at: number) => ['3.8', '3.9', '3.10', '3.11'][at % 4]],
    ['"1.20" ends in a 0, as versions do', (at: number) => ['1.9', '1.20', '2.1'][at % 3]],
  ])('holds a quantity, though %s, is told', async (because, cell) => {
    const { form, notes } = await told(cell);
    expect(form.target.kind).toBe('number');
    expect(notes).toEqual([`Took "y" for a quantity, though ${because}: say task classification if these are names.`]);
    expect((await told(cell, 'regression')).notes).toEqual([]);
  });
  test.each([
    ['fractions of one length', (at: number) => (at % 7).toFixed(2)],
    ['fractions as they come', (at: number) => String((at % 9) / 8)],
    ['different ones', (at: number) => `${at}.${at}`],
  ])('holds %s, is a quantity without a note', async (_, cell) => expect((await told(cell)).notes).toEqual([]));
});

describe('what reads as missing', () => {
  const countries = `x,country,y\n${Array.from({ length: 40 }, (_, at) => `${at * at},${['NA', 'DE', 'none', '-'][at % 4]},${at % 3}`).join('\n')}`;
  const categories = async (options?: TableOptions): Promise<readonly string[]> => {
    const { features } = (await prepared(countries, options)).form;
    return features.flatMap((feature) => (feature.kind === 'category' ? feature.categories : []));
  };

  test('by itself is told, where it may be an answer', async () => {
    const { notes } = await prepared(countries);
    expect(notes[0]).toBe(
      'Read "NA", "-" in "country" as missing, in 20 cells, the first on line 2: say missing none if it is an answer.',
    );
  });
  test.each([
    [undefined, ['(missing)', 'DE', 'none']],
    [[], ['-', 'DE', 'NA', 'none']],
    [['-'], ['(missing)', 'DE', 'NA', 'none']],
    [
      ['na', 'None'],
      ['(missing)', '-', 'DE'],
    ],
  ])('can be said: %j', async (missing, expected) => expect(await categories({ missing })).toEqual(expected));
  test('leaves no row out of which NA is the class', async () => {
    const { train, test: held, form } = await prepared(countries, { missing: [] }, { target: 'country' });
    expect(train.length + held.length).toBe(40);
    expect(form.target).toMatchObject({ classes: ['-', 'DE', 'NA', 'none'] });
  });
  describe('in a target may be an answer:', () => {
    const texts = (...cells: string[]): string =>
      `x,y,code\n${Array.from({ length: 60 }, (_, at) => `${at * at},${at % 7},${cells[at % cells.length]}`).join('\n')}`;

    test.each([
      [['.', '-'], '".", "-"'],
      [['NA', 'null', 'nan'], '"NA", "null", "nan"'],
    ])('%j alone are asked about, not passed by', async (cells, words) => {
      const asked = `the target "code" holds nothing but ${words}, which read as missing: say missing none (--missing none) if they are answers`;
      await expect(prepared(texts(...cells))).rejects.toThrow(asked);
      await expect(prepared(texts(...cells), {}, { target: 'code' })).rejects.toThrow(asked);
      const { form, notes } = await prepared(texts(...cells), {}, { target: 'y' });
      expect(form.target.name).toBe('y');
      expect(notes).toEqual([`Dropped "code": it holds nothing but ${words}: say missing none if they are answers.`]);
      const said = await prepared(texts(...cells), { missing: [] });
      expect(said.form.target).toMatchObject({ classes: [...cells].sort() });
    });
    test.each(['-', 'NA', 'n/a'])('%s alone is an empty column', async (cell) =>
      expect((await prepared(texts(cell))).form.target.name).toBe('y'),
    );
    test.each([
      ['-', 'yes', 'text'],
      ['NA', 'yes', 'text'],
      ['.', '1', 'number'],
    ])('%s beside %s alone', async (word, cell) =>
      expect(prepared(texts(word, cell))).rejects.toThrow(
        `the target "code" is ${cell} in every row, so there is nothing to learn: say missing none (--missing none) if "${word}" is an answer, or name another target`,
      ),
    );
    test.each([
      [['0', '1', 'NA'], 'NA', 20],
      [['1.5', '2.5', '3.5', '-'], '-', 15],
    ])('in %j it is told by its word', async (cells, word, count) => {
      const { notes } = await prepared(texts(...cells));
      expect(notes[0]).toBe(
        `Read "${word}" in "code" as missing, in ${count} cells, the first on line ${2 + cells.indexOf(word)}: say missing none if it is an answer.`,
      );
    });
  });
  test('is kept with the model', async () => {
    const { form } = await prepared(countries, { missing: ['-'] });
    expect(form.missing).toEqual(['-']);
    const again = readTableForm(JSON.parse(JSON.stringify(form)));
    const { notes } = encodeTable(again, await readTable('more.csv', 'x,country\n1,NA\n2,-\n'));
    expect(notes).toEqual(['Kept 1 missing cell of "country" as a category of their own.']);
  });
  test('may be a number, however it is written', async () => {
    const text = `a,y\n${Array.from({ length: 20 }, (_, at) => `${at % 4 === 0 ? '-999.0' : at},${at % 2}`).join('\n')}`;
    const { notes } = await prepared(text, { missing: ['-999'] });
    expect(notes[0]).toMatch(/^Filled 5 missing cells of "a" with the training mean/);
  });
});

describe('the delimiter is the one that divides all lines alike', () => {
  const cellsOf = async (text: string): Promise<(readonly string[])[]> => {
    const { rows }: Table = await readTable('some.csv', text);
    return rows.map(({ cells }) => cells);
  };

  test.each([
    ['bars', 'a|b\n1|2,5\n2|3,5\n', ['1', '2.5']],
    ['commas, beside semicolons in each text', 'x;y,1,2\nu;v,3,4\n', ['x;y', '1', '2']],
    ['commas, beside semicolons in quotes', 'p,q\nx,"a;b"\ny,"c;d"\n', ['x', 'a;b']],
    ['commas, beside semicolons in a text, before a class', 'G1;G5,a\nG2;G4,b\nG3;G6,a\nG4;G9,b\n', ['G1;G5', 'a']],
    ['commas, beside semicolons in a text that tells the class', 'p;u,a\nq;v,b\nr;u,a\n', ['p;u', 'a']],
    ['tabs, beside bars in a text, before a class', 'p|q\tup\nr|s\tdown\nt|u\tup\n', ['p|q', 'up']],
    ['semicolons, beside commas in a text, before a class', 'u,v;x\nw,y;z\np,q;x\nr,s;z\n', ['u,v', 'x']],
    ['semicolons, beside decimal commas', 'p;q;r\nx;y;1,5\nu;v;2,5\n', ['x', 'y', '1.5']],
    ['semicolons, in one line of decimal commas', '1,5;2,5\n', ['1.5', '2.5']],
    ['blanks, beside decimal commas', '1,5 2,5\n3,5 4,5\n', ['1.5', '2.5']],
    ['tabs, beside texts with commas', 'a\tb\nx, y\t1\nu, v\t2\n', ['x, y', '1']],
    [
      'commas, beside dates with a time',
      '2020-01-01 12:00,5,6\n2020-01-02 12:00,7,8\n',
      ['2020-01-01 12:00', '5', '6'],
    ],
    ['what Excel’s own line says', 'sep=|\r\na|b\r\n1;2|3;4\r\n', ['1;2', '3;4']],
  ])('%s', async (_, text, first) => expect((await cellsOf(text))[0]).toEqual(first));
  test('and lines may end in it or not', async () =>
    expect(await cellsOf('a,b\n1,2,\n3,4,,\n5,6\n')).toEqual([
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
    ]));
  test('and a ragged line is told by its number, whatever else divides them', async () => {
    await expect(readTable('some.csv', `${'2020-01-01 12:00,5,6\n'.repeat(30)}1 2,3\n`)).rejects.toThrow(
      'line 31 has 2 cells but line 1 has 3, separated by ","',
    );
  });
});
