import { textOf, type Coder } from './coders.ts';
import { pairKey } from './pairKey.ts';
import { piecesOf } from './pieces.ts';
import { BYTES, type BytePairsForm } from './tokenizerForm.ts';

/** Pieces whose tokens are kept, since most of a text are words that came before. */
const MOST_KEPT = 2 ** 16;

/** Tokens of a piece: of the pairs in it the one that was merged first is joined, wherever it is, and again. */
function joinedPairs(tokens: number[], ranks: ReadonlyMap<number, number>): number[] {
  const rankAt = (at: number): number => ranks.get(pairKey(tokens[at], tokens[at + 1])) ?? Infinity;
  for (;;) {
    let first = Infinity;
    for (let at = 0; at + 1 < tokens.length; at++) first = Math.min(first, rankAt(at));
    if (first === Infinity) return tokens;
    let end = 0;
    for (let at = 0; at < tokens.length; at++) {
      const joins = at + 1 < tokens.length && rankAt(at) === first;
      tokens[end++] = joins ? BYTES + first : tokens[at];
      if (joins) at++;
    }
    tokens.length = end;
  }
}

/** Bytes, joined as they were in training. Source: Sennrich, Haddow and Birch 2016, 3.2; of bytes, Radford et al. 2019 */
export function pairCoder({ merges }: BytePairsForm): Coder {
  const ranks = new Map(merges.map(([a, b], rank) => [pairKey(a, b), rank]));
  const bytes: (readonly number[])[] = Array.from({ length: BYTES }, (_, byte) => [byte]);
  for (const [a, b] of merges) bytes.push([...bytes[a], ...bytes[b]]);
  const kept = new Map<string, readonly number[]>();
  const encoder = new TextEncoder();
  const tokensOf = (piece: string): readonly number[] => {
    const before = kept.get(piece);
    if (before) return before;
    const tokens = joinedPairs([...encoder.encode(piece)], ranks);
    if (kept.size < MOST_KEPT) kept.set(piece, tokens);
    return tokens;
  };
  return {
    size: BYTES + merges.length,
    encode: (text) => Int32Array.from(piecesOf(text).flatMap(tokensOf)),
    decode: (tokens) => textOf(tokens.flatMap((token) => bytes[token])),
  };
}
