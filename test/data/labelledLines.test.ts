import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  encodeTexts,
  labelledLines,
  linesOfTable,
  readClassFiles,
  readLabelledLines,
  readLinesForm,
  readTable,
  tokenizer,
  type Dataset,
} from '../../src/data/index.ts';
import { textFiles } from '../../src/node.ts';
import { realData } from '../support/realData.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const rowsOf = ({ data, shape: [width] }: { readonly data: ArrayLike<number>; readonly shape: readonly number[] }) =>
  Array.from({ length: data.length / width }, (_, at) => Array.from(data).slice(at * width, (at + 1) * width));

describe('labelled lines', () => {
  const text = '1 good , really good\r\n\n0\tbad\n10 good bad good bad\n';

  test('become rows of tokens, padded to the longest, with their lengths and labels', async () => {
    const { data, classes, tokenizer: own } = labelledLines(await readLabelledLines('f', text));
    expect(classes).toEqual(['0', '1', '10']);
    expect(own.form).toMatchObject({ kind: 'words', tokens: ['good', 'bad', ',', 'really'] });
    expect(rowsOf(data.fields.tokens)).toEqual([
      [2, 4, 5, 2],
      [3, 0, 0, 0],
      [2, 3, 2, 3],
    ]);
    expect([...data.fields.length.data]).toEqual([4, 1, 4]);
    expect([...data.fields.label.data]).toEqual([1, 0, 2]);
  });

  test('are read from a file that is gzipped, and know where they stand', async () => {
    const lines = await readLabelledLines('f.gz', gzipSync(utf8(text)));
    expect(lines.map(({ line, file }) => `${file} ${line}`)).toEqual(['f.gz 1', 'f.gz 3', 'f.gz 4']);
  });

  test('lose the end where they are longer than is asked for, and that is said', async () => {
    const { data, notes } = labelledLines(await readLabelledLines('f', text), { length: 3 });
    expect(rowsOf(data.fields.tokens)[2]).toEqual([2, 3, 2]);
    expect([...data.fields.length.data]).toEqual([3, 1, 3]);
    expect(notes).toEqual(['2 texts had more than 3 tokens, and lost the end']);
  });

  test('of another set are seen as those of the first, also by a form that was read back', async () => {
    const { form } = labelledLines(await readLabelledLines('f', text));
    const kept = JSON.parse(JSON.stringify(form));
    const other = labelledLines(await readLabelledLines('g', '10 Good news\n1 bad, bad, bad, bad\n'), { form: kept });
    expect(rowsOf(other.data.fields.tokens)).toEqual([
      [2, 1, 0, 0],
      [3, 4, 3, 4],
    ]);
    expect([...other.data.fields.label.data]).toEqual([2, 1]);
    expect(rowsOf(encodeTexts(kept, ['GOOD', '\t']).fields.tokens)).toEqual([
      [2, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    const unknown = await readLabelledLines('h', '1 a\n\n2 b\n');
    expect(() => labelledLines(unknown, { form: kept })).toThrow(
      /h: line 3 has the label "2", which is none of "0", "1", "10"/,
    );
  });

  test('number runs of tokens that two lines have, each once in a line, also in lines of another set', async () => {
    const given = '1 so good , so good\n0 so bad , so good\n1 so good\n0 bad\n';
    const { data, form } = labelledLines(await readLabelledLines('f', given), { ngrams: 2 });
    // Words by their count: so, good, the comma and bad, behind padding and unknown.
    expect(form.ngrams).toEqual({ longest: 2, known: [[2], [3], [4], [2, 3], [4, 2], [5]] });
    expect(rowsOf(data.fields.ngrams)).toEqual([
      [1, 2, 3, 4, 5, 0, 0, 0, 0],
      [1, 6, 3, 2, 5, 4, 0, 0, 0],
      [1, 2, 4, 0, 0, 0, 0, 0, 0],
      [6, 0, 0, 0, 0, 0, 0, 0, 0],
    ]);
    const kept = JSON.parse(JSON.stringify(form)) as typeof form;
    expect(rowsOf((encodeTexts(kept, ['Good so, so strange']) as Dataset).fields['ngrams'])).toEqual([
      [2, 1, 3, 5, 0, 0, 0, 0, 0],
    ]);
    const lines = await readLabelledLines('f', given);
    expect(() => labelledLines(lines, { ngrams: 0 })).toThrow('ngrams is 0 but must be a whole number of tokens');
  });

  test('take a tokenizer of one’s own, with a token for padding', async () => {
    const lines = await readLabelledLines('f', text);
    const own = tokenizer('x', { kind: 'bytes', special: ['padding'] });
    expect(labelledLines(lines, { tokenizer: own }).form.length).toBe('good , really good'.length);
    expect(() => labelledLines(lines, { tokenizer: tokenizer('x') })).toThrow(/one with a token for padding/);
  });

  test('are refused without a text, and if all are of one class', async () => {
    await expect(readLabelledLines('f', 'a b\n\nc \n')).rejects.toThrow(/f: line 3 is "c", but a line is a label/);
    await expect(readLabelledLines('f', ' \n')).rejects.toThrow(/f has no lines with text/);
    await expect(readLabelledLines('f', Uint8Array.of(0x31, 0x20, 0xff))).rejects.toThrow(/f is no text in UTF-8/);
    const lines = await readLabelledLines('f', 'a b\na c\n');
    expect(() => labelledLines(lines)).toThrow(/all 2 lines have the label "a"/);
  });
});

test.each([
  [{ classes: ['a'] }, 'classes, a list of names, two at least'],
  [{ classes: ['a', 'a', 'b'] }, 'classes, a list'],
  [{ length: 0 }, 'length, a whole number'],
  [{ tokenizer: { kind: 'bytes', special: [] } }, 'a token for padding'],
  [{ ngrams: { longest: 1, known: [[1, 2]] } }, 'runs of tokens, lists of whole numbers, among its ngrams'],
  [{ ngrams: {} }, 'runs of tokens'],
])('the form of lines is refused with %j', (wrong, lacks) => {
  const form = { tokenizer: { kind: 'bytes', special: ['padding'] }, classes: ['a', 'b'], length: 3 };
  expect(readLinesForm(form)).toEqual(form);
  expect(() => readLinesForm({ ...form, ...wrong })).toThrow(`the description of labelled lines lacks ${lacks}`);
});

describe('a file for each class', () => {
  const filesOf = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([name, text]) => new File([text], name));

  test.each([
    [
      ['rt-polarity.neg', 'rt-polarity.pos'],
      ['neg', 'pos'],
    ],
    [
      ['neg.txt', 'pos.txt'],
      ['neg', 'pos'],
    ],
    [
      ['spam_train.txt.gz', 'ham_train.txt.gz'],
      ['spam', 'ham'],
    ],
    [
      ['a.b', 'a.b.c'],
      ['b', 'b-c'],
    ],
    [
      ['x', 'y'],
      ['x', 'y'],
    ],
  ])('%j are the classes %j', async (names, classes) => {
    const lines = await readClassFiles(filesOf(Object.fromEntries(names.map((name) => [name, ' one\n\ntwo ']))));
    expect(lines.map(({ label, text, line }) => [label, text, line])).toEqual(
      classes.flatMap((name) => [
        [name, 'one', 1],
        [name, 'two', 3],
      ]),
    );
  });

  test('is to have lines, and another file beside it', async () => {
    await expect(readClassFiles(filesOf({ a: 'x', b: '' }))).rejects.toThrow(/b has no lines with text/);
    await expect(readClassFiles(filesOf({ a: 'x' }))).rejects.toThrow(/there is 1 file, but each holds a class/);
  });
});

test('lines of a table are those of two columns', async () => {
  const table = await readTable('r.csv', 'id,review,stars\n1,"good, really",5\n2,,3\n3,bad,1.0\n');
  expect(linesOfTable(table, { text: 'review' })).toEqual([
    { label: '5', text: 'good, really', line: 2, file: 'r.csv' },
    { label: '1.0', text: 'bad', line: 4, file: 'r.csv' },
  ]);
});

const [sst, rt] = [realData('sst'), realData('rt-polarity')];

describe('published sentences', () => {
  test.skipIf(!sst)('of SST-2 are as many as is known of it, and typed ones are cut as they are', async () => {
    const read = async (part: string) => readLabelledLines(part, await readFile(join(sst!, `stsa.binary.${part}`)));
    const train = labelledLines(await read('train'));
    expect(train.data.length).toBe(6920);
    expect(train.classes).toEqual(['0', '1']);
    const counts = async (part: string) => {
      const { data } = labelledLines(await read(part), { form: train.form });
      return [...data.fields.label.data].reduce(([a, b], label) => (label ? [a, b + 1] : [a + 1, b]), [0, 0]);
    };
    expect([await counts('train'), await counts('dev'), await counts('test')]).toEqual([
      [3310, 3610],
      [428, 444],
      [912, 909],
    ]);
    // Whoever types a sentence types it otherwise than the treebank has it.
    const [typed, treebank] = ["It doesn't work; I'm bored.", "it does n't work ; i 'm bored ."].map((text) =>
      train.tokenizer.encode(text),
    );
    expect(typed).toEqual(treebank);
    expect(typed).not.toContain(train.tokenizer.special.unknown);
  });

  test.skipIf(!rt)('of rt-polarity are 5,331 of each class', async () => {
    // The folder's README holds no class.
    const { data, classes, form, tokenizer: own } = labelledLines(await readClassFiles(await textFiles(rt!)));
    expect(classes).toEqual(['neg', 'pos']);
    expect([...data.fields.label.data].filter((label) => label === 1).length).toBe(5331);
    expect([data.length, form.length, own.size]).toEqual([10_662, 63, 18_367]);
  });
});
