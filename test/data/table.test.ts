import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { isNumber } from '../../src/data/table/cells.ts';
import { readTable, type Table, type TableOptions } from '../../src/data/index.ts';

const read = (text: string, options?: TableOptions): Promise<Table> => readTable('some.csv', text, options);
const cellsOf = async (text: string, options?: TableOptions): Promise<(readonly string[])[]> =>
  (await read(text, options)).rows.map(({ cells }) => cells);
const linesOf = async (text: string): Promise<number[]> => (await read(text)).rows.map(({ line }) => line);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('cells are divided by', () => {
  test.each([
    ['commas', '1,2\n3,4\n'],
    ['semicolons', '1;2\n3;4\n'],
    ['tabs', '1\t2\n3\t4\n'],
    ['blanks', ' 1   2\n3 \t 4  \n'],
    ['blanks around quotes', '"1" 2\n3\t"4" \n'],
    ['commas with blanks behind', '1, 2\n3 ,\t4\n'],
  ])('%s', async (_, text) => {
    expect(await cellsOf(text)).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
  });
  test('semicolons, though there are commas in every row', async () => {
    expect(await cellsOf('a, b;1\nc, d;2\n')).toEqual([
      ['a, b', '1'],
      ['c, d', '2'],
    ]);
  });
  test('commas, though there are blanks and a semicolon', async () => {
    expect(await cellsOf('1,a b c\n2,d; e f\n')).toEqual([
      ['1', 'a b c'],
      ['2', 'd; e f'],
    ]);
  });
  test('the delimiter that is given', async () => {
    expect(await cellsOf('1,5|2\n3,5|4\n', { delimiter: '|' })).toEqual([
      ['1.5', '2'],
      ['3.5', '4'],
    ]);
  });
  test('a delimiter that means something in an expression', async () => {
    expect(await cellsOf('1^2]\n3^4\n', { delimiter: '^' })).toEqual([
      ['1', '2]'],
      ['3', '4'],
    ]);
  });
});

describe('a cell may', () => {
  const firstCell = async (cell: string): Promise<string> => (await cellsOf(`${cell},1\nb,2\n`))[0][0];

  test('hold a delimiter in quotes', async () => expect(await firstCell('"a,b"')).toBe('a,b'));
  test('hold doubled quotes', async () => expect(await firstCell('"a ""b"""')).toBe('a "b"'));
  test('hold line breaks in quotes', async () => expect(await firstCell('"a\r\nb\n"')).toBe('a\r\nb\n'));
  test('keep blanks in quotes', async () => expect(await firstCell(' " a " ')).toBe(' a '));
  test('be empty', async () => expect(await firstCell('')).toBe(''));
  test('be empty quotes', async () => expect(await firstCell('""')).toBe(''));
  test('have a quote in its middle', async () => expect(await firstCell('5" pipe')).toBe('5" pipe'));
  test('be empty at the end of a line', async () =>
    expect(await cellsOf('a,\n1,\n2,')).toEqual([
      ['1', ''],
      ['2', ''],
    ]));
});

test.each([',', ';', '\t', '|'])('any texts come back from quoted cells between %j', async (delimiter) => {
  const random = new Random(1, 'cells');
  const letters = ['a', '7', '"', ',', ';', '\t', '|', '\n', '\r\n', ' ', 'é', ''];
  const cell = (): string =>
    Array.from({ length: random.word() % 6 }, () => letters[random.word() % letters.length]).join('');
  const rows = Array.from({ length: 200 }, () => [cell(), cell(), cell()]);
  const quoted = rows.map((cells) => cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(delimiter));
  expect(await cellsOf(quoted.join('\r\n'), { delimiter, header: false })).toEqual(rows);
});

describe('rows know their lines', () => {
  test('with blank lines between', async () => expect(await linesOf('1,2\n\n3,4\n \t\n5,6')).toEqual([1, 3, 5]));
  test('below a header', async () => expect(await linesOf('\na,b\n1,2\n3,4\n')).toEqual([3, 4]));
  test.each(['\n', '\r\n', '\r'])('where %j ends them', async (end) =>
    expect(await linesOf(['1,2', '3,4', '', '5,6', ''].join(end))).toEqual([1, 2, 4]),
  );
  test('below cells of several lines', async () =>
    expect(await linesOf('1,"a\nb"\n2,"c\r\n\r\nd"\n3,e\n')).toEqual([1, 3, 6]));
});

describe('a header is', () => {
  const columnsOf = async (text: string, options?: TableOptions): Promise<readonly string[]> =>
    (await read(text, options)).columns;

  test('a first line of texts over numbers', async () => expect(await columnsOf('a,b\n1,x\n')).toEqual(['a', 'b']));
  test('a first line over numbers that begin later', async () =>
    expect(await columnsOf('a,b\n,x\n1,y\n')).toEqual(['a', 'b']));
  test('not a line with a number', async () => expect(await columnsOf('a,1\nb,2\n')).toEqual(['column 1', 'column 2']));
  test('not a line with a missing cell', async () =>
    expect(await columnsOf('a,?\nb,2\n')).toEqual(['column 1', 'column 2']));
  test('a first line of texts of which none comes again below it', async () =>
    expect(await columnsOf('size,colour\ns,red\nl,red\ns,blue\n')).toEqual(['size', 'colour']));
  test('not a first line of which a text comes again below it', async () =>
    expect(await columnsOf('s,red\nl,red\ns,blue\n')).toEqual(['column 1', 'column 2']));
  test('what is said to be one', async () =>
    expect(await columnsOf('year,1990\n1,2\n', { header: true })).toEqual(['year', '1990']));
  test('not what is said to be none', async () =>
    expect((await read('a,b\n1,2\n', { header: false })).rows).toHaveLength(2));
  test('given names for columns that have none, or the same', async () =>
    expect(await columnsOf(',x,x,x,\n1,2,3,4,5\n')).toEqual(['column 1', 'x', 'x (2)', 'x (3)', 'column 5']));
});

