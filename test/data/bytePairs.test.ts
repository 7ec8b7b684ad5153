import { describe, expect, test } from 'vitest';
import { bytePairTokenizer, readTokenizer } from '../../src/data/index.ts';
import { Random } from '../../src/core/random.ts';

/** The merges of texts, each found by counting all pairs anew. */
function mergesOf(pieces: readonly string[], count: number, minCount = 2): [number, number][] {
  const rows = pieces.map((piece) => [...new TextEncoder().encode(piece)]);
  const merges: [number, number][] = [];
  while (merges.length < count) {
    const counts = new Map<string, number>();
    for (const row of rows) {
      for (let at = 0; at + 1 < row.length; at++) {
        const key = `${row[at]} ${row[at + 1]}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    const pairs = [...counts].map(([key, n]) => ({ n, pair: key.split(' ').map(Number) as [number, number] }));
    const [best] = pairs.sort((a, b) => b.n - a.n || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1]);
    if (!best || best.n < minCount) break;
    const token = 256 + merges.length;
    merges.push(best.pair);
    for (const row of rows) {
      for (let at = 0; at + 1 < row.length; at++) {
        if (row[at] === best.pair[0] && row[at + 1] === best.pair[1]) row.splice(at, 2, token);
      }
    }
  }
  return merges;
}

describe('pairs of bytes', () => {
  test('are joined in the order of their counts, the example of Sennrich et al.', () => {
    // low 5, lower 2, newest 6, widest 3: first e s, es t, then l o, lo w.
    const words = [
      ...Array(5).fill('low'),
      ...Array(2).fill('lower'),
      ...Array(6).fill('newest'),
      ...Array(3).fill('widest'),
    ];
    const own = bytePairTokenizer(words, { size: 260, special: [] });
    expect(own.form).toMatchObject({ kind: 'bytePairs' });
    const text = (token: number): string => own.decode([token]);
    expect([256, 257, 258, 259].map(text)).toEqual(['es', 'est', 'lo', 'low']);
  });

  test('are those that counting anew finds, in texts by chance', () => {
    const random = new Random(4, 'pairs');
    const letters = ['a', 'b', 'c', 'ü'];
    const words = Array.from({ length: 300 }, () =>
      Array.from({ length: 1 + (random.word() % 7) }, () => letters[random.word() % 4]).join(''),
    );
    const own = bytePairTokenizer(words, { size: 256 + 60, special: [] });
    expect(own.form).toEqual({ kind: 'bytePairs', special: [], merges: mergesOf(words, 60) });
  });

  test('give every text back, of however rare signs, and end where pairs are rare', () => {
    const own = bytePairTokenizer('the cat the hat', { size: 1000, minCount: 2 });
    expect(own.special).toEqual({ padding: 0, begin: 1, end: 2 });
    expect(own.size).toBeLessThan(270);
    const again = readTokenizer(JSON.parse(JSON.stringify(own.form)));
    for (const text of ['the hat', '  the\n\tcat ', 'Übergrößenträger 🙂\u0000', 'x'.repeat(1000), '12,5 % …']) {
      expect(again.decode(own.encode(text))).toBe(text);
    }
    expect(own.encode('the cat the hat').length).toBeLessThan('the cat the hat'.length);
  });

  test('need room for the bytes', () => {
    expect(() => bytePairTokenizer('abc', { size: 258 })).toThrow(/size is 258 but must be a whole number from 259/);
  });
});
