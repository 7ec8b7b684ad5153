import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { PairCounts, type Piece } from './pairCounts.ts';
import { piecesOf } from './pieces.ts';
import { requireSize, requireSpecials, textsIn, tokenizerOf, type Tokenizer } from './tokenizer.ts';
import { BYTES, type Special } from './tokenizerForm.ts';

/** Of no table of rows are there more. */
const MOST_TOKENS = 2 ** 24;

/** What `bytePairTokenizer` may be told. */
export interface BytePairOptions {
  /** Tokens in all, the bytes and special ones among them; fewer if pairs become rarer than `minCount`. */
  readonly size: number;
  /** How often a pair must occur to be joined: 2. */
  readonly minCount?: number | undefined;
  /** `['padding', 'begin', 'end']` if left out. No text is unknown. */
  readonly special?: readonly Special[] | undefined;
}

/**
 * A tokenizer of parts of words: bytes, of which the pair that is most frequent in the texts becomes a token, and again,
 * until there are as many as are asked for. Words that occur often come to be one token; no text is unknown.
 *
 *     bytePairTokenizer([...german, ...english], { size: 8000 }); // of both, for a model that translates
 *
 * 58,000 sentences take some seconds, since each word is counted once.
 * @throws DataError for empty texts, and a size without room for the bytes
 * Source: Sennrich, Haddow and Birch 2016, 3.2; of bytes, Radford et al. 2019, 2.2
 */
export function bytePairTokenizer(texts: string | Iterable<string>, options: BytePairOptions): Tokenizer {
  const where = 'bytePairTokenizer';
  const usual = { size: undefined, minCount: 2, special: undefined };
  const {
    size,
    minCount,
    special = ['padding', 'begin', 'end'],
  } = optionsOf<BytePairOptions, typeof usual>(where, options, usual);
  requireSpecials(where, special);
  const least = special.length + BYTES;
  const isSize = Number.isSafeInteger(size) && size >= least && size < MOST_TOKENS;
  requireKind(
    where,
    'size',
    size,
    isSize,
    `a whole number from ${least}, for bytes and special tokens, to ${MOST_TOKENS - 1}`,
  );
  requireSize(where, 'minCount', minCount);
  const pairs = new PairCounts();
  pairs.add(countedPieces(textsIn(where, texts)));
  const merges: (readonly [number, number])[] = [];
  while (merges.length < size - least) {
    const pair = pairs.most(minCount);
    if (!pair) break;
    pairs.join(pair, BYTES + merges.length);
    merges.push(pair);
  }
  return tokenizerOf({ kind: 'bytePairs', special, merges });
}

/** The pieces of texts, each once. */
function countedPieces(texts: readonly string[]): Piece[] {
  const counts = new Map<string, number>();
  for (const text of texts) for (const piece of piecesOf(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const encoder = new TextEncoder();
  return Array.from(counts, ([piece, count]) => ({ tokens: [...encoder.encode(piece)], count }));
}
