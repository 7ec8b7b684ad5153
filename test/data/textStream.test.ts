import { describe, expect, test } from 'vitest';
import { concat, dataset, map, rows, take, textStream, type Dataset } from '../../src/data/index.ts';
import { samplesFrom } from '../../src/data/sampleLayout.ts';

const numbersOf = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
const text = Int32Array.from(numbersOf(0, 100));
const sample = (set: Dataset, name: string, at: number): number[] => [...samplesFrom(set.fields[name], at, at + 1)];

describe('a stream of text', () => {
  const { train, validation } = textStream(text, { context: 8, heldOut: 0.25 });

  test('has a window for each place, with the token that follows at each of its places', () => {
    expect(train.length).toBe(75 - 8);
    expect(sample(train, 'tokens', 0)).toEqual(numbersOf(0, 8));
    expect(sample(train, 'tokens', 66)).toEqual(numbersOf(66, 74));
    expect(sample(train, 'target', 66)).toEqual(numbersOf(67, 75));
  });

  test('keeps its text once for all windows', () => {
    expect(train.fields.tokens.data.buffer).toBe(text.buffer);
    expect([train.fields.tokens.data.length, train.fields.target.data.length]).toEqual([74, 74]);
  });

  test('tells what is held out once, by windows behind each other', () => {
    expect(validation.length).toBe(3);
    expect(numbersOf(0, 3).flatMap((at) => sample(validation, 'target', at))).toEqual(numbersOf(76, 100));
  });

  test('of several parts goes on in each of them, from batch to batch', () => {
    const streams = textStream(text, { context: 4, heldOut: 0.4, streams: 3 });
    // 59 tokens with one that follows are 3 of 19, of which a window takes 4.
    expect(streams.train.length).toBe(3 * 4);
    expect(numbersOf(0, 12).map((row) => sample(streams.train, 'tokens', row)[0])).toEqual([
      0, 19, 38, 4, 23, 42, 8, 27, 46, 12, 31, 50,
    ]);
    expect(sample(streams.train, 'target', 4)).toEqual([24, 25, 26, 27]);
    expect([...streams.train.fields.reset.data]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(streams.validation.length).toBe(9);
    expect([...streams.validation.fields.reset.data]).toEqual(new Array(9).fill(1));
  });

  test.each([
    [
      { context: 75 },
      /\[textStream\] the text has 100 tokens, 90 to learn from and 10 held out, but a context of 75 and what follows are 76/,
    ],
    [{ context: 10 }, /10 held out, but a context of 10 and what follows are 11/],
    [{ context: 8, streams: 3 }, /but 3 streams of a context of 8 and what follows are 25/],
  ])('that is shorter than its context is refused with %j', (options, message) => {
    expect(() => textStream(text, options)).toThrow(message);
  });
});

describe('a set whose samples overlap', () => {
  const set = dataset({
    x: { data: Float32Array.from(numbersOf(0, 11)), shape: [3], stride: 2 },
    label: Int32Array.from(numbersOf(0, 5)),
  });
  const seen = (of: Dataset): number[][] => numbersOf(0, of.length).map((at) => sample(of, 'x', at));
  const whole = [0, 2, 4, 6, 8].map((from) => numbersOf(from, from + 3));

  test('has each of them whole', () => expect([set.length, seen(set)]).toEqual([5, whole]));
  test('is cut without copying', () => {
    const part = take(set, 1, 4);
    expect([part.length, part.fields.x.data.length, seen(part)]).toEqual([3, 7, whole.slice(1, 4)]);
  });
  test('gives samples by number', () => expect(seen(rows(set, [4, 0, 4]))).toEqual([whole[4], whole[0], whole[4]]));
  test('is put behind another one', () =>
    expect(seen(concat(set, take(set, 2)))).toEqual([...whole, ...whole.slice(2)]));
  test('is mapped sample by sample', () => {
    const made = map(set, ({ x, label }) => ({ x: x.map((each) => -each), label }));
    expect(seen(made)).toEqual(whole.map((each) => each.map((x) => -x)));
  });
  test('is refused where numbers are left over', () => {
    expect(() => dataset({ x: { data: new Float32Array(10), shape: [3], stride: 2 } })).toThrow(
      /10 numbers, but samples of \[3\] \(3 numbers\), each 2 behind the one before, do not end there/,
    );
    expect(() => dataset({ x: { data: new Float32Array(1), shape: [3], stride: 2 } })).toThrow(/do not end/);
  });
});
