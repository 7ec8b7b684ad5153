import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  bucketed,
  bucketedLines,
  bytePairTokenizer,
  labelledLines,
  pairedLines,
  readLabelledLines,
  readText,
  tokenizer,
  type Dataset,
} from '../../src/data/index.ts';
import { bucketShapes, type Lengths } from '../../src/data/text/bucketShapes.ts';
import { Random } from '../../src/core/random.ts';
import { realData } from '../support/realData.ts';

const special = ['padding', 'begin', 'end'] as const;
const random = new Random(5, 'pairs');
const textOf = (length: number): string =>
  Array.from({ length }, () => 'abcdef'[Math.floor(random.uniform(0, 6))]).join('');
const pairs = Array.from({ length: 203 }, () => {
  const length = Math.floor(random.uniform(1, 20));
  return [textOf(length), textOf(Math.max(1, length + Math.floor(random.uniform(-2, 3))))] as const;
});
const own = tokenizer('abcdef', { special });
const options = { tokenizer: own, batchSize: 16, shapes: 4 };

const row = ({ data, shape: [width = 1] }: Dataset['fields'][string], at: number): number[] =>
  Array.from(data.subarray(at * width, (at + 1) * width));

/** The pairs of batches, as texts, checked on the way. */
function pairsIn(batches: Iterable<Dataset>): string[] {
  return [...batches].flatMap(({ length, fields }) =>
    Array.from({ length }, (_, at) => {
      const [source, target, input] = ['source', 'target', 'input'].map((name) => row(fields[name], at));
      const [s, t] = [row(fields['sourceLength'], at)[0], row(fields['length'], at)[0]];
      const { padding, begin, end } = own.special;
      expect([source[s - 1], target[t - 1], input[0]]).toEqual([end, end, begin]);
      expect(input.slice(1, t)).toEqual(target.slice(0, t - 1));
      const behind = [...source.slice(s), ...target.slice(t), ...input.slice(t)];
      expect(behind.every((token) => token === padding)).toBe(true);
      return `${own.decode(source)} ${own.decode(target)}`;
    }),
  );
}

describe('pairs in buckets', () => {
  const batches = bucketed(pairs, options);

  test('come once in each epoch, in another order, with begin, end and padding', () => {
    const [first, second] = [pairsIn(batches.epoch(0)), pairsIn(batches.epoch(1))];
    expect(first.toSorted()).toEqual(pairs.map((pair) => pair.join(' ')).toSorted());
    expect(second.toSorted()).toEqual(first.toSorted());
    expect(second).not.toEqual(first);
  });

  test('are the same whenever an epoch is asked for, also in its middle', () => {
    const again = bucketed(pairs, options);
    expect([...again.epoch(3, 5)]).toEqual([...batches.epoch(3)].slice(5));
    expect([...again]).toEqual([...batches.epoch(0)]);
    expect([...bucketed(pairs, { ...options, seed: 1 })]).not.toEqual([...again]);
  });

  test('have few shapes, whole batches but for one, and say how much is padding', () => {
    const all = [...batches];
    const shapes = new Set(all.map(({ fields }) => `${fields.source.shape[0]} ${fields.input.shape[0]}`));
    expect([...shapes].toSorted()).toEqual(batches.shapes.map((shape) => shape.join(' ')).toSorted());
    expect(shapes.size).toBeLessThanOrEqual(4);
    expect(all.filter(({ length }) => length !== 16).map(({ length }) => length)).toEqual([203 % 16]);
    expect(batches.steps).toBe(all.length);
    const [room, real] = all.reduce(
      ([a, b], { fields: { source, target, sourceLength, length } }) => [
        a + source.data.length + target.data.length,
        b + [...sourceLength.data, ...length.data].reduce((x, y) => x + y),
      ],
      [0, 0],
    );
    expect(batches.padding).toBeCloseTo(1 - real / room, 12);
  });

  test('that are too long lose their end, and others come in the longest shape', () => {
    const short = bucketed(pairs, { ...options, longest: 6 });
    expect(short.shapes.at(-1)).toEqual([6, 6]);
    const { length, fields } = short.padded([['abcdefabc', 'ab']]);
    expect([length, row(fields.source, 0), row(fields.target, 0)]).toEqual([
      1,
      [...own.encode('abcde'), 2],
      [...own.encode('ab'), 2, 0, 0, 0],
    ]);
  });

  test('need tokens for padding, begin and end, the same on both sides', () => {
    for (const wrong of [tokenizer('abcdef'), [own, tokenizer('abcdef', { special: ['begin', 'padding', 'end'] })]]) {
      expect(() => bucketed(pairs, { ...options, tokenizer: wrong as typeof own })).toThrow(
        /one with tokens for padding, begin and end, or two that have the same ones/,
      );
    }
  });
});

