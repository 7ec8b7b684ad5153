import { join } from 'node:path';
import { openTable } from '../../src/cli/tasks/tables.ts';
import type { TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import {
  encodeTable,
  prepareTable,
  readTable,
  readTableForm,
  type PrepareOptions,
  type TableOptions,
} from '../../src/data/index.ts';
import { inFolder, type Case } from '../support/provoke.ts';

const read = (text: string | Uint8Array, options?: TableOptions) => () => readTable('t.csv', text, options);

const prepare =
  (text: string, options: PrepareOptions = {}) =>
  async () =>
    prepareTable(await readTable('t.csv', text), options);

/** Ten rows; the last column is 0 and 1 in turn. */
const rows = (each: (at: number) => string): string =>
  `a,b,y\n${Array.from({ length: 10 }, (_, at) => `${each(at)},${at % 2}`).join('\n')}\n`;
const fine = rows((at) => `${at * at},${at % 3}`);

/** A table beside one that was prepared. */
const encode =
  (text: string, trainedOn = fine) =>
  async () => {
    const { form } = prepareTable(await readTable('t.csv', trainedOn));
    return encodeTable(form, await readTable('more.csv', text));
  };

/** Of each form with one thing wrong: all must fail alike, the last one's error is what comes out. */
const describe = () => {
  const number = { kind: 'number', name: 'a', mean: 0, deviation: 1 };
  const target = { kind: 'class', name: 'y', classes: ['0', '1'] };
  const form = { header: true, columns: ['a', 'y'], features: [number], target };
  const wrong: readonly unknown[] = [
    null,
    { ...form, header: 'yes' },
    { ...form, columns: [] },
    { ...form, features: [] },
    { ...form, columns: ['y'] },
    { ...form, features: [{ ...number, name: 1 }] },
    { ...form, features: [{ ...number, mean: NaN }] },
    { ...form, features: [{ ...number, kind: 'text' }] },
    { ...form, features: [{ kind: 'category', name: 'a', categories: 3 }] },
    { ...form, target: { ...target, classes: [] } },
  ];
  return wrong.map((given): Case => ['[table] the description of a table lacks', () => readTableForm(given)]);
};

/** Under some seed the only row of another value is held out. */
const heldOut = async (): Promise<void> => {
  const table = await readTable('t.csv', `a,y\n${'1,5\n2,5\n3,5\n4,5\n'.repeat(2)}2.5,7\n`);
  for (let seed = 0; seed < 100; seed++) prepareTable(table, { task: 'regression', heldOut: 0.5, seed });
};

export const tables: readonly Case[] = [
  ['[table] <file>: "<name>" is to be dropped', prepare(fine, { drop: ['y'] })],
  [
    '[table] <file>: line <n>: "<name>" is <number>, too far',
    encode(
      'a,b,y\n3e38,1,0\n',
      rows((at) => `${at / 1000},${at % 3}`),
    ),
  ],
  [
    '[table] <path> cannot be read',
    () =>
      inFolder((folder) => {
        const path = join(folder, 'gone.csv');
        return openTable(path, (parseCommand(['train', path]) as TrainCommand).table);
      }),
  ],
  ['[table] <file> is empty', read('\n\n')],
  ['[<reader>] <file> is given as', read([1, 2] as unknown as string)],
  ['[table] <file> is no text, byte', read(Uint8Array.of(65, 44, 0, 66))],
  ['[table] <file> is no text in UTF-8', read(Uint8Array.of(65, 44, 0xff, 66))],
  ['[table] the delimiter is', read('a,b', { delimiter: '::' })],
  ['[table] <file>: line <n> has <n> cells', read('1,2\n3,4,5\n')],
  ['[table] <file>: line <n> goes on', read('1,2\n3,"4" 5\n')],
  ['[table] <file>: the quote that opens', read('1,"2\n')],
  ['[table] <file> holds a header', read('a,b\n', { header: true })],
  ['[table] <file> has no column "<which>"', prepare(fine, { target: 'z' })],
  ['[table] <file>: "<which>" is the number of a column, but also', prepare('7,3,9\n1,2,3\n2,4,5\n', { target: 3 })],
  ['[table] <file>: line <n> has "<cell>"', prepare(rows((at) => `${at * at},${at === 4 ? '5 cm' : at}`))],
  ['[table] <file>: column "<name>" does not tell', prepare(rows((at) => `${at * at},"1,${200 + at * at}"`))],
  [
    '[table] <file>: column "<name>" has decimal',
    encode(
      'a;b;y\n1.5;1;0\n',
      rows((at) => `"${at},5",${at * at}`),
    ),
  ],
  [
    '[table] <file>: column "<name>" was learned from numbers with decimal',
    encode(
      'a;b;y\n1.125;1;0\n',
      rows((at) => `"${at},5",${at * at}`),
    ),
  ],
  ['[table] the share of rows', prepare(fine, { heldOut: 1 })],
  ['[table] <file> has one column only', prepare('1\n2\n3\n')],
  ['[table] <file>: no column is left', prepare(rows(() => '1,2'))],
  ['[table] <file>: the target "<name>" is empty', prepare('a,b,y\n1,2,\n3,4,\n', { target: 'y' })],
  ['[table] <file>: the target "<name>" holds nothing but <words>', prepare('a,b,y\n1,2,.\n3,4,-\n5,6,.\n')],
  ['[table] <file>: the target "<name>" is <value> in every row', prepare('a,b,y\n1,2,7\n3,4,7\n')],
  ['[table] <file>: the target "<name>" is <number> in every training row', heldOut],
  ['[table] <file>: the target "<name>" is text', prepare('a,y\n1,x\n2,z\n3,x\n4,z\n', { task: 'regression' })],
  ['[table] <file>: the target "<name>" has <n> different', prepare('a,y\n1,x\n2,y\n3,z\n', { target: 'y' })],
  ['[table] <file> has no column <names>', encode('a,y\n1,2\n3,4\n')],
  ['[table] <file> has <n> columns', encode('1\n2\n3\n')],
  ...describe(),
];
