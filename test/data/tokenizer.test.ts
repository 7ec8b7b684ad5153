import { describe, expect, test } from 'vitest';
import { readTokenizer, tokenizer } from '../../src/data/index.ts';

const again = (form: unknown) => readTokenizer(JSON.parse(JSON.stringify(form)));

describe('a tokenizer', () => {
  test('of characters has one token for each, the most frequent first, and gives back every text of them', () => {
    const own = tokenizer('abcab a🙂');
    expect([own.size, own.special]).toEqual([5, {}]);
    expect([...own.encode('ab c🙂')]).toEqual([0, 1, 2, 3, 4]);
    const text = 'cab ab🙂a';
    expect(again(own.form).decode(own.encode(text))).toBe(text);
  });

  test('of characters names one that it does not know, unless a token stands for it', () => {
    expect(() => tokenizer('abc').encode('abd')).toThrow(/"d" is not among the 3 characters/);
    const own = tokenizer('abc', { special: ['unknown'] });
    expect([...own.encode('abd')]).toEqual([1, 2, 0]);
    expect(own.decode(own.encode('abd'))).toBe('ab\ufffd');
  });

  test('of words takes those that occur often enough, as many as there is room for, and cuts typed text as treebanks do', () => {
    const own = tokenizer(["it 's good , is n't it ?", 'it is good'], { kind: 'words', minCount: 2, maxSize: 4 });
    expect(own.form).toEqual({
      kind: 'words',
      special: ['padding', 'unknown'],
      tokens: ['it', 'good'],
      lowerCase: true,
    });
    expect([...own.encode("It's GOOD")]).toEqual([2, 1, 3]);
    const all = tokenizer("do n't ca n't I 'm well-known 3.50 ... l'eau straße", { kind: 'words' });
    const words = (text: string): string => all.decode(all.encode(text));
    expect(words("Don’t CAN'T I'm well-known: 3.50... l'eau Straße")).toBe(
      "do n't ca n't i 'm well - known \ufffd 3.50 ... l ' eau straße",
    );
  });

  test('of words can keep capital letters', () => {
    const own = tokenizer('A a A', { kind: 'words', lowerCase: false, special: [] });
    expect([...own.encode('a A')]).toEqual([1, 0]);
  });

  test('of bytes knows every text', () => {
    const own = tokenizer('x', { kind: 'bytes', special: ['padding', 'begin', 'end'] });
    expect([own.size, own.special]).toEqual([259, { padding: 0, begin: 1, end: 2 }]);
    const text = 'naïve 🙂\n';
    const tokens = own.encode(text);
    expect(tokens[0]).toBe(3 + 'n'.charCodeAt(0));
    expect(own.decode([1, ...tokens, 2, 0, 0])).toBe(text);
    expect(own.decode(tokens.subarray(0, 4))).toBe('naï');
    expect(own.decode(tokens.subarray(0, 3))).toBe('na\ufffd');
  });

  test('refuses a number beyond its vocabulary', () => {
    expect(() => tokenizer('ab').decode([0, 2])).toThrow(/token 2 at place 1 is beyond the vocabulary.* 0 … 1/);
  });

  test('refuses empty texts, and a vocabulary without a word', () => {
    expect(() => tokenizer('')).toThrow(/^\[tokenizer\] the text is empty/);
    expect(() => tokenizer(['', ''])).toThrow(/is empty/);
    expect(() => tokenizer('a b', { kind: 'words', minCount: 2 })).toThrow(/of 2 different parts none occurs 2 times/);
  });
});

describe('the form of a tokenizer', () => {
  const form = {
    kind: 'bytePairs',
    special: ['begin'],
    merges: [
      [97, 98],
      [256, 99],
    ],
  };

  test('of pairs of bytes joins those that were merged first, first', () => {
    const own = again(form);
    expect(own.size).toBe(1 + 256 + 2);
    expect([...own.encode('abcab bc')]).toEqual([258, 257, 33, 99, 100].map((token) => token));
    expect(own.decode(own.encode('abcab bc ñ'))).toBe('abcab bc ñ');
  });

  test.each([
    [null],
    [{ ...form, kind: 'letters' }],
    [{ ...form, special: ['begin', 'begin'] }],
    [{ ...form, special: 'begin' }],
    [{ ...form, special: ['start'] }],
    [{ ...form, merges: [[97, 256]] }],
    [{ ...form, merges: [[97, 0.5]] }],
    [
      {
        ...form,
        merges: [
          [97, 98],
          [97, 98],
        ],
      },
    ],
    [{ ...form, merges: [[97]] }],
    [{ ...form, merges: 3 }],
    // Each doubles the one before.
    [{ ...form, merges: Array.from({ length: 9 }, (_, at) => (at === 0 ? [97, 97] : [255 + at, 255 + at])) }],
    [{ kind: 'words', special: [], tokens: [] }],
    [{ kind: 'words', special: [], tokens: ['a', 'a'] }],
    [{ kind: 'characters', special: [], tokens: ['a', 3] }],
  ])('is refused as %j', (given) => {
    expect(() => readTokenizer(given)).toThrow(/^\[tokenizer\] the description of a tokenizer lacks/);
  });
});