describe('shapes of buckets', () => {
  const roomOf = (lengths: readonly Lengths[], shapes: readonly Lengths[]): number =>
    lengths.reduce((sum, [a, b]) => {
      const shape = shapes.find(([s, t]) => a <= s && b <= t)!;
      return sum + shape[0] + shape[1];
    }, 0);

  test('are the best of all chains of as many', () => {
    const lengths = Array.from({ length: 40 }, (): Lengths => {
      const length = 1 + (random.word() % 6);
      return [length, Math.max(1, length + (random.word() % 3) - 1)];
    });
    const most = lengths.reduce(([s, t], [a, b]) => [Math.max(s, a), Math.max(t, b)] as const, [0, 0] as Lengths);
    const all = Array.from({ length: 49 }, (_, at): Lengths => [1 + Math.floor(at / 7), 1 + (at % 7)]);
    let best = Infinity;
    for (const one of all) {
      for (const other of all) {
        if (one[0] > other[0] || one[1] > other[1] || other[0] > most[0] || other[1] > most[1]) continue;
        best = Math.min(best, roomOf(lengths, [one, other, most]));
      }
    }
    expect(roomOf(lengths, bucketShapes(lengths, 3))).toBe(best);
    expect(bucketShapes(lengths, 1)).toEqual([most]);
  });

  test('are no more than there are different lengths', () => {
    expect(
      bucketShapes(
        [
          [2, 3],
          [2, 3],
          [4, 4],
        ],
        9,
      ),
    ).toEqual([
      [2, 3],
      [4, 4],
    ]);
  });
});

describe('lines in buckets', () => {
  const given = Array.from(
    { length: 101 },
    (_, at) => `${at % 3} ${Array.from(textOf(1 + (random.word() % 20))).join(' ')}`,
  );
  const linesOf = async () => labelledLines(await readLabelledLines('f', given.join('\n')), { ngrams: 2 });
  /** What batches have, as texts of tokens, runs, length and label. */
  const textsIn = (batches: Iterable<Dataset>, width: number): string[] =>
    [...batches].flatMap(({ length, fields }) =>
      Array.from({ length }, (_, at) => {
        const [tokens, runs] = [row(fields['tokens'], at), row(fields['ngrams'], at)];
        const [[count], [label]] = [row(fields['length'], at), row(fields['label'], at)];
        expect(tokens.slice(count).every((token) => token === 0)).toBe(true);
        expect(runs).toHaveLength(2 * tokens.length - 1);
        expect(tokens.length).toBeLessThanOrEqual(width);
        return [tokens.slice(0, count), runs.filter((run) => run > 0), count, label].join(' ');
      }),
    );

  test('come once in each epoch, whole, and as they are in the set', async () => {
    const lines = await linesOf();
    const batches = bucketedLines(lines, { batchSize: 8, shapes: 3 });
    const all = textsIn([lines.data], Infinity).toSorted();
    const epochs = [0, 1].map((number) => textsIn(batches.epoch(number), batches.shapes.at(-1)!));
    expect(epochs.map((texts) => texts.toSorted())).toEqual([all, all]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect([...batches]).toHaveLength(batches.steps);
    expect(batches.shapes).toHaveLength(3);
    expect(batches.shapes.at(-1)).toBe(lines.form.length);
    const widths = [...batches].map(({ fields }) => fields['tokens'].shape[0]);
    expect([...new Set(widths)].toSorted((a, b) => a - b)).toEqual(batches.shapes);
    expect([...batches.epoch(3, 5)]).toEqual([...batches.epoch(3)].slice(5));
  });

  test('have as much padding as is said, less than all as long as the longest', async () => {
    const lines = await linesOf();
    const batches = bucketedLines(lines, { batchSize: 8, shapes: 3 });
    const room = [...batches].reduce((sum, { length, fields }) => sum + length * fields['tokens'].shape[0], 0);
    const counts = Array.from(lines.data.fields.length.data).reduce((sum, count) => sum + count, 0);
    expect(batches.padding).toBeCloseTo(1 - counts / room, 12);
    expect(batches.padding).toBeLessThan(1 - counts / (lines.data.length * lines.form.length) - 0.1);
    const wrong = { data: lines.data } as typeof lines;
    expect(() => bucketedLines(wrong, { batchSize: 8 })).toThrow(/must be what labelledLines gave/);
  });
});

test('files of unequal line counts are refused with both counts', () => {
  const [de, en] = [
    { name: 'a.de', text: 'eins\nzwei\n' },
    { name: 'a.en', text: 'one\n\nthree' },
  ];
  expect(() => pairedLines(de, en)).toThrow(/a\.de has 2 lines but a\.en has 3/);
  expect(pairedLines({ ...de, text: 'eins\nzwei\ndrei\r\n' }, en)).toEqual([
    ['eins', 'one'],
    ['drei', 'three'],
  ]);
});

const multi30k = realData('multi30k');

test.skipIf(!multi30k)('at most 15 % of what is computed of multi30k is padding', async () => {
  const [source, target] = await Promise.all(
    ['train.de.gz', 'train.en.gz'].map(async (name) => ({
      name,
      text: await readText(name, await readFile(join(multi30k!, name))),
    })),
  );
  const all = pairedLines(source, target);
  expect(all.length).toBe(29_000);
  const both = bytePairTokenizer(all.flat(), { size: 8000 });
  expect(both.size).toBe(8000);
  for (const [german, english] of all.slice(0, 1000)) {
    expect([german, english].map((text) => both.decode(both.encode(text)))).toEqual([german, english]);
  }
  const { padding, shapes } = bucketed(all, { tokenizer: both, batchSize: 64 });
  expect(shapes.length).toBe(8);
  expect(padding).toBeLessThan(0.15);
});