describe('numbers with decimal commas', () => {
  test('are read between semicolons', async () =>
    expect(await cellsOf('a;b\n1,5;-0,25\n2;x, y\n')).toEqual([
      ['1.5', '-0.25'],
      ['2', 'x, y'],
    ]));
  test('stay texts where numbers have points', async () =>
    expect(await cellsOf('a;b\n1.5;1,234\n')).toEqual([['1.5', '1,234']]));
});

describe('a table is read from', () => {
  const expected = { columns: ['ä', 'b'], rows: [{ line: 2, cells: ['1', '2'] }] };

  test('bytes', async () => expect(await readTable('f', bytes('ä,b\n1,2\n'))).toMatchObject(expected));
  test('a buffer of bytes, as fetch gives it', async () =>
    expect(await readTable('f', await new Response('ä,b\n1,2\n').arrayBuffer())).toMatchObject(expected));
  test.each([[[1, 2]], [null], [42]])('but not %j', async (file) =>
    expect(readTable('f', file as unknown as string)).rejects.toBeInstanceOf(FormatError),
  );
  test('gzipped bytes', async () =>
    expect(await readTable('f', gzipSync(bytes('ä,b\n1,2\n')))).toMatchObject(expected));
  test('bytes that begin with a mark of their order', async () =>
    expect(await readTable('f', bytes('\ufeffä,b\n1,2\n'))).toMatchObject(expected));
  test('a text that begins with a mark of its order', async () =>
    expect(await readTable('f', '\ufeffä,b\n1,2\n')).toMatchObject(expected));
  test('one column', async () => expect(await cellsOf('house price\n5\n6\n')).toEqual([['5'], ['6']]));
});

const broken: [string, Uint8Array | string, string][] = [
  ['that is empty', '', 'some.csv is empty: it must hold rows of cells'],
  ['of blank lines', '\n \n\t\n', 'some.csv is empty'],
  ['of a header alone', 'a,b\n', 'some.csv holds a header but no rows'],
  ['with a short row', 'a,b,c\n1,2,3\n4,5\n', 'line 3 has 2 cells but line 1 has 3, separated by ",": mend the line'],
  ['with a long row', 'a\tb\n1\t2\n3\t4\t5\n', 'line 3 has 3 cells but line 1 has 2, separated by tabs'],
  ['with an uneven row below cells of several lines', '1,"a\n\nb"\n2\n', 'line 4 has 1 cell but line 1 has 2'],
  ['with an open quote', 'a,b\n1,"2\n3,4\n', 'the quote that opens on line 2 is never closed'],
  ['that goes on behind a quote', 'a,b\n1,2\n"3"0,4\n', 'line 3 goes on behind a closing quote'],
  ['with a zero byte', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 6, 0), 'some.csv is no text, byte 5 of it is 0'],
  ['that is not UTF-8', Uint8Array.of(0x61, 0x2c, 0xe4, 0x0a), 'some.csv is no text in UTF-8'],
  ['in UTF-16', Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x2c, 0), 'some.csv is no text, byte 3 of it is 0'],
  ['whose gzip stream is cut short', gzipSync(bytes('a,b\n1,2\n')).slice(0, -9), 'some.csv: the gzip stream is broken'],
];

describe('a table is read once, and not again for', () => {
  test('each digit of a long cell', () => {
    // The square of it would be hours.
    expect(isNumber(`${'1'.repeat(2 ** 21)}x`)).toBe(false);
  });

  test('each column of one name', async () => {
    const { columns } = await read(`${'x,'.repeat(2 ** 18)}x (2),x\n${'1,'.repeat(2 ** 18 + 1)}1\n`);
    expect([columns.length, columns[1], columns.at(-2), columns.at(-1)]).toEqual([
      2 ** 18 + 2,
      'x (2)',
      'x (2) (2)',
      'x (262145)',
    ]);
  });
});

describe('readTable refuses a file', () => {
  test.each(broken)('%s, and says so', async (_, file, message) => {
    await expect(readTable('some.csv', file)).rejects.toThrow(message);
  });
  test.each(broken)('%s by a FormatError of [table]', async (_, file) => {
    const error: unknown = await readTable('some.csv', file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(/^\[table\] /);
  });
});

test.each(['', ', ', '"', '\n'])('the delimiter %j is refused', async (delimiter) => {
  await expect(read('1,2\n', { delimiter })).rejects.toThrow(
    `the delimiter is "${delimiter}" but must be one character`,
  );
});
